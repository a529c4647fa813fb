package api

import (
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

// show writes a filter tree so that a person can compare it.
func show(f tocsin.Filter) string {
	join := func(op string, fs []tocsin.Filter) string {
		parts := make([]string, len(fs))
		for i, f := range fs {
			parts[i] = show(f)
		}
		return op + "(" + strings.Join(parts, " ") + ")"
	}
	value := func(v any) string {
		switch v := v.(type) {
		case string:
			return fmt.Sprintf("%q", v)
		case time.Time:
			return v.Format(time.RFC3339Nano)
		}
		return fmt.Sprint(v)
	}
	switch f := f.(type) {
	case tocsin.And:
		return join("and", f)
	case tocsin.Or:
		return join("or", f)
	case tocsin.Not:
		return "not(" + show(f.Filter) + ")"
	case tocsin.Compare:
		return fmt.Sprintf("%s %s %s", f.Field, f.Op, value(f.Value))
	case tocsin.Any:
		return fmt.Sprintf("any %s %s %s", f.Field, f.Op, value(f.Value))
	case tocsin.In:
		parts := make([]string, len(f.Values))
		for i, v := range f.Values {
			parts[i] = value(v)
		}
		return f.Field + " in [" + strings.Join(parts, " ") + "]"
	}
	return fmt.Sprintf("%T", f)
}

// TestFilter reads testdata/filters.txt: an input line, then "> " and what it
// means or "! " and a part of its error.
func TestFilter(t *testing.T) {
	raw, err := os.ReadFile("testdata/filters.txt")
	if err != nil {
		t.Fatal(err)
	}
	n, input := 0, ""
	for i, line := range strings.Split(string(raw), "\n") {
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "> "):
			n++
			f, err := parseFilter(input, incidentProperties)
			if err != nil {
				t.Errorf("line %d: %s: %v", i+1, input, err)
			} else if got := show(f); got != line[2:] {
				t.Errorf("line %d: %s:\n got %s\nwant %s", i+1, input, got, line[2:])
			}
		case strings.HasPrefix(line, "! "):
			n++
			f, err := parseFilter(input, incidentProperties)
			if err == nil {
				t.Errorf("line %d: %s: taken as %s", i+1, input, show(f))
			} else if !strings.Contains(err.Error(), line[2:]) || tocsin.CodeOf(err) != tocsin.CodeInvalid {
				t.Errorf("line %d: %s:\n got %v\nwant %s", i+1, input, err, line[2:])
			}
		default:
			input = line
		}
	}
	if n < 60 {
		t.Errorf("only %d cases were read", n)
	}
}

func TestFilterLimits(t *testing.T) {
	for what, src := range map[string]string{
		"length":      "displayName eq '" + strings.Repeat("x", maxFilterBytes) + "'",
		"parentheses": strings.Repeat("(", 40) + "status eq 'active'" + strings.Repeat(")", 40),
		"not":         strings.Repeat("not ", 40) + "status eq 'active'",
		"terms":       "id in (" + strings.Repeat("1,", maxFilterTerms) + "1)",
		"bytes":       "displayName eq '\xff'",
		"nul":         "displayName eq '\x00'",
	} {
		if _, err := parseFilter(src, incidentProperties); tocsin.CodeOf(err) != tocsin.CodeInvalid {
			t.Errorf("%s: %v", what, err)
		}
	}
	deep := strings.Repeat("(", 30) + "status eq 'active'" + strings.Repeat(")", 30)
	if _, err := parseFilter(deep, incidentProperties); err != nil {
		t.Errorf("30 deep: %v", err)
	}
}

