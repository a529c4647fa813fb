package kql

import (
	"fmt"
	"math"
	"slices"
)

// ActivitySpec is what the plugins of user activity share: who was seen when.
// Bins are Step wide and counted from Start. Times are the ticks of datetimes
// and timespans, or integers.
type ActivitySpec struct {
	ID, Time   Compute
	TimeType   Type
	Start, End int64 // both seen; without AllTime
	AllTime    bool  // from the first to the last row
	Step       int64
	Dims       []Compute
}

// ActivityKind is a plugin of user activity.
type ActivityKind uint8

// The output of each plugin is the time of the bin, the Dims, and:
const (
	ActivityCounts     ActivityKind = iota // activity_counts_metrics: count, dcount, new_dcount, aggregated_dcount
	ActivityMetrics                        // activity_metrics: dcount_values, dcount_newvalues, retention_rate, churn_rate
	ActivityNew                            // new_activity_metrics: (from, to,) dcount_new_values, dcount_retained_values, dcount_churn_values, retention_rate, churn_rate
	ActivityEngagement                     // activity_engagement: dcount_activities_inner, dcount_activities_outer, activity_ratio
	ActivityUsers                          // active_users_count: dcount
	ActivitySessions                       // session_count: count_sessions
	ActivitySliding                        // sliding_window_counts: Count, Dcount
)

// ActivityOptions are the arguments of single plugins.
type ActivityOptions struct {
	// Lookback is how far back a bin of ActivityEngagement (the outer window) and
	// ActivitySliding reaches, an appearance of ActivityUsers, and a session.
	Lookback int64
	// Period and ActivePeriods: a user of ActivityUsers is active who was seen in
	// at least so many periods.
	Period, ActivePeriods int64
	// Cohort asks ActivityNew for one bin only; Known is its lookback table, the
	// second input, that holds the ids that are not new.
	Cohort *int64
	Known  Compute
}

// NewActivity makes the operator. It is an error when there would be more bins
// than maxBins.
func NewActivity(kind ActivityKind, spec ActivitySpec, opts ActivityOptions) (RowOperator, error) {
	if spec.Step <= 0 {
		return nil, fmt.Errorf("the step must be positive")
	}
	if !spec.AllTime && (spec.End < spec.Start || (spec.End-spec.Start)/spec.Step >= maxBins) {
		return nil, fmt.Errorf("there must be from 1 to %d bins between start and end", maxBins)
	}
	if kind == ActivityUsers && opts.Period <= 0 {
		return nil, fmt.Errorf("the period must be positive")
	}
	return &activityOp{kind, spec, opts}, nil
}

const maxBins = 100_000

type activityOp struct {
	kind ActivityKind
	ActivitySpec
	ActivityOptions
}

// appearance is one row.
type appearance struct {
	t  int64
	id int32
}

type activityGroup struct {
	dims []Value
	seen []appearance // by time
}

func (o *activityOp) name() string {
	return [...]string{"activity_counts_metrics", "activity_metrics", "new_activity_metrics", "activity_engagement",
		"active_users_count", "session_count", "sliding_window_counts"}[o.kind]
}

// before is how far before the start rows count.
func (o *activityOp) before() int64 {
	switch o.kind {
	case ActivityEngagement, ActivityUsers, ActivitySessions, ActivitySliding:
		return o.Lookback
	}
	return 0
}

