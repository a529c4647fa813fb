package kql

import "slices"

// activity binds the plugins of user activity. All take an id, a timeline and a
// range; what is between and behind differs.
func (p *pluginCall) activity() (RowOperator, error) {
	if len(p.args) < 4 {
		return nil, errArguments
	}
	_, id := p.column(p.args[0])
	when, t := p.timeline(1)
	spec := ActivitySpec{ID: id, Time: t, TimeType: when.Type}
	var opts ActivityOptions
	kind, dimsAt := ActivityCounts, 5
	need := func(n int) bool { return len(p.args) >= n }
	span := func() {
		spec.Start, spec.End = p.ticks(2), p.ticks(3)
	}
	switch p.name {
	case "activity_counts_metrics":
		if !need(5) {
			return nil, errArguments
		}
		span()
		spec.Step = p.ticks(4)
	case "activity_metrics":
		kind = ActivityMetrics
		if len(p.args) < 5 {
			spec.AllTime, spec.Step, dimsAt = true, p.ticks(2), 3
			break
		}
		span()
		spec.Step = p.ticks(4)
	case "new_activity_metrics":
		if !need(5) {
			return nil, errArguments
		}
		kind = ActivityNew
		span()
		spec.Step = p.ticks(4)
		p.cohort(&opts, &dimsAt, when.Type)
	case "activity_engagement":
		kind, dimsAt = ActivityEngagement, 6
		if len(p.args) == 4 {
			spec.AllTime, spec.Step, opts.Lookback = true, p.ticks(2), p.ticks(3)
			dimsAt = 4
			break
		}
		if !need(6) {
			return nil, errArguments
		}
		span()
		spec.Step, opts.Lookback = p.ticks(4), p.ticks(5)
	case "active_users_count":
		if !need(8) {
			return nil, errArguments
		}
		kind, dimsAt = ActivityUsers, 8
		span()
		opts.Lookback, opts.Period, opts.ActivePeriods, spec.Step = p.ticks(4), p.ticks(5), p.ticks(6), p.ticks(7)
	case "session_count":
		if !need(6) {
			return nil, errArguments
		}
		kind, dimsAt = ActivitySessions, 6
		span()
		spec.Step, opts.Lookback = p.ticks(4), p.ticks(5)
	default: // sliding_window_counts
		if !need(6) {
			return nil, errArguments
		}
		kind, dimsAt = ActivitySliding, 6
		span()
		opts.Lookback, spec.Step = p.ticks(4), p.ticks(5)
	}
	dims, xs := p.dims(dimsAt)
	spec.Dims = xs
	if kind == ActivityNew {
		p.add("from_"+when.Name, when.Type)
		p.add("to_"+when.Name, when.Type)
	} else {
		p.add(when.Name, when.Type)
	}
	p.out = append(p.out, dims...)
	for _, c := range activityColumns[kind] {
		p.add(c.Suffix, c.Type)
	}
	return NewActivity(kind, spec, opts)
}

var activityColumns = [...][]MultiOut{
	ActivityCounts:     {{"count", Long}, {"dcount", Long}, {"new_dcount", Long}, {"aggregated_dcount", Long}},
	ActivityMetrics:    {{"dcount_values", Long}, {"dcount_newvalues", Long}, {"retention_rate", Real}, {"churn_rate", Real}},
	ActivityNew:        {{"dcount_new_values", Long}, {"dcount_retained_values", Long}, {"dcount_churn_values", Long}, {"retention_rate", Real}, {"churn_rate", Real}},
	ActivityEngagement: {{"dcount_activities_inner", Long}, {"dcount_activities_outer", Long}, {"activity_ratio", Real}},
	ActivityUsers:      {{"dcount", Long}},
	ActivitySessions:   {{"count_sessions", Long}},
	ActivitySliding:    {{"Count", Long}, {"Dcount", Long}},
}

// cohort reads what may stand behind the window of new_activity_metrics: one
// cohort's time, columns, and a table of the ids that are known before.
func (p *pluginCall) cohort(opts *ActivityOptions, dimsAt *int, timeline Type) {
	if len(p.args) > 5 {
		var v value
		p.b.inRow(p.in, func() { v = p.b.value(p.args[5]) })
		if c := constOf(v.x); v.tab == nil && c != nil && c.Type() == timeline && !c.IsNull() {
			from := c.Int()
			opts.Cohort, *dimsAt = &from, 6
		}
	}
	last := len(p.args) - 1
	if last < *dimsAt {
		return
	}
	if ref, ok := unparen(p.args[last]).(*NameRef); ok {
		if _, isColumn := p.in.scope().find(ref.Text); isColumn {
			return
		}
	}
	t := p.b.tabular(p.args[last])
	if t == nil || len(t.cols) == 0 {
		return
	}
	p.args = slices.Clone(p.args[:last])
	// The ids are in the column that is called like that of the rows.
	at := 0
	if ref, ok := unparen(p.args[0]).(*NameRef); ok {
		at = max(0, find(t.cols, ref.Text))
	}
	opts.Known = func(row []Value) Value { return row[at] }
	p.ins = append(p.ins, p.b.exact(t))
}
