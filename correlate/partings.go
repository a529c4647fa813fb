package correlate

import (
	"cmp"
	"slices"
)

// Tie is evidence on which a replay put two alerts together, by their places in
// the stream.
type Tie struct {
	A, B     int
	Weight   float64
	Sentence string
}

// Parting is two pieces of one incident of a replay that are two incidents in
// another: Main is the larger one, or the older of equals.
type Parting struct {
	Main, Piece []int // alerts by their places, ascending
	// Tie is the strongest evidence that holds the pieces together in the first
	// replay; nil when further pieces lie between them.
	Tie *Tie
}

// Partings compares two replays of the same alerts: n is how many incidents of
// whole have their alerts in several incidents of parts, out the first pairs of
// their pieces, at most limit, in the order of their first alerts. ties are those
// of whole. With the replays exchanged it says what is merged instead of split.
func Partings(whole, parts []int64, ties []Tie, limit int) (n int, out []Parting) {
	pieces := map[int64]map[int64][]int{}
	var order []int64
	for i, id := range whole {
		if pieces[id] == nil {
			pieces[id] = map[int64][]int{}
			order = append(order, id)
		}
		pieces[id][parts[i]] = append(pieces[id][parts[i]], i)
	}
	best := map[[2]int64]*Tie{} // of two pieces, by the ids in parts, the smaller first
	of := map[int64][][2]int64{}
	for i := range ties {
		t := &ties[i]
		a, b := parts[t.A], parts[t.B]
		if a == b || whole[t.A] != whole[t.B] {
			continue
		}
		k := [2]int64{min(a, b), max(a, b)}
		have := best[k]
		if have == nil {
			of[whole[t.A]] = append(of[whole[t.A]], k)
		}
		if have == nil || t.Weight > have.Weight {
			best[k] = t
		}
	}
	for _, id := range order {
		if len(pieces[id]) < 2 {
			continue
		}
		n++
		if len(out) < limit {
			out = append(out, partingsOf(pieces[id], of[id], best)...)
		}
	}
	return n, out[:min(len(out), limit)]
}

// partingsOf pairs every piece but the main one with the piece that it is tied
// to most, and the main one where nothing says so.
func partingsOf(pieces map[int64][]int, tied [][2]int64, best map[[2]int64]*Tie) (out []Parting) {
	ids := make([]int64, 0, len(pieces))
	for id := range pieces {
		ids = append(ids, id)
	}
	before := func(a, b int64) int {
		return cmp.Or(cmp.Compare(len(pieces[b]), len(pieces[a])), cmp.Compare(pieces[a][0], pieces[b][0]))
	}
	slices.SortFunc(ids, before)
	for n, id := range ids[1:] {
		to, tie := ids[0], (*Tie)(nil)
		for _, k := range tied {
			other := k[0]
			if other == id {
				other = k[1]
			} else if k[1] != id {
				continue
			}
			// Only towards the pieces before it, so that no pair comes twice.
			if slices.Contains(ids[:n+1], other) && (tie == nil || best[k].Weight > tie.Weight) {
				to, tie = other, best[k]
			}
		}
		out = append(out, Parting{Main: pieces[to], Piece: pieces[id], Tie: tie})
	}
	return out
}
