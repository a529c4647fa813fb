package lake

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/kql/sqlgen"
)

var update = flag.Bool("update", false, "take what passes now out of the files of what fails")

// A conformanceCase is a query with what somebody else says of it: the result
// that an engine gave or documentation prints, that it is refused, or only that
// it is a query.
type conformanceCase struct {
	ID, Query string
	Repo      string // of hunting queries that people published
	Error     string // of queries that the engine refused
	Expected  *struct{ Columns []string }
	Skip      []string
	Oracle    struct {
		SyntaxOK   *bool `json:"syntax_ok"`
		Bound      bool
		BindErrors int `json:"bind_errors"`
		Errors     []string
		OpenSchema bool `json:"open_schema"`
		Schema     []struct{ Name, Type string }
	}
	raw json.RawMessage
}

func readCases(t testing.TB, file string) []conformanceCase {
	t.Helper()
	data, err := os.ReadFile(file)
	must0(t, err)
	var raw []json.RawMessage
	must0(t, json.Unmarshal(data, &raw))
	cases := make([]conformanceCase, len(raw))
	for i, r := range raw {
		must0(t, json.Unmarshal(r, &cases[i]))
		cases[i].raw = r
	}
	return cases
}

// conformanceResult is a line of what score.js reads.
type conformanceResult struct {
	ID      string   `json:"id"`
	Columns []string `json:"columns,omitempty"`
	Types   []string `json:"types,omitempty"`
	Rows    [][]any  `json:"rows"`
	Err     string   `json:"err,omitempty"`
	err     error
	took    time.Duration
	tables  int
}

// Table and Row collect the first table.
func (r *conformanceResult) Table(t HuntTable) error {
	if r.tables++; r.tables > 1 {
		return nil
	}
	r.Rows = [][]any{}
	for _, c := range t.Columns {
		r.Columns, r.Types = append(r.Columns, c.Name), append(r.Types, c.Type.String())
	}
	return nil
}

func (r *conformanceResult) Row(row []kql.Value) error {
	if r.tables > 1 {
		return nil
	}
	cells := make([]any, len(row))
	for i, v := range row {
		cells[i] = cell(v)
	}
	r.Rows = append(r.Rows, cells)
	return nil
}

func cell(v kql.Value) any {
	if v.IsNull() {
		return nil
	}
	switch v.Type() {
	case kql.Bool:
		return v.Bool()
	case kql.Int, kql.Long:
		if n := v.Int(); n > -1<<53 && n < 1<<53 {
			return n
		}
	case kql.Real:
		if f := v.Real(); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f
		}
	case kql.Dynamic:
		return json.RawMessage(dynamicText(v))
	}
	return kql.TextOf(v)
}

// analyst is who asks in the tests.
func analyst(ctx context.Context) context.Context {
	return tocsin.WithPrincipal(ctx, tocsin.Principal{Tenant: tocsin.DefaultTenant, ID: "analyst", UserName: "analyst", Kind: tocsin.ActorUser, Roles: []tocsin.Role{tocsin.RoleReader}})
}

