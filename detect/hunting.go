package detect

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/lake"
)

// HuntingProduct is the log source product of rules over hunting tables: the
// service is the table, the fields are its columns.
const HuntingProduct = "m365_defender"

// tableUse is one program on one hunting table: which rows, and where each
// field of the rules comes from.
type tableUse struct {
	prog   *program
	table  *lake.Table
	native bool // speaks the table's own columns
	gate   rowGate
	bind   []binding // by field number; kind bindNone where the table has nothing
	words  []int     // text columns, for keywords
	// skip are the rules that exclude something by a field which the table
	// does not have: they would fire on what they mean to leave out.
	skip []bool
}

// rowGate says which rows of a table a program is about.
type rowGate struct {
	column  int // -1: all rows
	values  []string
	prefix  bool // a value is the start of the column's text
	notUnix bool // process rows whose path has Windows' form
	unix    bool
	paths   [2]int // columns of the path
}

type binding struct {
	kind bindKind
	cols [4]int
	path []string // inside the JSON of the first column, folded
	// other is looked at when path has nothing.
	other []string
}

type bindKind uint8

const (
	bindNone     bindKind = iota
	bindColumns           // each column's value
	bindPath              // folder path and file name, joined unless the path has the name
	bindAccount           // domain and name, as DOMAIN\name
	bindTail              // a file name, as \name
	bindRegistry          // key and value name, with the hive shortened
	bindDetails           // registry data and its type, as Sysmon writes them
	bindHashes            // SHA1, MD5, SHA256 columns as one text
	bindJSON              // a path inside a JSON column
	bindOutbound          // true when the action (first column) is outgoing
	bindPeer              // first column, or the second when the third says incoming
	bindHost              // host part of a URL
	bindPipe              // as bindJSON, without the device path of pipes
)

// bindTables finds, for every hunting table, the programs that apply.
func (e *Engine) bindTables() {
	e.tables = map[string][]*tableUse{}
	for _, t := range lake.Catalog().Tables() {
		columns := foldedColumns(t)
		for _, src := range tableSources(t.Name) {
			p := e.programs[src.source]
			if p == nil {
				continue
			}
			u := &tableUse{prog: p, table: t, native: src.source.Product == HuntingProduct, gate: src.gate(t), bind: make([]binding, len(e.fields))}
			for name, id := range e.fields {
				u.bind[id] = src.binding(t, columns, name)
			}
			for i, c := range t.Columns {
				if c.Type == lake.String || c.Type == lake.Dynamic {
					u.words = append(u.words, i)
				}
			}
			if !u.native {
				u.skip = make([]bool, len(p.rules))
				for i, r := range p.rules {
					u.skip[i] = e.lacksExclusion(u, r.cond, false)
				}
			}
			e.tables[t.Name] = append(e.tables[t.Name], u)
		}
	}
}

// lacksExclusion reports whether the expression excludes by a field that the
// table does not have. "Is null" excludes nothing that was not asked for.
func (e *Engine) lacksExclusion(u *tableUse, x *expr, negated bool) bool {
	if x.op == exprPred {
		p := x.pred
		return negated && p.field != "" && p.op != opNull && u.bind[e.fields[p.field]].kind == bindNone
	}
	if x.op == exprNot {
		return e.lacksExclusion(u, x.kids[0], !negated)
	}
	if negated && x.op == exprOr {
		// Of several exclusions, each one missing is one too many only when
		// nothing of it can be told; an "and" below narrows it to its parts.
		for _, k := range x.kids {
			if e.lacksExclusion(u, k, true) {
				return true
			}
		}
		return false
	}
	for _, k := range x.kids {
		if e.lacksExclusion(u, k, negated) {
			return true
		}
	}
	return false
}

// rowView is the hunting row at hand: a row of a batch, or a mapped row.
type rowView struct {
	use    *tableUse
	batch  *lake.Batch
	row    int
	values map[string]any
}

// text is the value of a column as text; false when there is none.
func (s *Scratch) text(col int) (string, bool) {
	v := &s.view
	if v.batch != nil {
		if t, ok := v.batch.StringAt(col, v.row); ok {
			return t, true
		}
		from := len(s.arena)
		var ok bool
		if s.arena, ok = v.batch.AppendText(s.arena, col, v.row); !ok {
			return "", false
		}
		return viewString(s.arena[from:]), true
	}
	c := &v.use.table.Columns[col]
	val, ok := v.values[c.Name]
	if !ok && col == v.use.table.Time {
		for _, n := range v.use.table.Aliases() {
			if val, ok = v.values[n]; ok {
				break
			}
		}
	}
	return valueText(val)
}

