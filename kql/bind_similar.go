package kql

// Mistakes in names are mostly ones of case or of a letter: the message says
// what there is.

func hint(name string) string {
	if name == "" {
		return ""
	}
	return ". Did you mean '" + name + "'?"
}

// similar is a hint at a column or a definition.
func (b *binder) similar(name string) string {
	best := nearest{name: name}
	if b.row != nil {
		for _, c := range b.row.cols {
			best.see(c.Name)
		}
	}
	for s := b.env; s != nil; s = s.up {
		best.see(s.def.name)
	}
	return hint(best.found)
}

func (b *binder) similarTable(name string) string {
	best := nearest{name: name}
	for s := b.env; s != nil; s = s.up {
		best.see(s.def.name)
	}
	for _, t := range b.cat.Tables() {
		best.see(t)
	}
	return hint(best.found)
}

func (b *binder) similarFunction(name string) string {
	best := nearest{name: name}
	for s := b.env; s != nil; s = s.up {
		if s.def.fn != nil {
			best.see(s.def.name)
		}
	}
	for _, f := range b.cat.Functions() {
		best.see(f)
	}
	registry.RLock()
	for n, f := range registry.funcs {
		if !f.Hidden {
			best.see(n)
		}
	}
	for n := range registry.aggs {
		best.see(n)
	}
	registry.RUnlock()
	return hint(best.found)
}

// nearest finds the name with the fewest changes, at most two.
type nearest struct {
	name, found string
	best        int
}

func (n *nearest) see(name string) {
	if name == n.name {
		return // it is there, and not what is wanted
	}
	limit := min(2, len(n.name)/3)
	if n.found != "" {
		limit = min(limit, n.best)
	}
	d := editDistance(n.name, name, limit)
	if d > limit || d == limit && n.found != "" && n.best == d && name >= n.found {
		return
	}
	n.found, n.best = name, d
}

// editDistance counts the changes of letters between two names, up to limit+1. Case
// is half a change, counted as none.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		prev := row[0]
		row[0] = i
		least := row[0]
		for j := 1; j <= len(b); j++ {
			cost := 1
			if lower(a[i-1]) == lower(b[j-1]) {
				cost = 0
			}
			d := min(prev+cost, row[j]+1, row[j-1]+1)
			prev, row[j] = row[j], d
			least = min(least, d)
		}
		if least > limit {
			return limit + 1
		}
	}
	return row[len(b)]
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
