package kql

import (
	"slices"
	"strings"
)

// ReduceSpec is the operator reduce: texts are grouped by the words that they
// share in the same places (Vaarandi's SLCT).
type ReduceSpec struct {
	Text Compute // over an input row; a string
	// Threshold is the part of the rows, from 0 to 1, that a word must exceed to
	// be part of a pattern, and that a pattern must exceed to be one.
	Threshold float64
	// Characters separate words and are no part of a pattern beside a wildcard;
	// "" for every character that is no ASCII letter or digit, which stay.
	Characters string
	// Source appends the pattern to the input rows instead of counting.
	Source bool
}

// NewReduce makes the operator. Its output is Pattern, Count and Representative,
// most frequent first and what fits no pattern last as "others"; or with Source
// the input and Pattern.
func NewReduce(spec ReduceSpec) RowOperator { return &reduceOp{spec} }

type reduceOp struct{ ReduceSpec }

type reduced struct {
	pattern, first string
	count          int64
}

func (o *reduceOp) Run(ins []func() ([]Value, error), emit func([]Value) error) error {
	keep := newKeeper("reduce")
	var texts []string
	var rows [][]Value
	freq := make(map[string]int64)
	err := eachRow(ins[0], func(row []Value) error {
		text := o.Text(row).Str()
		texts = append(texts, text)
		if err := keep.add(len(text) + 16); err != nil {
			return err
		}
		if o.Source {
			kept, err := keep.row(row)
			if err != nil {
				return err
			}
			rows = append(rows, kept)
		}
		words, _ := o.split(text)
		for i, w := range words {
			key := wordKey(i, w)
			if freq[key] == 0 {
				if err := keep.add(len(key) + 64); err != nil {
					return err
				}
			}
			freq[key]++
		}
		return nil
	})
	if err != nil {
		return err
	}
	support := o.Threshold * float64(len(texts))
	frequent := func(n int64) bool { return float64(n) > support }

	patterns := make([]string, len(texts))
	counts := make(map[string]*reduced)
	for i, text := range texts {
		p := o.pattern(text, func(at int, word string) bool { return frequent(freq[wordKey(at, word)]) })
		patterns[i] = p
		r := counts[p]
		if r == nil {
			r = &reduced{pattern: p, first: text}
			counts[p] = r
			if err := keep.add(len(p) + 96); err != nil {
				return err
			}
		}
		r.count++
	}
	const others = "others"
	isPattern := func(r *reduced) bool { return r.pattern != "*" && frequent(r.count) }
	if o.Source {
		for i, row := range rows {
			p := others
			if r := counts[patterns[i]]; isPattern(r) {
				p = r.pattern
			}
			if err := emit(append(slices.Clip(row), StringOf(p))); err != nil {
				return err
			}
		}
		return nil
	}
	var out []*reduced
	rest := int64(0)
	for _, r := range counts {
		if isPattern(r) {
			out = append(out, r)
		} else {
			rest += r.count
		}
	}
	slices.SortFunc(out, func(a, b *reduced) int {
		if a.count != b.count {
			return int(b.count - a.count)
		}
		return strings.Compare(a.pattern, b.pattern)
	})
	if rest > 0 {
		out = append(out, &reduced{pattern: others, count: rest})
	}
	for _, r := range out {
		if err := emit([]Value{StringOf(r.pattern), LongOf(r.count), StringOf(r.first)}); err != nil {
			return err
		}
	}
	return nil
}

func wordKey(at int, word string) string { return string(rune(at)) + word }

func (o *reduceOp) separates(r rune) bool {
	if o.Characters != "" {
		return strings.ContainsRune(o.Characters, r)
	}
	return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
}

// split gives the words of a text, and the separators before each of them and
// after the last.
func (o *reduceOp) split(text string) (words, gaps []string) {
	start, gap := -1, 0
	for i, r := range text {
		switch sep := o.separates(r); {
		case !sep && start < 0:
			start, gaps = i, append(gaps, text[gap:i])
		case sep && start >= 0:
			words, start, gap = append(words, text[start:i]), -1, i
		}
	}
	if start >= 0 {
		words, gap = append(words, text[start:]), len(text)
	}
	return words, append(gaps, text[gap:])
}

// pattern replaces the words that are not frequent; wildcards beside each other
// become one.
func (o *reduceOp) pattern(text string, frequent func(at int, word string) bool) string {
	words, gaps := o.split(text)
	var b strings.Builder
	wild := false
	for i, w := range words {
		gap := gaps[i]
		if !frequent(i, w) {
			if !wild {
				if o.Characters == "" {
					b.WriteString(gap)
				}
				b.WriteByte('*')
			}
			wild = true
			continue
		}
		if !wild || o.Characters == "" {
			b.WriteString(gap)
		}
		b.WriteString(w)
		wild = false
	}
	if tail := gaps[len(words)]; !wild {
		b.WriteString(tail)
	}
	return b.String()
}
