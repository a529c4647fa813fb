package detect

import (
	"slices"
	"sort"
	"strings"
	"unsafe"

	"github.com/tocsinhq/tocsin"
)

// Engine is a compiled set of rules. It does not change and may be used by
// any number of goroutines, each with its own Scratch.
type Engine struct {
	programs map[Logsource]*program
	fields   map[string]int32 // folded field name -> number
	tables   map[string][]*tableUse
	rules    []*Rule // enabled, without correlation rules, in load order
	byID     map[string]*Rule
	windows  []*Rule // enabled correlation rules
	inputs   map[string][]*Rule
	size     scratchSize
}

type scratchSize struct{ fields, atoms, rules, sets, memos int }

// NewEngine compiles the enabled rules. Of rules with one id the first stays.
func NewEngine(sets ...*RuleSet) *Engine {
	e := &Engine{programs: map[Logsource]*program{}, fields: map[string]int32{}, byID: map[string]*Rule{}, inputs: map[string][]*Rule{}}
	bySource := map[Logsource][]*Rule{}
	var order []Logsource
	for _, set := range sets {
		if set == nil {
			continue
		}
		for _, r := range set.Rules {
			if !r.Enabled || e.byID[r.ID] != nil {
				continue
			}
			if r.Correlation != nil {
				e.byID[r.ID] = r
				e.windows = append(e.windows, r)
				for _, in := range r.Correlation.Rules {
					e.inputs[in] = append(e.inputs[in], r)
				}
			}
		}
		for _, r := range set.Rules {
			// An input rule whose correlation rules are all switched off has
			// nothing to say.
			if !r.Enabled || r.Correlation != nil || e.byID[r.ID] != nil || (r.InputOnly && len(e.inputs[r.ID]) == 0) {
				continue
			}
			e.byID[r.ID] = r
			e.rules = append(e.rules, r)
			if bySource[r.Logsource] == nil {
				order = append(order, r.Logsource)
			}
			bySource[r.Logsource] = append(bySource[r.Logsource], r)
		}
	}
	for _, src := range order {
		p := compileProgram(src, bySource[src], e.fieldID)
		e.programs[src] = p
		e.size.atoms = max(e.size.atoms, len(p.atoms))
		e.size.rules = max(e.size.rules, len(p.rules))
		e.size.sets = max(e.size.sets, p.sets)
		e.size.memos = max(e.size.memos, p.memoSlots())
	}
	for _, w := range e.windows {
		// What correlation groups by and counts has to be found in events too.
		for _, f := range append([]string{w.Correlation.Field}, w.Correlation.GroupBy...) {
			if f != "" {
				e.fieldID(fold(f))
			}
		}
		for _, per := range w.Correlation.Aliases {
			for _, f := range per {
				e.fieldID(fold(f))
			}
		}
	}
	e.size.fields = len(e.fields)
	e.bindTables()
	return e
}

func (e *Engine) fieldID(name string) int32 {
	id, ok := e.fields[name]
	if !ok {
		id = int32(len(e.fields))
		e.fields[name] = id
	}
	return id
}

// Rules lists the rules that are in force, in load order; correlation rules
// last.
func (e *Engine) Rules() []*Rule { return append(slices.Clone(e.rules), e.windows...) }

// Rule is the rule with this id, nil when it is not in force.
func (e *Engine) Rule(id string) *Rule { return e.byID[id] }

// Describe gives one line per log source: rules, states, memory. For logs.
func (e *Engine) Describe() []string {
	var out []string
	for _, p := range e.programs {
		out = append(out, p.describe())
	}
	sort.Strings(out)
	return out
}

// Scratch is the working memory of one goroutine. It fits itself to the
// engine it is used with, so it may live across a swap of rules.
type Scratch struct {
	eng        *Engine
	row        uint32 // number of the event at hand; marks valid fields
	epoch      uint32 // number of the program run; marks valid atoms
	atoms      []uint32
	ruleSeen   []uint32
	sets       []uint32
	memo       []uint32 // epoch<<1 | result
	candidates []int32
	fields     []fieldValue
	arena      []byte // folded and composed values of the row
	hits       []*Rule
	found      []int32

	names  map[string]int32 // field names as spelled by sources -> number or -1
	routes map[routeKey]*route
	event  *tocsin.Event
	view   rowView // the hunting row at hand
	words  fieldValue
}

// fieldValue is a field's values in the row, each folded when first needed.
type fieldValue struct {
	row    uint32
	raw    []string
	folded []string // as long as raw; "" until needed unless raw is ""
}

// NewScratch makes working memory for MatchEvent and MatchBatch.
func NewScratch() *Scratch { return &Scratch{} }

