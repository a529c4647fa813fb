package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/lake"
)

// HuntServer is Hunt on a server, by its Kusto interface, as the token's owner.
// The token goes over TLS, or to this machine.
func HuntServer(ctx context.Context, server string, token tocsin.Secret, ask HuntAsk) (partial bool, err error) {
	req, err := huntRequest(ctx, server, token, ask)
	if err != nil {
		return false, err
	}
	out, err := newHuntPrinter(ask)
	if err != nil {
		return false, err
	}
	start := time.Now()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	switch {
	case ctx.Err() != nil:
		return false, errCancelled
	case err != nil:
		return false, fmt.Errorf("ask the server: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return false, serverError(res)
	}
	rows, cut, err := readFrames(res.Body, out)
	switch {
	case ctx.Err() != nil:
		return false, errCancelled
	case err != nil:
		return false, err
	}
	if err := out.end(); err != nil {
		return false, err
	}
	sayEnd(ask, rows, time.Since(start), cut)
	return cut != "", nil
}

func huntRequest(ctx context.Context, server string, token tocsin.Secret, ask HuntAsk) (*http.Request, error) {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, tocsin.Errorf(tocsin.CodeInvalid, "the server is a URL such as https://soc.example, not %q", server)
	}
	if u.Scheme == "http" && !Loopback(u.Hostname()) {
		return nil, tocsin.Errorf(tocsin.CodeInvalid, "%s would carry the token in the clear: use https", server)
	}
	options := map[string]any{"results_v2_newlines_between_frames": true, "results_v2_fragment_primary_tables": true, "notruncation": true}
	if ask.MaxRows > 0 {
		options["truncationmaxrecords"] = ask.MaxRows
	}
	if ask.Timeout > 0 {
		options["servertimeout"] = kql.TextOf(kql.TimeSpanOf(ask.Timeout.Nanoseconds() / 100))
	} else {
		options["norequesttimeout"] = true
	}
	if !ask.From.IsZero() {
		options["query_datetimescope_from"] = ask.From.UTC().Format(time.RFC3339Nano)
	}
	if !ask.To.IsZero() {
		options["query_datetimescope_to"] = ask.To.UTC().Format(time.RFC3339Nano)
	}
	body, err := json.Marshal(map[string]any{"csl": ask.Query, "properties": map[string]any{"Options": options, "Parameters": ask.Params}})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.JoinPath("/v2/rest/query").String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	req.Header.Set("x-ms-app", "tocsin hunt")
	return req, nil
}

// serverProblem is what a server says of a failure.
type serverProblem struct {
	Error struct {
		Code    string `json:"code"`
		Message string `json:"@message"`
	} `json:"error"`
}

func serverError(res *http.Response) error {
	raw, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20)) // what there is of it
	var p serverProblem
	if json.Unmarshal(raw, &p) != nil || p.Error.Message == "" {
		return fmt.Errorf("the server answers %s", res.Status)
	}
	text := printable(p.Error.Message)
	if res.StatusCode == http.StatusBadRequest {
		return queryError{strings.ReplaceAll(text, `\n`, "\n")}
	}
	return errors.New(text)
}

// frame is one frame of an answer.
type frame struct {
	FrameType    string
	TableKind    string
	TableName    string
	Columns      []struct{ ColumnName, ColumnType string }
	Rows         []json.RawMessage
	HasErrors    bool
	OneApiErrors []serverProblem
}

// readFrames hands the rows of an answer over. cut is why there are not all of
// them; any other failure is an error.
func readFrames(r io.Reader, sink lake.HuntSink) (rows int64, cut string, err error) {
	dec := json.NewDecoder(r)
	if t, err := dec.Token(); err != nil || t != json.Delim('[') {
		return 0, "", errors.New("the server's answer is not what one of Kusto's interface is")
	}
	var types []kql.Type
	whole := false
	for dec.More() {
		var f frame
		if err := dec.Decode(&f); err != nil {
			return rows, "", fmt.Errorf("the server's answer broke off: %w", err)
		}
		switch {
		case f.FrameType == "TableHeader":
			t := lake.HuntTable{Name: f.TableName}
			types = types[:0]
			for _, c := range f.Columns {
				typ, _ := kql.ParseType(c.ColumnType)
				types = append(types, typ)
				t.Columns = append(t.Columns, kql.Column{Name: c.ColumnName, Type: typ})
			}
			if err := sink.Table(t); err != nil {
				return rows, "", err
			}
		case f.FrameType == "TableFragment":
			for _, raw := range f.Rows {
				row, err := readRow(raw, types)
				if err != nil {
					return rows, "", err
				}
				if err := sink.Row(row); err != nil {
					return rows, "", err
				}
				rows++
			}
		case f.FrameType == "DataSetCompletion":
			whole = true
			for _, p := range f.OneApiErrors {
				if p.Error.Code != "LimitsExceeded" || !strings.Contains(p.Error.Message, "E_QUERY_RESULT_SET_TOO_LARGE") {
					return rows, "", errors.New(printable(p.Error.Message))
				}
				cut = p.Error.Message
				if _, why, ok := strings.Cut(cut, "0x80DA0003). "); ok {
					cut = why
				}
				cut = printable(cut)
			}
		}
	}
	if !whole {
		return rows, "", errors.New("the server's answer broke off")
	}
	return rows, cut, nil
}

func readRow(raw json.RawMessage, types []kql.Type) ([]kql.Value, error) {
	var cells []json.RawMessage
	if err := json.Unmarshal(raw, &cells); err != nil || len(cells) != len(types) {
		return nil, errors.New("the server's answer has a row that is none of its table")
	}
	row := make([]kql.Value, len(cells))
	for i, cell := range cells {
		row[i] = readCell(types[i], cell)
	}
	return row, nil
}

// readCell is a value as it was before it was JSON.
func readCell(t kql.Type, cell json.RawMessage) kql.Value {
	text := string(cell)
	if text == "null" {
		return kql.Null(t)
	}
	if t == kql.Dynamic {
		d, _ := kql.ParseJSON(text)
		return kql.DynamicOf(d)
	}
	if strings.HasPrefix(text, `"`) && json.Unmarshal(cell, &text) != nil {
		return kql.Null(t)
	}
	switch t {
	case kql.String:
		return kql.StringOf(text)
	case kql.Guid:
		return kql.GuidOf(text)
	case kql.Decimal:
		return kql.DecimalOf(text)
	}
	v, ok := kql.ParseValue(t, text)
	if !ok {
		return kql.Null(t)
	}
	return v
}
