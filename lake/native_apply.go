package lake

import (
	"strconv"

	"github.com/tocsinhq/tocsin/kql"
)

// rowsBetweenChecks is how many texts of a vector are looked at before a look at
// whether the query was stopped. Other functions may take a second for a row,
// and are asked before each.
const rowsBetweenChecks = 64

// applyText is a predicate over the bytes of a column. DuckDB calls a function
// of one column once for each entry of a dictionary, so that columns of few
// values are fast without doing anything for it here.
func applyText(s *nativeSite, in []inColumn, out *outVector, rows int) error {
	c := &in[0]
	for row := range rows {
		if row%rowsBetweenChecks == 0 && s.run.stopped.Load() {
			return errStopped
		}
		out.setBool(row, s.site.Text(c.text(row)))
	}
	return nil
}

// applyCall computes an expression row by row.
func applyCall(s *nativeSite, in []inColumn, out *outVector, rows int) error {
	call := s.site.Call
	eval := call.Eval
	if eval == nil {
		eval = call.Func.Eval
	}
	cols := make([]inValues, len(in))
	for i, c := range in {
		cols[i] = c.values(s.site.Types[i])
	}
	args := make([]kql.Value, len(in))
next:
	for row := range rows {
		if s.run.stopped.Load() {
			return errStopped
		}
		for i := range cols {
			args[i] = cols[i].at(row)
			if args[i].IsNull() && call.Func.NullIn && args[i].Type() != kql.Dynamic {
				out.setNullOf(row, s.site.Result)
				continue next
			}
		}
		if out.set(row, eval(args)); out.full {
			return errFull
		}
	}
	return nil
}

// setNullOf writes the null of a type: for string that is "".
func (o *outVector) setNullOf(row int, typ kql.Type) {
	if typ == kql.String {
		o.setString(row, "")
		return
	}
	o.setNull(row)
}

// applyMatch takes texts apart.
func applyMatch(s *nativeSite, in []inColumn, out *outVector, rows int) error {
	var elems []outElem
	var arena textArena
	c := &in[0]
	for row := range rows {
		if s.run.stopped.Load() {
			return errStopped
		}
		text := ""
		if c.has(row) {
			text = arena.keep(c.entry(row).view())
		}
		values, ok := s.site.Match.Match(text)
		if !ok && s.site.Where {
			out.setNull(row)
			continue
		}
		elems = elems[:0]
		for _, v := range values {
			t, ok := physicalText(v)
			elems = append(elems, outElem{t, !ok})
		}
		out.setList(row, elems)
	}
	return nil
}

// applyAggregate runs a whole aggregate over the lists of each group.
func applyAggregate(s *nativeSite, in []inColumn, out *outVector, rows int) error {
	site := s.site
	cols := make([]inValues, len(in))
	for i, c := range in {
		cols[i] = c.values(site.Types[i])
	}
	args := make([]kql.Value, len(in))
	done := 0
	for row := range rows {
		acc := site.Agg.New(site.Types, site.AggConst)
		start, end := 0, 1
		for i := range cols {
			if cols[i].lists != nil {
				start, end = cols[i].list(row)
				break
			}
		}
		for k := start; k < end; k++ {
			if done++; done%rowsBetweenChecks == 0 && s.run.stopped.Load() {
				return errStopped
			}
			for i := range cols {
				if cols[i].lists == nil {
					args[i] = cols[i].at(row)
					continue
				}
				at, last := cols[i].list(row)
				if at += k - start; at >= last {
					args[i] = kql.Null(site.Types[i])
					continue
				}
				args[i] = cols[i].at(at)
			}
			acc.Add(args)
		}
		if out.set(row, acc.Result()); out.full {
			return errFull
		}
	}
	return nil
}

// physicalText is a value as text that kql.ValueFromText reads back; false for
// null.
func physicalText(v kql.Value) (string, bool) {
	if v.IsNull() {
		return "", false
	}
	switch v.Type() {
	case kql.String, kql.Guid, kql.Decimal:
		return v.Str(), true
	case kql.Bool:
		return strconv.FormatBool(v.Bool()), true
	case kql.Real:
		return strconv.FormatFloat(v.Real(), 'g', -1, 64), true
	case kql.Dynamic:
		return dynamicText(v), true
	}
	return strconv.FormatInt(v.Int(), 10), true
}

func dynamicText(v kql.Value) string {
	if text, ok := v.JSONText(); ok {
		return text
	}
	return kql.JSONOf(v.Dynamic())
}
