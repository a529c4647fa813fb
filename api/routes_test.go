package api

import (
	"fmt"
	"go/parser"
	gotoken "go/token"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tocsinhq/tocsin"
)

// public are the only routes that need no permission. A line here is a
// decision, and the threat model names it.
var public = []string{"token", "signIn", "kustoMetadata", "hecHealth", "health"}

func TestTableIsComplete(t *testing.T) {
	ids := map[string]bool{}
	for _, rt := range routes {
		if ids[rt.id] {
			t.Errorf("two routes are called %s", rt.id)
		}
		ids[rt.id] = true
		if (rt.verb == "") == (rt.public == "") {
			t.Errorf("%s %s needs a permission or a reason to be public, and not both", rt.method, rt.path)
		}
		if rt.verb != "" && !tocsin.ValidVerb(rt.verb) {
			t.Errorf("%s: there is no verb %q", rt.id, rt.verb)
		}
		if rt.public != "" && !slices.Contains(public, rt.id) {
			t.Errorf("%s is public but not on the list of this test", rt.id)
		}
		if rt.doc == "" || rt.tag == "" || rt.handle == nil {
			t.Errorf("%s lacks its doc, tag or handler", rt.id)
		}
		writes := rt.method != http.MethodGet
		if writes && rt.verb != "" && strings.HasSuffix(string(rt.verb), ".read") {
			t.Errorf("%s %s changes something with the permission %s", rt.method, rt.path, rt.verb)
		}
		if writes && rt.noCSRF != "" && rt.public == "" {
			t.Errorf("%s needs no CSRF token although it has a session", rt.id)
		}
	}
	for _, id := range public {
		if !ids[id] {
			t.Errorf("the list of public routes names %s, which does not exist", id)
		}
	}
}

// sample is a path of the route with something in each wildcard.
func sample(rt *route) string {
	p := strings.TrimSuffix(rt.path, "{$}")
	return regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(p, "17")
}

func TestEveryRouteRefusesStrangers(t *testing.T) {
	h := open(t, nil)
	for i := range routes {
		rt := &routes[i]
		if rt.public != "" {
			continue
		}
		for what, headers := range map[string][]string{
			"nobody":        nil,
			"a wrong one":   {"Authorization", "Bearer tcs_wrong"},
			"a dead cookie": {"Cookie", "tocsin=nothing"},
			"a query token": nil,
		} {
			path := sample(rt)
			if what == "a query token" {
				path += "?token=x&access_token=x"
			}
			a := h.call("", rt.method, path, "{}", headers...)
			if a.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s %s from %s: %d, want 401", rt.method, path, what, a.StatusCode)
			}
		}
	}
	if len(h.intake.seen) > 0 {
		t.Errorf("a stranger's telemetry reached the intake: %q", h.intake.seen)
	}
}

// P02.
func TestEveryRouteRefusesWrongRoles(t *testing.T) {
	h := open(t, nil)
	tokens := map[tocsin.Role]string{}
	for _, role := range tocsin.AssignableRoles {
		tokens[role] = h.token(role)
	}
	for i := range routes {
		rt := &routes[i]
		if rt.public != "" {
			continue
		}
		for _, role := range tocsin.AssignableRoles {
			may := tocsin.Can(tocsin.Principal{Tenant: "t", ID: "x", Roles: []tocsin.Role{role}}, rt.verb)
			if may {
				continue // what a permitted request does is tested where the route is
			}
			if a := h.call(tokens[role], rt.method, sample(rt), "{}"); a.StatusCode != http.StatusForbidden {
				t.Errorf("%s %s as %s: %d, want 403", rt.method, rt.path, role, a.StatusCode)
			}
		}
	}
	if len(h.intake.seen) > 0 {
		t.Errorf("telemetry without permission reached the intake: %q", h.intake.seen)
	}
}

func TestPermissionsGolden(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Who may call what. Written by go test -run PermissionsGolden -update; read the diff.\n")
	fmt.Fprintf(&b, "%-7s%-46s%-16s", "", "route", "permission")
	for _, role := range tocsin.AssignableRoles {
		fmt.Fprintf(&b, " %s", role)
	}
	b.WriteString("\n")
	for _, rt := range routes {
		verb := string(rt.verb)
		if rt.public != "" {
			verb = "(public)"
		}
		fmt.Fprintf(&b, "%-7s%-46s%-16s", rt.method, rt.path, verb)
		for _, role := range tocsin.AssignableRoles {
			mark := "-"
			if rt.public != "" || tocsin.Can(tocsin.Principal{Tenant: "t", ID: "x", Roles: []tocsin.Role{role}}, rt.verb) {
				mark = "yes"
			}
			fmt.Fprintf(&b, " %-*s", len(role), mark)
		}
		b.WriteString("\n")
	}
	text := regexp.MustCompile(` +\n`).ReplaceAllString(b.String(), "\n")
	golden(t, "testdata/permissions.golden", []byte(text))
}

func TestOpenAPIGolden(t *testing.T) {
	doc, err := describe(routes)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "openapi.json", append(doc, '\n'))
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(got) {
		t.Errorf("%s is not what the table of routes says; run go test ./api -run Golden -update and read the diff", name)
	}
}

// TestNoSQL holds that the API reaches the databases only through the doors of
// other packages.
func TestNoSQL(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	statement := regexp.MustCompile(`(?i)\b(select\s.+\sfrom|insert\s+into|update\s+\w+\s+set|delete\s+from|create\s+table)\b`)
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		src, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		if m := statement.Find(src); m != nil {
			t.Errorf("%s holds SQL: %s", f.Name(), m)
		}
		parsed, err := parser.ParseFile(gotoken.NewFileSet(), f.Name(), src, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, imp := range parsed.Imports {
			for _, bad := range []string{"database/sql", "duckdb", "sqlite", "pgx", "/store\""} {
				if strings.Contains(imp.Path.Value, bad) {
					t.Errorf("%s imports %s", f.Name(), imp.Path.Value)
				}
			}
		}
	}
}
