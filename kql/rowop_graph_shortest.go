package kql

// shortest finds the shortest matches between each pair of the pattern's ends.
func (m *graphMatcher) shortest() error {
	if m.plain() {
		for n := range m.graph.nodes {
			err := m.place(0, int32(n), func() error { return m.breadth(int32(n)) })
			if err != nil {
				return err
			}
		}
		return nil
	}
	most := 0
	for _, e := range m.spec.Edges {
		if e.Var {
			most += int(min(e.Max, maxHops))
		} else {
			most++
		}
	}
	for n := range m.graph.nodes {
		if err := m.place(0, int32(n), func() error { return m.deepen(most) }); err != nil {
			return err
		}
	}
	return nil
}

// plain tells a pattern of one edge of variable length whose conditions look at
// its ends, or at each of its edges and nodes by itself: the search can go
// breadth first.
func (m *graphMatcher) plain() bool {
	if len(m.spec.Edges) != 1 || m.spec.Nodes != 2 || m.spec.Edges[0].Min > 1 || m.spec.Edges[0].Max < 1 {
		return false
	}
	for _, at := range m.ready {
		for _, w := range at {
			for _, u := range m.spec.Where[w].Uses {
				if m.spec.Columns[u].Kind != MatchNode {
					return false
				}
			}
		}
	}
	return true
}

// deepen tries matches of one hop, of two and so on. An end that was reached
// with fewer is not wanted again.
func (m *graphMatcher) deepen(most int) error {
	last := m.spec.Nodes - 1
	reached := make(map[int32]int)
	for m.exact = 0; m.exact <= most; m.exact++ {
		m.left, m.cut = m.exact, false
		m.found = func() bool {
			end := m.nodes[last]
			at, ok := reached[end]
			if ok && (at < m.exact || !m.spec.AllPaths) {
				return false
			}
			reached[end] = m.exact
			return true
		}
		if err := m.step(0); err != nil {
			return err
		}
		if !m.cut {
			break
		}
	}
	m.exact, m.found = -1, nil
	return nil
}

// arrival is how a node is reached on a shortest path.
type arrival struct {
	edge, from int32
}

// breadth searches from a start, level by level.
func (m *graphMatcher) breadth(start int32) error {
	for _, w := range m.ready[0] {
		c := &m.spec.Where[w]
		for _, u := range c.Uses {
			m.row[u] = m.column(&m.spec.Columns[u])
		}
		if !c.X(m.row).Bool() {
			return nil
		}
	}
	p, e := m.order[0], &m.spec.Edges[0]
	level := map[int32]int64{start: 0}
	arrivals := make(map[int32][]arrival)
	if e.Min == 0 {
		if err := m.place(1, start, func() error { return m.end(start, start, arrivals) }); err != nil {
			return err
		}
	}
	frontier := []int32{start}
	for depth := int64(1); depth <= e.Max && depth <= maxHops && len(frontier) > 0; depth++ {
		var next []int32
		for _, at := range frontier {
			if at != start && !m.passes(0, true, m.graph.nodes[at].row) {
				continue
			}
			m.paths[0] = m.paths[0][:0]
			err := m.follow(p, at, func(h hop) error {
				known, seen := level[h.to]
				if seen && (known < depth || !m.spec.AllPaths) {
					return nil
				}
				if !seen {
					level[h.to] = depth
					next = append(next, h.to)
				}
				arrivals[h.to] = append(arrivals[h.to], arrival{h.edge, at})
				return nil
			})
			if err != nil {
				return err
			}
		}
		for _, at := range next {
			if err := m.place(1, at, func() error { return m.end(start, at, arrivals) }); err != nil {
				return err
			}
		}
		frontier = next
	}
	m.paths[0] = m.paths[0][:0]
	return nil
}

// end reports the shortest paths to a node, if it is a wanted end.
func (m *graphMatcher) end(start, at int32, arrivals map[int32][]arrival) error {
	m.paths[0] = m.paths[0][:0]
	for _, w := range m.ready[1] {
		c := &m.spec.Where[w]
		for _, u := range c.Uses {
			m.row[u] = m.column(&m.spec.Columns[u])
		}
		if !c.X(m.row).Bool() {
			return nil
		}
	}
	var back func(at int32, tail []hop) error
	back = func(at int32, tail []hop) error {
		if at == start {
			m.paths[0] = m.paths[0][:0]
			for i := len(tail) - 1; i >= 0; i-- {
				m.paths[0] = append(m.paths[0], tail[i])
			}
			return m.report()
		}
		for _, a := range arrivals[at] {
			if err := m.count(); err != nil {
				return err
			}
			if err := back(a.from, append(tail, hop{a.edge, at})); err != nil {
				return err
			}
			if !m.spec.AllPaths {
				break
			}
		}
		return nil
	}
	return back(at, nil)
}
