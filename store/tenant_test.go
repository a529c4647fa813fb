package store

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// crossTenant lists the functions whose statements may reach several tenants,
// and why. It may only shrink.
var crossTenant = map[string]string{
	"readHead":    "reads the head of the chain, which runs through all tenants",
	"CheckChain":  "recomputes that chain; returns no line of a sound one",
	"ChainHead":   "number and hash of its newest line, which are published",
	"FindSession": "sign-in: the hash of the cookie says whose it is",
	"FindToken":   "sign-in: the hash of the token says whose it is",
	"MissingJobs": "sees which tenants lack a periodic job",
	"ClaimJob":    "the runner of jobs serves all tenants",
	"Tenants":     "lists the tenants, for jobs that every tenant has",
}

// TestEveryStatementNamesTheTenant reads the package's own source. A statement
// on a table of tenants must hold "tenant = $1", or insert with the tenant as
// its first column or value.
func TestEveryStatementNamesTheTenant(t *testing.T) {
	fset := token.NewFileSet()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	verb := regexp.MustCompile(`(?i)\b(FROM|JOIN|INTO|UPDATE)\s+(meta|account|session|token|incident|incident_body|incident_label|alert|alert_body|alert_label|key_stat|delivery|comment|tag|name|incident_name|alert_name|change|job|hunt_run|hunt_query|rearrangement|incident_apart|asset_mark|exclusion|rule_correlation|rule_group|merge_refused|device|device_key|device_group|alert_device|bulk|bulk_ids|bulk_item|owner_group|task|task_template)\b`)
	named := regexp.MustCompile(`tenant = \$1|INSERT INTO \w+ \([^)]*\btenant\b[^)]*\)`)
	selfJoin := regexp.MustCompile(`(?i)\bJOIN\s+\w+`)
	statements, used := 0, map[string]bool{}
	check := func(where token.Pos, fn, text string) {
		if !verb.MatchString(text) {
			return
		}
		statements++
		if crossTenant[fn] != "" {
			used[fn] = true
			return
		}
		if !named.MatchString(text) {
			t.Errorf("%s: %s: this statement does not name the tenant:\n%s", fset.Position(where), fn, text)
		}
		if n := len(selfJoin.FindAllString(text, -1)); n > 0 && strings.Count(text, "tenant") < n+1 {
			t.Errorf("%s: %s: a join that does not name the tenant:\n%s", fset.Position(where), fn, text)
		}
		// Each look-up inside another is a look-up of its own.
		for _, sub := range regexp.MustCompile(`\(SELECT [^()]*`).FindAllString(text, -1) {
			if verb.MatchString(sub) && !strings.Contains(sub, "tenant") {
				t.Errorf("%s: %s: an inner statement does not name the tenant:\n%s", fset.Position(where), fn, sub)
			}
		}
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn := "package variables"
			if fd, ok := d.(*ast.FuncDecl); ok {
				fn = fd.Name.Name
			}
			ast.Inspect(d, func(n ast.Node) bool {
				e, ok := n.(ast.Expr)
				if !ok {
					return true
				}
				text, ok := sqlText(e)
				if ok {
					check(e.Pos(), fn, text)
				}
				return !ok
			})
		}
	}
	for fn := range crossTenant {
		if !used[fn] {
			t.Errorf("%s is listed as reaching several tenants and does not any more", fn)
		}
	}
	if statements < 60 {
		t.Errorf("only %d statements were found: the test does not see them", statements)
	}
}

// sqlText is the text of a string literal, or of a sum of them with what is
// not literal left out.
func sqlText(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind != token.STRING {
			return "", false
		}
		s, err := strconv.Unquote(e.Value)
		return s, err == nil
	case *ast.BinaryExpr:
		if e.Op != token.ADD {
			return "", false
		}
		a, okA := sqlText(e.X)
		b, okB := sqlText(e.Y)
		return a + b, okA || okB
	}
	return "", false
}
