package kql

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// PatternSpec is what the plugins autocluster, basket and diffpatterns share.
type PatternSpec struct {
	Types []Type // of the input columns
	// Dims are the columns that patterns are of, in the order of the output.
	Dims []int
	// Weight is the column that says how many rows a row stands for; -1 for none.
	Weight int
	// Wildcards are the values, by type, that stand for any value in a pattern;
	// null, "" for strings, where there is none.
	Wildcards map[Type]Value
}

// AutoclusterSpec is autocluster: SizeWeight, from 0 to 1, weighs how many rows
// a pattern covers against how much it says of them; Seeds is how many local
// searches there are.
type AutoclusterSpec struct {
	PatternSpec
	SizeWeight float64
	Seeds      int
}

// BasketSpec is basket: all closed patterns of at most MaxDims columns that
// cover at least Threshold, 0 to 1, of the rows.
type BasketSpec struct {
	PatternSpec
	Threshold float64
	MaxDims   int
}

// DiffSpec is diffpatterns: patterns whose parts of the rows of A and of B,
// rows for which Split says 'a' (1), 'b' (2) or neither (0), differ by at least
// Threshold. MaxDims is 0 for any.
type DiffSpec struct {
	PatternSpec
	Split     func(row []Value) int
	Threshold float64
	MaxDims   int
}

// The constructors below make the operators. Output: SegmentId, Count, Percent and then Dims; of diffpatterns SegmentId,
// CountA, CountB, PercentA, PercentB, PercentDiffAB and then Dims.
func NewAutocluster(spec AutoclusterSpec) RowOperator { return &autoclusterOp{spec} }
func NewBasket(spec BasketSpec) RowOperator           { return &basketOp{spec} }
func NewDiffPatterns(spec DiffSpec) RowOperator       { return &diffOp{spec} }

const (
	// maxPatterns is the most patterns that one operator looks at.
	maxPatterns = 50_000
	// autoclusterRows is how many different rows autocluster searches; the most
	// frequent ones.
	autoclusterRows = 10_000
	// maxVisits is how many rows may be looked at in search of patterns.
	maxVisits = 200_000_000
)

// itemRows are the different rows with their weights. An item is a column's
// value; rows hold the number of an item for each dimension.
type itemRows struct {
	spec   *PatternSpec
	items  [][]Value // values by dimension and number
	rows   [][]int32
	weight []float64    // all rows
	side   [2][]float64 // diffpatterns: of A and of B
	ended  func() ([]Value, error)
}