const maxCached = 8192 // names and routes that a Scratch remembers

func (s *Scratch) fit(e *Engine) {
	if s.eng == e {
		return
	}
	*s = Scratch{
		eng: e, fields: make([]fieldValue, e.size.fields), atoms: make([]uint32, e.size.atoms),
		ruleSeen: make([]uint32, e.size.rules), sets: make([]uint32, e.size.sets), memo: make([]uint32, e.size.memos),
		names: map[string]int32{}, routes: map[routeKey]*route{},
	}
}

// nextRow makes all field values of the row before invalid.
func (s *Scratch) nextRow() {
	if s.row++; s.row == 0 {
		for i := range s.fields {
			s.fields[i].row = 0
		}
		s.words.row = 0
		s.row = 1
	}
}

func (s *Scratch) nextEpoch() {
	if s.epoch++; s.epoch == 1<<31 {
		clear(s.atoms)
		clear(s.ruleSeen)
		clear(s.sets)
		clear(s.memo)
		s.epoch = 1
	}
}

// value is the field's values in the row at hand.
func (s *Scratch) value(field int32) *fieldValue {
	v := &s.fields[field]
	if v.row != s.row {
		v.reset(s.row)
		if s.view.use != nil {
			s.load(field, v)
		}
	}
	return v
}

func (v *fieldValue) reset(row uint32) {
	v.row, v.raw, v.folded = row, v.raw[:0], v.folded[:0]
}

func (v *fieldValue) add(text string) {
	v.raw = append(v.raw, text)
	v.folded = append(v.folded, "")
}

// fold is value i of v, folded.
func (s *Scratch) fold(v *fieldValue, i int) string {
	if v.folded[i] == "" && v.raw[i] != "" {
		from := len(s.arena)
		s.arena = appendFold(s.arena, v.raw[i])
		v.folded[i] = viewString(s.arena[from:])
	}
	return v.folded[i]
}

// viewString is b as a string without a copy. b lies in the arena, whose
// written bytes stay as they are until the row is done with.
func viewString(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return unsafe.String(&b[0], len(b))
}

// run matches one program against the row at hand and adds hits.
func (s *Scratch) run(p *program, skip []bool) {
	s.nextEpoch()
	s.candidates = s.candidates[:0]
	for i := range p.fields {
		s.scanValue(p, p.fields[i].auto, s.value(p.fields[i].field))
	}
	if p.words != nil {
		s.scanValue(p, p.words, s.allValues())
	}
	s.found = s.found[:0]
	for _, r := range p.always {
		if s.eval(p, p.roots[r]) {
			s.found = append(s.found, r)
		}
	}
	for _, r := range s.candidates {
		if s.eval(p, p.roots[r]) {
			s.found = append(s.found, r)
		}
	}
	if len(s.found) == 0 {
		return
	}
	slices.Sort(s.found)
	for _, r := range s.found {
		if skip == nil || !skip[r] {
			s.hits = append(s.hits, p.rules[r])
		}
	}
}

func (s *Scratch) scanValue(p *program, a *automaton, v *fieldValue) {
	for i, text := range v.raw {
		if !isASCII(text) {
			text = s.fold(v, i)
		}
		p.scan(a, text, s)
	}
}

// allValues are the values that keywords are looked for in.
func (s *Scratch) allValues() *fieldValue {
	v := &s.words
	if v.row == s.row {
		return v
	}
	v.reset(s.row)
	if s.view.use != nil {
		s.loadWords(v)
	} else if s.event != nil {
		for i := range s.event.Fields {
			v.add(s.event.Fields[i].Value)
		}
	}
	return v
}

func (s *Scratch) eval(p *program, id int32) bool {
	n := &p.nodes[id]
	switch n.op {
	case nodeAtom:
		return s.atoms[n.a] == s.epoch
	case nodeAnyAtom:
		for _, a := range p.kids[n.a:n.b] {
			if s.atoms[a] == s.epoch {
				return true
			}
		}
		return false
	case nodeAllAtom:
		for _, a := range p.kids[n.a:n.b] {
			if s.atoms[a] != s.epoch {
				return false
			}
		}
		return true
	case nodeSet:
		return s.sets[n.a] == s.epoch
	case nodeNot:
		return !s.eval(p, n.a)
	case nodeLazy:
		t := &p.lazy[n.a]
		return s.remember(t.memo, func() bool { return s.test(t) })
	case nodeConst:
		return n.a == 1
	}
	if n.memo >= 0 {
		return s.remember(n.memo, func() bool { return s.evalKids(p, n) })
	}
	return s.evalKids(p, n)
}