func (o *activityOp) Run(ins []func() ([]Value, error), emit func([]Value) error) error {
	keep := newKeeper(o.name())
	ids := make(map[string]int32)
	var key []byte
	number := func(v Value) (int32, error) {
		key = appendKey(key[:0], v)
		n, ok := ids[string(key)]
		if !ok {
			n = int32(len(ids))
			ids[string(key)] = n
			return n, keep.add(len(key) + 48)
		}
		return n, nil
	}
	known := make(map[int32]bool)
	if o.Known != nil && len(ins) > 1 {
		err := eachRow(ins[1], func(row []Value) error {
			n, err := number(o.Known(row))
			known[n] = true
			return err
		})
		if err != nil {
			return err
		}
	}
	groups := make(map[string]*activityGroup)
	var order []*activityGroup
	var groupKey []byte
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	dims := make([]Value, len(o.Dims))
	err := eachRow(ins[0], func(row []Value) error {
		at := o.Time(row)
		if at.IsNull() {
			return nil
		}
		t := at.Int()
		if !o.AllTime && (t > o.End || t < o.Start-o.before()) {
			return nil
		}
		first, last = min(first, t), max(last, t)
		for i, d := range o.Dims {
			dims[i] = d(row)
		}
		groupKey = appendRowKey(groupKey[:0], dims)
		g := groups[string(groupKey)]
		if g == nil {
			g = &activityGroup{dims: slices.Clone(dims)}
			groups[string(groupKey)] = g
			order = append(order, g)
			if err := keep.add(len(groupKey) + rowBytes(dims) + 96); err != nil {
				return err
			}
		}
		n, err := number(o.ID(row))
		if err != nil {
			return err
		}
		g.seen = append(g.seen, appearance{t, n})
		return keep.add(16)
	})
	if err != nil || len(order) == 0 {
		return err
	}
	r := &activityRun{activityOp: o, start: o.Start, end: o.End, known: known, emit: emit}
	if o.AllTime {
		r.start, r.end = binStart(first, o.Step), last
		if (r.end-r.start)/o.Step >= maxBins {
			return fmt.Errorf("%s: more than %d bins: %w", o.name(), maxBins, ErrTooLarge)
		}
	}
	for _, g := range order {
		slices.SortStableFunc(g.seen, func(a, b appearance) int { return orderOf(LongOf(a.t), LongOf(b.t)) })
		if err := r.group(g); err != nil {
			return err
		}
	}
	return nil
}

func binStart(t, step int64) int64 {
	m := t % step
	if m < 0 {
		m += step
	}
	return t - m
}

type activityRun struct {
	*activityOp
	start, end int64
	known      map[int32]bool
	emit       func([]Value) error
}

// bin is the number of the bin of a time; before the start it is negative.
func (r *activityRun) bin(t int64) int { return int(binStart(t-r.start, r.Step) / r.Step) }

func (r *activityRun) time(bin int) Value {
	t := r.start + int64(bin)*r.Step
	switch r.TimeType {
	case DateTime:
		return DateTimeOf(t)
	case TimeSpan:
		return TimeSpanOf(t)
	case Int:
		return IntOf(t)
	}
	return LongOf(t)
}

func (r *activityRun) row(bin int, g *activityGroup, values ...Value) error {
	return r.emit(append(append([]Value{r.time(bin)}, g.dims...), values...))
}

// bins are the ids of each bin, from the start on.
func (r *activityRun) bins(g *activityGroup) []map[int32]int64 {
	out := make([]map[int32]int64, r.bin(r.end)+1)
	for _, a := range g.seen {
		if b := r.bin(a.t); b >= 0 && b < len(out) {
			if out[b] == nil {
				out[b] = make(map[int32]int64)
			}
			out[b][a.id]++
		}
	}
	return out
}

func (r *activityRun) group(g *activityGroup) error {
	switch r.kind {
	case ActivityCounts:
		return r.counts(g)
	case ActivityMetrics:
		return r.metrics(g)
	case ActivityNew:
		return r.cohorts(g)
	case ActivityUsers:
		return r.activeUsers(g)
	case ActivitySessions:
		return r.sessions(g)
	}
	return r.sliding(g)
}

func (r *activityRun) counts(g *activityGroup) error {
	all := make(map[int32]bool)
	for b, ids := range r.bins(g) {
		if ids == nil {
			continue
		}
		n, fresh := int64(0), int64(0)
		for id, c := range ids {
			if n += c; !all[id] {
				all[id] = true
				fresh++
			}
		}
		if err := r.row(b, g, LongOf(n), LongOf(int64(len(ids))), LongOf(fresh), LongOf(int64(len(all)))); err != nil {
			return err
		}
	}
	return nil
}

// metrics compares each bin with the one before.
func (r *activityRun) metrics(g *activityGroup) error {
	var before map[int32]int64
	for b, ids := range r.bins(g) {
		if ids != nil {
			stayed := int64(0)
			for id := range before {
				if _, ok := ids[id]; ok {
					stayed++
				}
			}
			rate := float64(stayed) / float64(len(before)) // NaN without a bin before
			if err := r.row(b, g, LongOf(int64(len(ids))), LongOf(int64(len(ids))-stayed), RealOf(rate), RealOf(1-rate)); err != nil {
				return err
			}
		}
		before = ids
	}
	return nil
}