func (s *PatternSpec) read(op string, next func() ([]Value, error), split func([]Value) int) (*itemRows, error) {
	keep := newKeeper(op)
	out := &itemRows{spec: s, ended: next, items: make([][]Value, len(s.Dims))}
	numbers := make([]map[string]int32, len(s.Dims))
	for i := range numbers {
		numbers[i] = make(map[string]int32)
	}
	seen := make(map[string]int)
	var key, rowKey []byte
	err := eachRow(next, func(row []Value) error {
		w, side := 1.0, -1
		if s.Weight >= 0 {
			if w = numberOf(row[s.Weight]); !(w > 0) {
				return nil
			}
		}
		if split != nil {
			if side = split(row) - 1; side < 0 {
				return nil
			}
		}
		rowKey = rowKey[:0]
		items := make([]int32, len(s.Dims))
		for i, c := range s.Dims {
			key = appendKey(key[:0], row[c])
			n, ok := numbers[i][string(key)]
			if !ok {
				n = int32(len(out.items[i]))
				numbers[i][string(key)] = n
				out.items[i] = append(out.items[i], row[c])
				if err := keep.add(len(key) + valueBytes(row[c]) + 48); err != nil {
					return err
				}
			}
			items[i] = n
			rowKey = append(rowKey, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
		}
		at, ok := seen[string(rowKey)]
		if !ok {
			at = len(out.rows)
			seen[string(rowKey)] = at
			out.rows, out.weight = append(out.rows, items), append(out.weight, 0)
			out.side[0], out.side[1] = append(out.side[0], 0), append(out.side[1], 0)
			if err := keep.add(2*len(rowKey) + 120); err != nil {
				return err
			}
		}
		out.weight[at] += w
		if side >= 0 {
			out.side[side][at] += w
		}
		return nil
	})
	return out, err
}

// anyItem stands in a pattern for every value.
const anyItem = int32(-1)

func (r *itemRows) matches(pattern []int32, row int) bool {
	for i, p := range pattern {
		if p != anyItem && r.rows[row][i] != p {
			return false
		}
	}
	return true
}

func (r *itemRows) covered(pattern []int32, ws []float64) float64 {
	s := 0.0
	for i := range r.rows {
		if r.matches(pattern, i) {
			s += ws[i]
		}
	}
	return s
}

// values are a pattern's columns as they come out.
func (r *itemRows) values(out []Value, pattern []int32) []Value {
	for i, p := range pattern {
		t := r.spec.Types[r.spec.Dims[i]]
		switch wild, ok := r.spec.Wildcards[t]; {
		case p != anyItem:
			out = append(out, r.items[i][p])
		case ok:
			out = append(out, wild)
		default:
			out = append(out, Null(t))
		}
	}
	return out
}

func fixedItems(pattern []int32) (n int) {
	for _, p := range pattern {
		n += oneIf(p != anyItem)
	}
	return n
}

type autoclusterOp struct{ AutoclusterSpec }

// Run grows a pattern from each of the most frequent rows: as long as the score
// rises it gives up the column that gains most. The score is the geometric mean
// of the part of the rows and of the columns.
func (o *autoclusterOp) Run(ins []func() ([]Value, error), emit func([]Value) error) error {
	r, err := o.read("autocluster", ins[0], nil)
	if err != nil || len(r.rows) == 0 || len(o.Dims) == 0 {
		return err
	}
	all := sumOf(r.weight)
	order := make([]int, len(r.rows))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(r.weight[b], r.weight[a]) })
	search := order[:min(len(order), autoclusterRows)]
	score := func(weight float64, fixed int) float64 {
		return math.Pow(weight/all, o.SizeWeight) * math.Pow(float64(fixed)/float64(len(o.Dims)), 1-o.SizeWeight)
	}
	type found struct {
		pattern []int32
		score   float64
	}
	var best []found
	for _, seed := range order[:min(len(order), max(1, o.Seeds))] {
		pattern := slices.Clone(r.rows[seed])
		now := score(r.weight[seed], len(pattern))
		for fixedItems(pattern) > 1 {
			// gain[i] is what is covered more without column i.
			gain, base := make([]float64, len(pattern)), 0.0
			for _, row := range search {
				miss := -1
				for i, p := range pattern {
					if p != anyItem && r.rows[row][i] != p {
						if miss >= 0 {
							miss = -2
							break
						}
						miss = i
					}
				}
				switch {
				case miss == -1:
					base += r.weight[row]
				case miss >= 0:
					gain[miss] += r.weight[row]
				}
			}
			drop, top := -1, now
			for i, p := range pattern {
				if p == anyItem {
					continue
				}
				if s := score(base+gain[i], fixedItems(pattern)-1); drop < 0 && s >= top || s > top {
					drop, top = i, s
				}
			}
			if drop < 0 {
				break
			}
			pattern[drop], now = anyItem, top
		}
		if !slices.ContainsFunc(best, func(f found) bool { return slices.Equal(f.pattern, pattern) }) {
			best = append(best, found{pattern, now})
		}
	}
	slices.SortStableFunc(best, func(a, b found) int { return cmp.Compare(b.score, a.score) })
	// A pattern that covers mostly what better ones cover says nothing new.
	taken := make([]bool, len(r.rows))
	segment := int64(0)
	for _, f := range best {
		weight, fresh := 0.0, 0.0
		for i := range r.rows {
			if r.matches(f.pattern, i) {
				if weight += r.weight[i]; !taken[i] {
					fresh += r.weight[i]
				}
			}
		}
		if fresh < weight/2 {
			continue
		}
		for i := range r.rows {
			taken[i] = taken[i] || r.matches(f.pattern, i)
		}
		if err := emit(r.values([]Value{LongOf(segment), LongOf(int64(weight)), RealOf(100 * weight / all)}, f.pattern)); err != nil {
			return err
		}
		segment++
	}
	return nil
}

// closed finds the closed patterns of at most maxDims chosen columns, that is
// those that no further column can be fixed of without losing rows, whose
// weight passes enough.
func (r *itemRows) closed(op string, maxDims int, enough func(rows []int) bool) ([][]int32, error) {
	dims := len(r.spec.Dims)
	seen := make(map[string]bool)
	var out [][]int32
	visits := 0
	var stopped error
	var grow func(rows []int, from, depth int)
	grow = func(rows []int, from, depth int) {
		for d := from; d < dims; d++ {
			if visits += len(rows) + 1; visits > maxVisits || len(out) > maxPatterns {
				return
			}
			if _, stopped = r.ended(); stopped != nil {
				return
			}
			groups := make(map[int32][]int)
			var keys []int32
			for _, i := range rows {
				n := r.rows[i][d]
				if groups[n] == nil {
					keys = append(keys, n)
				}
				groups[n] = append(groups[n], i)
			}
			for _, n := range keys {
				sub := groups[n]
				if !enough(sub) {
					continue
				}
				pattern := r.closure(sub)
				key := patternKey(pattern)
				if !seen[key] {
					seen[key] = true
					out = append(out, pattern)
				}
				// Where all rows agree, what is found below is found beside as well.
				if depth < maxDims && len(keys) > 1 {
					grow(sub, d+1, depth+1)
				}
				if stopped != nil {
					return
				}
			}
		}
	}
	rows := make([]int, len(r.rows))
	for i := range rows {
		rows[i] = i
	}
	grow(rows, 0, 1)
	if stopped != nil {
		return nil, stopped
	}
	if visits > maxVisits || len(out) > maxPatterns {
		return nil, fmt.Errorf("%s: there are too many patterns; project fewer columns or raise the threshold: %w", op, ErrTooLarge)
	}
	return out, nil
}