func conformanceLake(t testing.TB) *Lake {
	l, err := Open(context.Background(), Config{Dir: t.TempDir(), Threads: 2, MemoryLimit: "2GB", HuntCPU: time.Hour * 24,
		Now: func() time.Time { return noon }, External: simEmptyWeb})
	must0(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

// simEmptyWeb stands for the web, which cannot be reached here: every document
// that published queries name is there and has no rows.
func simEmptyWeb(_ context.Context, uri string) (io.ReadCloser, error) {
	var doc bytes.Buffer
	var err error
	switch path.Ext(externalName(uri)) {
	case ".gz":
		err = gzip.NewWriter(&doc).Close()
	case ".zip":
		z := zip.NewWriter(&doc)
		_, err = z.Create("empty.csv")
		err = errors.Join(err, z.Close())
	}
	return io.NopCloser(&doc), err
}

var conformanceOptions = HuntOptions{AllTime: true, Timeout: time.Minute}

func runCase(l *Lake, c conformanceCase) *conformanceResult {
	r := &conformanceResult{ID: c.ID}
	start := time.Now()
	_, r.err = l.Hunt(analyst(context.Background()), c.Query, conformanceOptions, r)
	r.took = time.Since(start)
	if r.err != nil {
		r.Err = r.err.Error()
		if cause := errors.Unwrap(r.err); cause != nil && errors.Is(r.err, ErrHuntFailed) {
			r.Err = cause.Error()
		}
		r.Columns, r.Rows = nil, nil
	}
	return r
}

func runCases(l *Lake, cases []conformanceCase) []*conformanceResult {
	results := make([]*conformanceResult, len(cases))
	var wait sync.WaitGroup
	next := make(chan int)
	for range 2 {
		wait.Go(func() {
			for i := range next {
				results[i] = runCase(l, cases[i])
			}
		})
	}
	for i := range cases {
		next <- i
	}
	close(next)
	wait.Wait()
	return results
}

// verdict says what is wrong with a result, as far as that needs no comparing of
// rows; "" when nothing is.
func verdict(c conformanceCase, r *conformanceResult) string {
	var diags *kql.Diagnostics
	bad := errors.As(r.err, &diags)
	switch {
	case r.err != nil && !bad:
		return "ERR " + r.Err
	case c.Error != "":
		if r.err == nil {
			return "it ran, the engine refuses it"
		}
		return ""
	case c.Repo != "":
		if c.Oracle.SyntaxOK != nil && !*c.Oracle.SyntaxOK {
			if r.err == nil {
				return "it ran, the official parser refuses it"
			}
			return ""
		}
		if bad && (c.Oracle.Bound && c.Oracle.BindErrors == 0 || slices.ContainsFunc(diags.List, func(d kql.Diagnostic) bool { return d.Syntax })) {
			return "ERR " + r.Err
		}
		return ""
	case bad && len(c.Oracle.Errors) > 0:
		return ""
	case bad:
		return "ERR " + r.Err
	case len(c.Oracle.Schema) > 0 && !c.Oracle.OpenSchema:
		var want, got []string
		for _, s := range c.Oracle.Schema {
			want = append(want, s.Name+":"+s.Type)
		}
		for i := range r.Columns {
			got = append(got, r.Columns[i]+":"+r.Types[i])
		}
		if !slices.Equal(want, got) {
			return fmt.Sprintf("columns: expected %s got %s", want, got)
		}
	}
	return ""
}

// score runs the cases of a file and tells which fail, by id, and why. Results
// are compared by the program that lies beside the cases.
func score(t *testing.T, l *Lake, file string) (bad map[string]string, cases []conformanceCase, summary string) {
	t.Helper()
	cases = readCases(t, file)
	results := runCases(l, cases)
	bad = make(map[string]string)
	var lines bytes.Buffer
	enc := json.NewEncoder(&lines)
	enc.SetEscapeHTML(false)
	compared, others, ok, refused := 0, 0, 0, 0
	for i, c := range cases {
		if err := enc.Encode(results[i]); err != nil {
			results[i].Rows, results[i].Columns, results[i].Err = nil, nil, "the result is no JSON: "+err.Error()
			must0(t, enc.Encode(results[i]))
		}
		if c.Expected != nil {
			compared++
			continue
		}
		if len(c.Skip) > 0 {
			continue
		}
		others++
		if why := verdict(c, results[i]); why != "" {
			bad[c.ID] = strings.Join(strings.Fields(why), " ")
			continue
		}
		ok++
		if results[i].err != nil {
			refused++
		}
	}
	out := os.Getenv("KQL_OUT")
	if out == "" {
		out = filepath.Join(t.TempDir(), "results.jsonl")
	}
	must0(t, os.WriteFile(out, lines.Bytes(), 0o600))
	if others > 0 {
		summary = fmt.Sprintf("%s: %d of %d right (%d of them refused, as expected)\n", filepath.Base(file), ok, others, refused)
	}
	if compared == 0 {
		return bad, cases, summary
	}
	script := filepath.Join(filepath.Dir(file), "score.js")
	if _, err := os.Stat(script); err != nil {
		script = sharedFile(t, "conformance/kql/score.js")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node compares the results and is not here")
	}
	text, err := exec.Command(node, script, file, out, "v").CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, text)
	}
	for line := range strings.Lines(string(text)) {
		if id, why, isBad := strings.Cut(strings.TrimSpace(line), "\t"); isBad {
			bad[id] = why
			continue
		}
		summary += line
	}
	return bad, cases, summary
}

// TestConformance runs what others recorded, and holds what is right: a file in
// testdata/conformance lists what is not, and may only become shorter.
func TestConformance(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of queries")
	}
	l := conformanceLake(t)
	for _, suite := range []string{"docs-cases", "engine-cases", "docs-noexpect", "engine-errors", "corpus"} {
		t.Run(suite, func(t *testing.T) {
			bad, cases, summary := score(t, l, sharedFile(t, "conformance/kql/"+suite+".json"))
			t.Log(summary)
			ratchet(t, filepath.Join("testdata", "conformance", suite+".ratchet"), bad, cases)
		})
	}
}

// ratchet compares what fails with the list of what may.
func ratchet(t *testing.T, list string, bad map[string]string, cases []conformanceCase) {
	t.Helper()
	data, err := os.ReadFile(list)
	first := errors.Is(err, os.ErrNotExist) && *update
	if err != nil && !first {
		t.Fatal(err)
	}
	var keep []string
	allowed := make(map[string]bool)
	for line := range strings.Lines(string(data)) {
		id, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if id == "" {
			continue
		}
		allowed[id] = true
		if _, fails := bad[id]; fails {
			keep = append(keep, strings.TrimRight(line, "\n"))
		} else if !*update {
			t.Errorf("%s is right now: take it out of %s (go test -run TestConformance -update)", id, list)
		}
	}
	for _, c := range cases {
		why, fails := bad[c.ID]
		switch {
		case !fails || allowed[c.ID]:
		case first:
			keep = append(keep, c.ID+"\t"+cut(why, 160))
		default:
			t.Errorf("%s: %s\n%s", c.ID, why, c.Query)
		}
	}
	if *update {
		must0(t, os.MkdirAll(filepath.Dir(list), 0o755))
		text := strings.Join(keep, "\n")
		if text != "" {
			text += "\n"
		}
		must0(t, os.WriteFile(list, []byte(text), 0o644))
	}
}

