package intake

import (
	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/detect"
	"github.com/tocsinhq/tocsin/lake"
)

// matcher runs one set of rules over what goes into one commit and gathers the
// hits. A nil engine hits nothing.
type matcher struct {
	eng     *detect.Engine
	scratch *detect.Scratch
	hits    *detect.Collector
}

func newMatcher(eng *detect.Engine, s *detect.Scratch) *matcher {
	m := &matcher{eng: eng, scratch: s}
	if eng != nil {
		m.hits = detect.NewCollector(eng)
	}
	return m
}

// event runs the rules over a source event and the rows made of it.
func (m *matcher) event(ev *tocsin.Event) {
	if m.eng == nil {
		return
	}
	if rules := m.eng.MatchEvent(ev, m.scratch); len(rules) > 0 {
		m.hits.Event(ev, rules)
	}
}

// batch runs the rules over hunting rows.
func (m *matcher) batch(b *lake.Batch) {
	if m.eng == nil || b.Len() == 0 {
		return
	}
	m.eng.MatchBatch(b, m.scratch, func(row int, r *detect.Rule) { m.hits.Batch(b, row, r) })
}

// outbox empties the matcher into what is stored beside the rows. n is the
// number of occurrences.
func (m *matcher) outbox() (items []lake.OutboxItem, n int64) {
	if m.hits == nil {
		return nil, 0
	}
	n = m.hits.Len()
	for _, h := range m.hits.Hits() {
		items = append(items, lake.OutboxItem{Payload: h.Marshal()})
	}
	return items, n
}