func (s *Scratch) remember(slot int32, f func() bool) bool {
	if m := s.memo[slot]; m>>1 == s.epoch {
		return m&1 == 1
	}
	ok := f()
	s.memo[slot] = s.epoch << 1
	if ok {
		s.memo[slot] |= 1
	}
	return ok
}

func (s *Scratch) evalKids(p *program, n *node) bool {
	kids := p.kids[n.a:n.b]
	switch n.op {
	case nodeAnd:
		for _, k := range kids {
			if !s.eval(p, k) {
				return false
			}
		}
		return true
	case nodeOr:
		for _, k := range kids {
			if s.eval(p, k) {
				return true
			}
		}
		return false
	}
	left := n.n
	for _, k := range kids {
		if s.eval(p, k) {
			if left--; left == 0 {
				return true
			}
		}
	}
	return false
}

// test evaluates a predicate that the automata did not decide.
func (s *Scratch) test(t *lazyTest) bool {
	var v *fieldValue
	if t.field >= 0 {
		v = s.value(t.field)
	} else {
		v = s.allValues()
	}
	p := t.pred
	switch p.op {
	case opNull:
		for _, raw := range v.raw {
			if raw != "" {
				return false
			}
		}
		return true
	case opExists:
		return (len(v.raw) > 0) == p.want
	case opFieldRef:
		o := s.value(t.other)
		for i := range v.raw {
			for j := range o.raw {
				if p.cased && p.ref(v.raw[i], o.raw[j]) || !p.cased && p.ref(s.fold(v, i), s.fold(o, j)) {
					return true
				}
			}
		}
		return false
	}
	for i, raw := range v.raw {
		folded := ""
		if p.op == opPattern && !p.cased {
			folded = s.fold(v, i)
		}
		if p.test(raw, folded) {
			return true
		}
	}
	return false
}

// MatchEvent gives the rules that a source event fires: those that speak the
// source's own fields on its fields, and those written for hunting tables on
// the rows that the mapping made of it. The answer is valid until the next
// call with the same Scratch.
func (e *Engine) MatchEvent(ev *tocsin.Event, s *Scratch) []*Rule {
	s.fit(e)
	s.hits = s.hits[:0]
	r := s.route(ev)
	if len(r.programs) > 0 {
		s.begin(ev, r)
		for _, p := range r.programs {
			s.run(p, nil)
		}
		s.event = nil
	}
	for i := range ev.Rows {
		s.matchRow(&ev.Rows[i])
	}
	return s.hits
}

// begin puts the event's fields into place.
func (s *Scratch) begin(ev *tocsin.Event, r *route) {
	s.view = rowView{}
	s.nextRow()
	s.arena = s.arena[:0]
	s.event = ev
	for i := range ev.Fields {
		if id := s.name(ev.Fields[i].Name); id >= 0 {
			s.value(id).add(ev.Fields[i].Value)
		}
	}
	r.adapt(ev, s)
}

// name is the number of a field as its source spells it, -1 when no rule
// speaks of it.
func (s *Scratch) name(spelled string) int32 {
	if id, ok := s.names[spelled]; ok {
		return id
	}
	if len(s.names) >= maxCached {
		clear(s.names)
	}
	id := int32(-1)
	for _, n := range fieldSpellings(spelled) {
		if f, ok := s.eng.fields[fold(n)]; ok {
			id = f
			break
		}
	}
	s.names[strings.Clone(spelled)] = id
	return id
}

// fieldSpellings are the names under which a rule may know a source's field:
// as it is, without the envelope of its collector, and with Zeek's dots.
func fieldSpellings(n string) []string {
	out := []string{n}
	for _, pre := range []string{"Event.EventData.", "Event.UserData.", "EventData.", "UserData.", "winlog.event_data.", "event_data.", "user_data.", "winlog.user_data."} {
		if rest, ok := strings.CutPrefix(n, pre); ok {
			out = append(out, rest)
			if i := strings.LastIndexByte(rest, '.'); i >= 0 {
				out = append(out, rest[i+1:])
			}
			return out
		}
	}
	if rest, ok := strings.CutPrefix(n, "id_"); ok {
		out = append(out, "id."+rest)
	}
	if strings.Contains(n, " ") {
		// Defender's log has names like "Threat Name"; rules leave the blank out.
		out = append(out, strings.ReplaceAll(n, " ", ""))
	}
	return out
}

// set gives a field a value unless the event brought its own.
func (s *Scratch) set(name, value string) {
	if value == "" || value == "-" {
		return
	}
	id, ok := s.eng.fields[name]
	if !ok {
		return
	}
	if v := s.value(id); len(v.raw) == 0 {
		v.add(value)
	}
}