// cohorts follows the ids that were first seen in a bin through it and the later
// ones.
func (r *activityRun) cohorts(g *activityGroup) error {
	bins := r.bins(g)
	firstSeen := make(map[int32]int)
	cohorts := make([][]int32, len(bins))
	for b, ids := range bins {
		for id := range ids {
			if _, seen := firstSeen[id]; !seen && !r.known[id] {
				firstSeen[id] = b
				cohorts[b] = append(cohorts[b], id)
			}
		}
	}
	for from, cohort := range cohorts {
		if len(cohort) == 0 || r.Cohort != nil && r.bin(*r.Cohort) != from {
			continue
		}
		for to := from; to < len(bins); to++ {
			retained, fresh := 0, 0
			for _, id := range cohort {
				if _, ok := bins[to][id]; ok {
					retained++
				}
			}
			for id := range bins[to] {
				if b, ok := firstSeen[id]; ok && (b > from || from == to && b == from) {
					fresh++
				}
			}
			size := float64(len(cohort))
			row := append([]Value{r.time(from), r.time(to)}, g.dims...)
			row = append(row, LongOf(int64(fresh)), LongOf(int64(retained)), LongOf(int64(len(cohort)-retained)),
				RealOf(float64(retained)/size), RealOf(float64(len(cohort)-retained)/size))
			if err := r.emit(row); err != nil {
				return err
			}
		}
	}
	return nil
}

// activeUsers counts ids that, at one of their appearances in the bin, had been
// seen in enough periods of the time before.
func (r *activityRun) activeUsers(g *activityGroup) error {
	byID := make(map[int32][]int64)
	for _, a := range g.seen {
		byID[a.id] = append(byID[a.id], a.t)
	}
	active := make([]int64, r.bin(r.end)+1)
	for _, times := range byID {
		done, lo := -1, 0
		// periods[p] is how many appearances of the window are in period p.
		periods := make(map[int64]int)
		for hi, t := range times {
			periods[binStart(t-r.start, r.Period)]++
			for ; times[lo] <= t-r.Lookback && lo < hi; lo++ {
				p := binStart(times[lo]-r.start, r.Period)
				if periods[p]--; periods[p] == 0 {
					delete(periods, p)
				}
			}
			if b := r.bin(t); b >= 0 && b > done && int64(len(periods)) >= r.ActivePeriods {
				active[b]++
				done = b
			}
		}
	}
	for b, n := range active {
		if n > 0 {
			if err := r.row(b, g, LongOf(n)); err != nil {
				return err
			}
		}
	}
	return nil
}

// sessions counts the sessions that were seen in a bin. One ends when its id is
// not seen for longer than the lookback.
func (r *activityRun) sessions(g *activityGroup) error {
	type state struct {
		last int64
		bin  int // that the session was counted in
	}
	counts := make([]int64, r.bin(r.end)+1)
	open := make(map[int32]state)
	for _, a := range g.seen {
		b := r.bin(a.t)
		s, ok := open[a.id]
		fresh := !ok || a.t-s.last > r.Lookback
		if b >= 0 && (fresh || s.bin != b) {
			counts[b]++
		}
		open[a.id] = state{a.t, b}
	}
	for b, n := range counts {
		if n > 0 {
			if err := r.row(b, g, LongOf(n)); err != nil {
				return err
			}
		}
	}
	return nil
}

// sliding is sliding_window_counts and activity_engagement: a bin with all that
// lie less than the lookback before its end.
func (r *activityRun) sliding(g *activityGroup) error {
	width := int(max(1, (r.Lookback+r.Step-1)/r.Step))
	byBin := make(map[int][]int32)
	for _, a := range g.seen {
		byBin[r.bin(a.t)] = append(byBin[r.bin(a.t)], a.id)
	}
	window, rows := make(map[int32]int), int64(0)
	enter := func(b int) {
		for _, id := range byBin[b] {
			window[id]++
			rows++
		}
	}
	for b := -width + 1; b < 0; b++ {
		enter(b)
	}
	for b := 0; b <= r.bin(r.end); b++ {
		enter(b)
		for _, id := range byBin[b-width] {
			rows--
			if window[id]--; window[id] == 0 {
				delete(window, id)
			}
		}
		if len(window) == 0 || r.kind == ActivityEngagement && len(byBin[b]) == 0 {
			continue
		}
		values := []Value{LongOf(rows), LongOf(int64(len(window)))}
		if r.kind == ActivityEngagement {
			inner := make(map[int32]bool)
			for _, id := range byBin[b] {
				inner[id] = true
			}
			values = []Value{LongOf(int64(len(inner))), LongOf(int64(len(window))), RealOf(float64(len(inner)) / float64(len(window)))}
		}
		if err := r.row(b, g, values...); err != nil {
			return err
		}
	}
	return nil
}