func TestListOptions(t *testing.T) {
	parse := func(q string) (listOptions, error) {
		return parseList(httptest.NewRequest("GET", "/v1.0/security/incidents?"+q, nil), incidentProperties, []string{"alerts"})
	}
	o, err := parse("$filter=" + url.QueryEscape("status eq 'Active'") + "&$orderby=severity%20desc,createdDateTime&$top=5000&$skip=3&$count=true&$search=%22word%22&$expand=Alerts&$select=id,displayName")
	if err != nil {
		t.Fatal(err)
	}
	q := o.query
	if show(q.Filter) != `status eq "active"` || q.Top != maxTop || q.Skip != 3 || !q.Count || q.Search != "word" || !slices.Equal(q.Expand, []string{"alerts"}) ||
		!slices.Equal(q.OrderBy, []tocsin.Order{{Field: "severity", Desc: true}, {Field: "createdDateTime"}}) || !slices.Equal(o.fields, []string{"id", "displayName"}) {
		t.Errorf("got %+v", o)
	}
	if o, err := parse("top=7&filter=" + url.QueryEscape("id eq 5")); err != nil || o.query.Top != 7 || o.query.Filter == nil {
		t.Errorf("options without $: %+v, %v", o, err)
	}
	for _, bad := range []string{"$top=0", "$top=-1", "$top=x", "$top=99999999999999999999", "$skip=-1", "$skip=1000000000", "$count=yes", "$filtre=x", "$format=json", "$expand=comments",
		"$orderby=customTags", "$orderby=tenant", "$orderby=severity%20sideways", "$orderby=", "$orderby=id,id,id,id,id,id", "$top=1&$top=2", "$top=1&top=2", "$skiptoken=17", "$skiptoken=s1.zzzzzzzzz",
		"$search=" + strings.Repeat("x", 201), "$search=%ff", "$select=", "%zz=1", "$orderby=id;drop", "$top=1;2"} {
		if _, err := parse(bad); tocsin.CodeOf(err) != tocsin.CodeInvalid {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestNextLink(t *testing.T) {
	r := httptest.NewRequest("GET", "/v1.0/security/incidents?$top=2&$filter="+url.QueryEscape("customTags/any(x:x eq 'a&b=c')")+"&$skip=4", nil)
	link := nextLink("https://portal.test", r, 6)
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(link, "$skiptoken=") || u.Query().Get("$filter") != "customTags/any(x:x eq 'a&b=c')" || u.Query().Has("$skip") || u.Host != "portal.test" {
		t.Errorf("next link is %s", link)
	}
	if n, err := parseSkipToken(u.Query().Get("$skiptoken")); n != 6 || err != nil {
		t.Errorf("skip token gives %d, %v", n, err)
	}
}

func FuzzFilter(f *testing.F) {
	raw, err := os.ReadFile("testdata/filters.txt")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.SplitSeq(string(raw), "\n") {
		if line != "" && line[0] != '#' && line[0] != '>' && line[0] != '!' {
			f.Add(line)
		}
	}
	f.Fuzz(func(t *testing.T, src string) {
		tree, err := parseFilter(src, incidentProperties)
		if err != nil {
			if tocsin.CodeOf(err) != tocsin.CodeInvalid {
				t.Fatalf("%q: %v is no fault of the client's", src, err)
			}
			return
		}
		walk(t, tree, 0)
	})
}

// walk holds what the parser promises: known properties, values of their kind,
// bounded depth.
func walk(t *testing.T, f tocsin.Filter, depth int) {
	if depth > 3*maxFilterDepth {
		t.Fatal("deeper than the limit allows")
	}
	known := func(field string, values ...any) {
		p, ok := incidentProperties.find(field)
		if !ok || p.name != field {
			t.Fatalf("property %q is not on the list", field)
		}
		for _, v := range values {
			if v == nil && !p.null {
				t.Fatalf("%s is compared with null", field)
			}
			if s, ok := v.(string); ok && p.kind == kindEnum && !slices.Contains(enums[p.enum], s) {
				t.Fatalf("%s is compared with %q", field, s)
			}
		}
	}
	switch f := f.(type) {
	case tocsin.And:
		for _, g := range f {
			walk(t, g, depth+1)
		}
	case tocsin.Or:
		for _, g := range f {
			walk(t, g, depth+1)
		}
	case tocsin.Not:
		walk(t, f.Filter, depth+1)
	case tocsin.Compare:
		known(f.Field, f.Value)
	case tocsin.In:
		known(f.Field, f.Values...)
	case tocsin.Any:
		if p, ok := incidentProperties.find(f.Field); !ok || p.kind != kindTexts {
			t.Fatalf("any over %q", f.Field)
		}
	default:
		t.Fatalf("a %T", f)
	}
}

func FuzzPatchBody(f *testing.F) {
	for _, s := range []string{`{"status":"Resolved","classification":"TruePositive","determination":"compromisedUser"}`, `{"customTags":["a","b"],"assignedTo":null}`,
		`{"displayName":"\ud83d\ude00"}`, `{"displayName":"\ud800"}`, `{"id":"5"}`, `{"severity":{}}`, `[]`, `{"status":"active","status":"resolved"}`, `{"@odata.type":"x"}`, `{"a":[[[[[[]]]]]]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		u, err := parseIncidentPatch(raw)
		if err != nil {
			if tocsin.CodeOf(err) != tocsin.CodeInvalid {
				t.Fatalf("%q: %v is no fault of the client's", raw, err)
			}
			return
		}
		if u.Status != nil && !slices.Contains(enums["incidentStatus"], string(*u.Status)) || u.Severity != nil && u.Severity.Rank() == 0 && *u.Severity != tocsin.SeverityUnknown ||
			u.Classification != nil && !slices.Contains(tocsin.Classifications, *u.Classification) || u.IfVersion != 0 {
			t.Fatalf("%q gave %+v", raw, u)
		}
		if _, err := parseAlertPatch(raw); err != nil && tocsin.CodeOf(err) != tocsin.CodeInvalid {
			t.Fatalf("%q: %v", raw, err)
		}
		if _, err := parseComment(raw); err != nil && tocsin.CodeOf(err) != tocsin.CodeInvalid {
			t.Fatalf("%q: %v", raw, err)
		}
	})
}