func valueText(val any) (string, bool) {
	switch x := val.(type) {
	case nil:
		return "", false
	case string:
		return x, true
	case int64:
		return strconv.FormatInt(x, 10), true
	case int:
		return strconv.Itoa(x), true
	case bool:
		return strconv.FormatBool(x), true
	case float64:
		if x == math.Trunc(x) && math.Abs(x) < 1e15 {
			return strconv.FormatInt(int64(x), 10), true
		}
		return strconv.FormatFloat(x, 'g', -1, 64), true
	case time.Time:
		return x.UTC().Format(time.RFC3339Nano), true
	case json.RawMessage:
		return string(x), len(x) > 0
	}
	b, err := json.Marshal(val)
	if err != nil {
		return fmt.Sprint(val), true
	}
	return string(b), true
}

// compose writes a value into the arena.
func (s *Scratch) compose(v *fieldValue, parts ...string) {
	from := len(s.arena)
	for _, p := range parts {
		s.arena = append(s.arena, p...)
	}
	v.add(viewString(s.arena[from:]))
}

// load reads a field of the hunting row.
func (s *Scratch) load(field int32, v *fieldValue) {
	b := &s.view.use.bind[field]
	switch b.kind {
	case bindNone:
	case bindColumns:
		for _, c := range b.cols {
			if c >= 0 {
				if t, ok := s.text(c); ok {
					v.add(t)
				}
			}
		}
	case bindPath:
		s.loadPath(b, v)
	case bindAccount:
		if name, ok := s.text(b.cols[1]); ok && name != "" {
			domain, _ := s.text(b.cols[0])
			s.compose(v, domain, `\`, name)
		}
	case bindTail:
		if name, ok := s.text(b.cols[0]); ok && name != "" {
			s.compose(v, `\`, name)
		}
	case bindRegistry:
		key, ok := s.text(b.cols[0])
		if !ok {
			return
		}
		hive, n := hiveOf(key)
		if value, _ := s.text(b.cols[1]); value != "" {
			s.compose(v, hive, key[n:], `\`, value)
		} else {
			s.compose(v, hive, key[n:])
		}
	case bindDetails:
		s.loadDetails(b, v)
	case bindHashes:
		s.loadHashes(b, v)
	case bindJSON:
		if t, ok := s.text(b.cols[0]); ok {
			s.jsonValues(t, b.path, v)
			if len(v.raw) == 0 && b.other != nil {
				s.jsonValues(t, b.other, v)
			}
		}
	case bindOutbound:
		if t, ok := s.text(b.cols[0]); ok {
			v.add(strconv.FormatBool(!inbound(t)))
		}
	case bindPeer:
		c := b.cols[0]
		if t, _ := s.text(b.cols[2]); inbound(t) {
			c = b.cols[1]
		}
		if t, ok := s.text(c); ok {
			v.add(t)
		}
	case bindHost:
		if t, ok := s.text(b.cols[0]); ok {
			v.add(hostOf(t))
		}
	case bindPipe:
		if t, ok := s.text(b.cols[0]); ok {
			s.jsonValues(t, b.path, v)
			for i, name := range v.raw {
				v.raw[i] = strings.TrimPrefix(name, `\Device\NamedPipe`)
			}
		}
	}
}

// loadPath takes the folder path for the full path when it ends in the file
// name, as Defender has it, and joins the two otherwise.
func (s *Scratch) loadPath(b *binding, v *fieldValue) {
	dir, _ := s.text(b.cols[0])
	name := ""
	if b.cols[1] >= 0 {
		name, _ = s.text(b.cols[1])
	}
	switch {
	case dir == "" && name == "":
	case name == "" || len(dir) >= len(name) && strings.EqualFold(dir[len(dir)-len(name):], name):
		v.add(dir)
	case dir == "":
		v.add(name)
	case strings.HasSuffix(dir, `\`) || strings.HasSuffix(dir, "/"):
		s.compose(v, dir, name)
	case strings.HasPrefix(dir, "/"):
		s.compose(v, dir, "/", name)
	default:
		s.compose(v, dir, `\`, name)
	}
}

func (s *Scratch) loadDetails(b *binding, v *fieldValue) {
	data, ok := s.text(b.cols[0])
	if !ok {
		return
	}
	kind, _ := s.text(b.cols[1])
	switch {
	case strings.EqualFold(kind, "Dword"):
		if n, err := strconv.ParseUint(data, 0, 32); err == nil {
			s.compose(v, "DWORD (0x", hexPad(n, 8), ")")
			return
		}
	case strings.EqualFold(kind, "Qword"):
		if n, err := strconv.ParseUint(data, 0, 64); err == nil {
			s.compose(v, "QWORD (0x", hexPad(n>>32, 8), "-0x", hexPad(n&0xffffffff, 8), ")")
			return
		}
	case strings.EqualFold(kind, "Binary"):
		v.add("Binary Data")
		return
	}
	v.add(data)
}

func hexPad(n uint64, width int) string {
	h := strconv.FormatUint(n, 16)
	return strings.Repeat("0", max(0, width-len(h))) + h
}

func (s *Scratch) loadHashes(b *binding, v *fieldValue) {
	from := len(s.arena)
	for i, name := range [3]string{"SHA1=", "MD5=", "SHA256="} {
		if b.cols[i] < 0 {
			continue
		}
		mark := len(s.arena)
		if mark > from {
			s.arena = append(s.arena, ',')
		}
		s.arena = append(s.arena, name...)
		before := len(s.arena)
		if t, ok := s.view.stringAt(b.cols[i]); ok {
			s.arena = append(s.arena, t...)
		}
		if len(s.arena) == before {
			s.arena = s.arena[:mark]
		}
	}
	if len(s.arena) > from {
		v.add(viewString(s.arena[from:]))
	}
}

// stringAt is a string column of the row.
func (v *rowView) stringAt(col int) (string, bool) {
	if v.batch != nil {
		return v.batch.StringAt(col, v.row)
	}
	t, ok := v.values[v.use.table.Columns[col].Name].(string)
	return t, ok
}

func inbound(action string) bool { return strings.HasPrefix(action, "Inbound") }

// hostOf is the host name of a URL, or the text itself when it is a name.
func hostOf(u string) string {
	if i := strings.Index(u, "://"); i >= 0 {
		u = u[i+3:]
	}
	if i := strings.IndexAny(u, "/?#"); i >= 0 {
		u = u[:i]
	}
	if i := strings.LastIndexByte(u, ':'); i >= 0 && strings.IndexByte(u, ':') == i {
		u = u[:i]
	}
	return u
}

// loadWords gives keywords the texts of the row.
func (s *Scratch) loadWords(v *fieldValue) {
	for _, c := range s.view.use.words {
		if t, ok := s.text(c); ok && t != "" {
			v.add(t)
		}
	}
}

// admits reports whether the row is one that the program is about.
func (s *Scratch) admits(g *rowGate) bool {
	if g.column >= 0 {
		t, _ := s.text(g.column)
		if g.prefix {
			if !slices.ContainsFunc(g.values, func(v string) bool { return len(t) >= len(v) && strings.EqualFold(t[:len(v)], v) }) {
				return false
			}
		} else if !slices.Contains(g.values, t) {
			return false
		}
	}
	if g.unix || g.notUnix {
		t, _ := s.text(g.paths[0])
		return (len(t) > 0 && t[0] == '/') == g.unix
	}
	return true
}

func (s *Scratch) matchUse(u *tableUse) {
	s.view.use = u
	if !s.admits(&u.gate) {
		return
	}
	s.nextRow()
	s.run(u.prog, u.skip)
}

// matchRow runs the rules written for hunting tables over one mapped row.
func (s *Scratch) matchRow(row *tocsin.Row) {
	s.arena = s.arena[:0]
	for _, u := range s.eng.tables[row.Table] {
		if u.native {
			s.view = rowView{values: row.Values}
			s.matchUse(u)
		}
	}
	s.view = rowView{}
}

// MatchRow gives the rules that one hunting row fires, as MatchBatch does.
// The answer is valid until the next call with the same Scratch.
func (e *Engine) MatchRow(row *tocsin.Row, s *Scratch) []*Rule {
	s.fit(e)
	s.hits = s.hits[:0]
	s.arena = s.arena[:0]
	for _, u := range e.tables[row.Table] {
		s.view = rowView{values: row.Values}
		s.matchUse(u)
	}
	s.view = rowView{}
	return s.hits
}

// MatchBatch matches every row of a batch and calls emit for each rule that a
// row fires, rows in order and rules in load order within their log source.
// emit must not keep strings of the batch.
func (e *Engine) MatchBatch(b *lake.Batch, s *Scratch, emit func(row int, r *Rule)) {
	s.fit(e)
	uses := e.tables[b.Table().Name]
	if len(uses) == 0 {
		return
	}
	for row := range b.Len() {
		s.hits = s.hits[:0]
		s.arena = s.arena[:0]
		for _, u := range uses {
			s.view = rowView{batch: b, row: row}
			s.matchUse(u)
		}
		for _, r := range s.hits {
			emit(row, r)
		}
	}
	s.view = rowView{}
}
