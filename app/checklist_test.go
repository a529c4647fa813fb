package app

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// checklistRows is how many rows each family of docs/checklist.md has.
var checklistRows = map[string]int{"A": 11, "B": 4, "C": 23, "D": 4, "E": 3, "I": 21, "L": 5, "M": 15, "N": 3, "P": 3, "Q": 23,
	"R": 12, "S": 5, "T": 2, "U": 10, "W": 2, "X": 2}

// TestChecklist holds docs/checklist.md to the truth as far as a machine can:
// every row once and in order, every state one of three, and every named test in
// the file that is named, which names the row in turn.
func TestChecklist(t *testing.T) {
	text, err := os.ReadFile("../docs/checklist.md")
	if err != nil {
		t.Fatal(err)
	}
	table, asks, _ := strings.Cut(string(text), "\n## ")
	var want []string
	for family, n := range checklistRows {
		for i := range n {
			want = append(want, fmt.Sprintf("%s%02d", family, i+1))
		}
	}
	slices.Sort(want)
	var have []string
	for _, cells := range tableRows(table) {
		id, tests, state := cells[0], cells[1], cells[2]
		have = append(have, id)
		full, part := state == "holds", strings.HasPrefix(state, "holds in part: ")
		if !full && !part && !strings.HasPrefix(state, "not yet: ") {
			t.Errorf("%s: state %q", id, state)
		}
		if tests == "" && (full || part) {
			t.Errorf("%s holds and names no test", id)
		}
		for _, test := range strings.Split(tests, ";") {
			if test = strings.TrimSpace(test); test != "" {
				provesRow(t, id, test)
			}
		}
	}
	if !slices.Equal(have, want) {
		t.Errorf("the rows are\n%v\nwant each once, in this order\n%v", have, want)
	}
	var asked []string
	for _, cells := range tableRows(asks) {
		asked = append(asked, cells[0])
	}
	if !slices.Equal(asked, want) {
		t.Errorf("the rows that are put in words are\n%v\nwant\n%v", asked, want)
	}
}

// tableRows are the cells of the lines of a table that begin with a row's id.
func tableRows(table string) (out [][]string) {
	row := regexp.MustCompile(`^\| *[A-Z][0-9]{2} *\|`)
	for line := range strings.Lines(table) {
		if !row.MatchString(line) {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		for len(cells) < 3 {
			cells = append(cells, "")
		}
		out = append(out, cells)
	}
	return out
}

// provesRow fails unless the file of "FILE NAME" has the test and names the row.
func provesRow(t *testing.T, id, test string) {
	t.Helper()
	file, name, _ := strings.Cut(strings.ReplaceAll(test, "`", ""), " ")
	name = strings.TrimSpace(name)
	src, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(strings.TrimSuffix(file, ":"))))
	if err != nil {
		t.Errorf("%s: %v", id, err)
		return
	}
	found := name != ""
	if strings.HasSuffix(strings.TrimSuffix(file, ":"), ".go") {
		fn, _, _ := strings.Cut(name, "/")
		found = found && regexp.MustCompile(`(?m)^func `+regexp.QuoteMeta(fn)+`\(`).Match(src)
	} else {
		found = found && strings.Contains(string(src), name)
	}
	if !found {
		t.Errorf("%s: %s has no test %q", id, file, name)
	}
	if !regexp.MustCompile(`\b`+id+`(\b|_|[A-Z])`).Match(src) && !regexp.MustCompile(`Test[A-Za-z0-9]*`+id).Match(src) {
		t.Errorf("%s: %s does not name the row", id, file)
	}
}