func cut(s string, n int) string {
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "") + "..."
	}
	return s
}

// TestScoreFile runs the cases of the file KQL_CASES and prints how many are
// right, with KQL_VERBOSE=1 which are not, or shows the one case KQL_CASE (of
// that file, or of any) or the query KQL_QUERY in detail. KQL_OUT keeps the
// results.
func TestScoreFile(t *testing.T) {
	path, one, query := os.Getenv("KQL_CASES"), os.Getenv("KQL_CASE"), os.Getenv("KQL_QUERY")
	if path == "" && one == "" && query == "" {
		t.Skip("KQL_CASES names a file of cases, KQL_CASE one case by its id, KQL_QUERY is a query")
	}
	l := conformanceLake(t)
	if query != "" {
		showCase(t, l, conformanceCase{ID: "query", Query: query})
		return
	}
	if one != "" {
		showCases(t, l, path, strings.Split(one, ","))
		return
	}
	bad, cases, summary := score(t, l, path)
	fmt.Print(summary)
	if os.Getenv("KQL_VERBOSE") != "" {
		for _, c := range cases {
			if why, fails := bad[c.ID]; fails {
				fmt.Printf("%s\t%s\n", c.ID, why)
			}
		}
	}
}

func showCases(t *testing.T, l *Lake, path string, ids []string) {
	files := []string{path}
	if path == "" {
		var err error
		files, err = filepath.Glob(filepath.Join(filepath.Dir(sharedFile(t, "conformance/kql/score.js")), "*.json"))
		must0(t, err)
	}
	found := false
	for _, file := range files {
		for _, c := range readCases(t, file) {
			if c.ID == "" || !slices.Contains(ids, c.ID) {
				continue
			}
			found = true
			fmt.Printf("==== %s in %s\n%s\n", c.ID, filepath.Base(file), c.Query)
			r := showCase(t, l, c)
			var raw struct {
				Expected any
				Error    string
				Order    string
				Oracle   any
			}
			must0(t, json.Unmarshal(c.raw, &raw))
			text, err := json.Marshal(raw)
			must0(t, err)
			fmt.Printf("---- expected\n%s\n", text)
			if why := verdict(c, r); c.Expected == nil && why != "" {
				fmt.Println("WRONG:", why)
			}
		}
	}
	if !found {
		t.Errorf("no case %q", ids)
	}
}

// showCase prints what a query becomes and what it gives.
func showCase(t *testing.T, l *Lake, c conformanceCase) *conformanceResult {
	for _, sql := range huntSQL(l, c.Query) {
		fmt.Printf("---- SQL\n%s\n", sql)
	}
	r := runCase(l, c)
	fmt.Printf("---- got in %v\n", r.took.Round(time.Millisecond))
	if r.err != nil {
		fmt.Println(r.Err)
	} else {
		fmt.Println(strings.Join(r.Columns, " | "), r.Types)
		for _, row := range r.Rows {
			text, err := json.Marshal(row)
			must0(t, err)
			fmt.Println(string(text))
		}
	}
	return r
}

// huntSQL is what a query becomes, or why it does not.
func huntSQL(l *Lake, src string) (out []string) {
	who, _ := tocsin.PrincipalFrom(analyst(context.Background()))
	bound, err := l.bind(who, src, l.huntDefaults(conformanceOptions), nil, &HuntStats{})
	if err != nil {
		return []string{err.Error()}
	}
	var show func(st *sqlgen.Statement, name string)
	show = func(st *sqlgen.Statement, name string) {
		for _, s := range st.Stages {
			for _, in := range s.Inputs {
				show(in, fmt.Sprintf("-- input of stage %d %s\n", s.Handle, s.Name))
			}
		}
		text := name + st.SQL
		for i, a := range st.Args {
			text += fmt.Sprintf("\n-- $%d = %#v", i+1, a)
		}
		for h, s := range st.Sites {
			text += fmt.Sprintf("\n-- %d is %s %s", h, s.Shape, (&nativeSite{site: s}).name())
		}
		out = append(out, text)
	}
	h := &hunt{src: src, opts: l.huntDefaults(conformanceOptions)}
	h.l = l
	for _, p := range bound.Plans {
		st, err := h.generate(p.Root, 0)
		if err != nil {
			out = append(out, err.Error())
			continue
		}
		show(st, "")
	}
	return out
}