// closure fixes every column in which all rows agree.
func (r *itemRows) closure(rows []int) []int32 {
	pattern := slices.Clone(r.rows[rows[0]])
	for _, i := range rows[1:] {
		for d, p := range pattern {
			if p != anyItem && r.rows[i][d] != p {
				pattern[d] = anyItem
			}
		}
	}
	return pattern
}

func patternKey(pattern []int32) string {
	b := make([]byte, 0, 4*len(pattern))
	for _, n := range pattern {
		b = append(b, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
	}
	return string(b)
}

func weightOf(rows []int, ws []float64) float64 {
	s := 0.0
	for _, i := range rows {
		s += ws[i]
	}
	return s
}

type basketOp struct{ BasketSpec }

func (o *basketOp) Run(ins []func() ([]Value, error), emit func([]Value) error) error {
	r, err := o.read("basket", ins[0], nil)
	if err != nil || len(r.rows) == 0 {
		return err
	}
	all := sumOf(r.weight)
	found, err := r.closed("basket", max(1, o.MaxDims), func(rows []int) bool { return weightOf(rows, r.weight) >= o.Threshold*all })
	if err != nil {
		return err
	}
	weights := make(map[string]float64, len(found))
	for _, p := range found {
		if _, err := r.ended(); err != nil {
			return err
		}
		weights[patternKey(p)] = r.covered(p, r.weight)
	}
	slices.SortStableFunc(found, func(a, b []int32) int {
		return cmp.Or(cmp.Compare(weights[patternKey(b)], weights[patternKey(a)]), cmp.Compare(fixedItems(b), fixedItems(a)))
	})
	for i, p := range found {
		w := weights[patternKey(p)]
		if err := emit(r.values([]Value{LongOf(int64(i)), LongOf(int64(w)), RealOf(100 * w / all)}, p)); err != nil {
			return err
		}
	}
	return nil
}

type diffOp struct{ DiffSpec }

func (o *diffOp) Run(ins []func() ([]Value, error), emit func([]Value) error) error {
	r, err := o.read("diffpatterns", ins[0], o.Split)
	if err != nil || len(r.rows) == 0 {
		return err
	}
	allA, allB := sumOf(r.side[0]), sumOf(r.side[1])
	part := func(w, all float64) float64 {
		if all == 0 {
			return 0
		}
		return w / all
	}
	maxDims := o.MaxDims
	if maxDims <= 0 {
		maxDims = 5
	}
	type found struct {
		pattern    []int32
		a, b, diff float64
	}
	var all []found
	// A pattern can differ by the threshold only if one side covers as much.
	patterns, err := r.closed("diffpatterns", maxDims, func(rows []int) bool {
		return part(weightOf(rows, r.side[0]), allA) >= o.Threshold || part(weightOf(rows, r.side[1]), allB) >= o.Threshold
	})
	if err != nil {
		return err
	}
	for _, p := range patterns {
		if _, err := r.ended(); err != nil {
			return err
		}
		a, b := r.covered(p, r.side[0]), r.covered(p, r.side[1])
		if d := math.Abs(part(a, allA) - part(b, allB)); d >= o.Threshold {
			all = append(all, found{p, a, b, d})
		}
	}
	slices.SortStableFunc(all, func(x, y found) int {
		return cmp.Or(cmp.Compare(y.diff, x.diff), cmp.Compare(fixedItems(x.pattern), fixedItems(y.pattern)))
	})
	var kept []found
	for _, f := range all {
		// One that a better pattern widens or narrows says the same again.
		if slices.ContainsFunc(kept, func(k found) bool { return narrows(f.pattern, k.pattern) || narrows(k.pattern, f.pattern) }) {
			continue
		}
		kept = append(kept, f)
	}
	for i, f := range kept {
		pa, pb := 100*part(f.a, allA), 100*part(f.b, allB)
		row := []Value{LongOf(int64(i)), LongOf(int64(f.a)), LongOf(int64(f.b)), RealOf(pa), RealOf(pb), RealOf(math.Abs(pa - pb))}
		if err := emit(r.values(row, f.pattern)); err != nil {
			return err
		}
	}
	return nil
}

// narrows tells whether every row of pattern a is one of pattern b.
func narrows(a, b []int32) bool {
	for i, p := range b {
		if p != anyItem && a[i] != p {
			return false
		}
	}
	return true
}
