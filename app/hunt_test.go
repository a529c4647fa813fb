package app

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/lake"
)

// everyType is a query whose result has a value and a null of every type.
const everyType = `datatable(b:bool, i:int, l:long, r:real, s:string, d:datetime, t:timespan, g:guid, y:dynamic, m:decimal)[
	true, int(-1), 9007199254740993, 0.5, "a\"\n<é", datetime(2024-05-01T10:00:00.1234567Z), timespan(1.02:03:04), guid(74be27de-1e4e-49d9-b579-fe0b331d3642), dynamic({"a":[1,"x",null,true,2.0]}), decimal(1.5),
	bool(null), int(null), long(null), real(nan), "", datetime(null), timespan(null), guid(null), dynamic(null), decimal(null)]`

// A server prints the same as the data folder, in every format.
func TestHuntServer(t *testing.T) {
	a, err := New(t.Context(), Config{Data: t.TempDir(), Listen: "127.0.0.1:0", NoRules: true})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Stop(context.Background())
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	token, err := a.CreateToken(t.Context(), "hunter", string(tocsin.RoleReader), 1<<50, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range HuntFormats {
		for query, limit := range map[string]int64{everyType: 0, "range x from 1 to 2500 step 1 | where x > least": 0, "range x from 1 to 5 step 1": 3, "print 1 | take 0": 0} {
			var texts, notes [2]bytes.Buffer
			ask := HuntAsk{Query: query, Format: format, MaxRows: limit, Params: map[string]string{"least": "7"}}
			if strings.Contains(query, "least") {
				ask.Query = "declare query_parameters(least:long); " + query
			}
			ask.Out, ask.Notes = &texts[0], &notes[0]
			here, err := a.Hunt(t.Context(), ask)
			if err != nil {
				t.Fatal(err)
			}
			ask.Out, ask.Notes = &texts[1], &notes[1]
			there, err := HuntServer(t.Context(), a.URL(), token.Secret, ask)
			if err != nil {
				t.Fatal(err)
			}
			if texts[0].String() != texts[1].String() || notes[0].String() != notes[1].String() || here != there || here != (limit > 0) || texts[0].Len() == 0 && format != "ndjson" {
				t.Errorf("%s %s:\nhere  (%v) %s%s\nthere (%v) %s%s", format, query, here, &texts[0], &notes[0], there, &texts[1], &notes[1])
			}
		}
	}
	for what, c := range map[string]struct {
		query  string
		secret tocsin.Secret
		want   string
		wrong  bool
	}{
		"a bad query":   {"print nonsense", token.Secret, "nonsense", true},
		"a wrong token": {"print 1", "tcs_wrong", "", false},
	} {
		_, err := HuntServer(t.Context(), a.URL(), c.secret, HuntAsk{Query: c.query, Format: "csv", Out: &bytes.Buffer{}, Notes: &bytes.Buffer{}})
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, ErrQuery) != c.wrong {
			t.Errorf("%s: %v", what, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ask := HuntAsk{Query: "print 1", Format: "csv", Out: &bytes.Buffer{}, Notes: &bytes.Buffer{}}
	if _, err := a.Hunt(ctx, ask); err != errCancelled {
		t.Errorf("cancelled here: %v", err)
	}
	if _, err := HuntServer(ctx, a.URL(), token.Secret, ask); err != errCancelled {
		t.Errorf("cancelled there: %v", err)
	}
}

func TestTableFits(t *testing.T) {
	columns := []kql.Column{{Name: "Name", Type: kql.String}, {Name: "Count", Type: kql.Long}, {Name: "CommandLine", Type: kql.String}}
	rows := [][]kql.Value{
		{kql.StringOf("ann"), kql.LongOf(7), kql.StringOf("powershell.exe -EncodedCommand AAAAAAAAAAAAAAAAAAAAAAAA")},
		{kql.StringOf("日本"), kql.Null(kql.Long), kql.StringOf("\x1b[31mred\u202e\n")},
	}
	for width, want := range map[int]string{
		0: "Name  Count  CommandLine\n----  -----  -------------------------------------------------------\n" +
			"ann       7  powershell.exe -EncodedCommand AAAAAAAAAAAAAAAAAAAAAAAA\n日本         \\u{1b}[31mred\\u{202e}\\n\n",
		40: "Name  Count  CommandLine\n----  -----  ---------------------------\n" +
			"ann       7  powershell.exe -EncodedCom…\n日本         \\u{1b}[31mred\\u{202e}\\n\n",
		20: "Name         ann\nCount        7\nCommandLine  powershell.exe -EncodedCommand AAAAAAAAAAAAAAAAAAAAAAAA\n\nName         日本\nCommandLine  \\u{1b}[31mred\\u{202e}\\n\n",
	} {
		var out bytes.Buffer
		p, err := newHuntPrinter(HuntAsk{Format: "table", Out: &out, Width: width})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Table(lake.HuntTable{Columns: columns}); err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			if err := p.Row(row); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.end(); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("width %d:\n%s\nwant\n%s", width, &out, want)
		}
	}
}
