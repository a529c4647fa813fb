package api

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/lake"
)

// kustoOptions are the request options of Kusto's clients. Options that say
// nothing here are not looked at, as Kusto does not look at those it does not
// know.
type kustoOptions map[string]any

const (
	kustoRows    = 500_000
	kustoBytes   = 64 << 20
	kustoAll     = 1 << 40 // rows or bytes: more than there is
	kustoTimeout = 4 * time.Minute
	kustoMost    = 10 * time.Minute
)

func (o kustoOptions) flag(name string) bool {
	switch v := o[name].(type) {
	case bool:
		return v
	case string:
		b, _ := strconv.ParseBool(v)
		return b
	case json.Number:
		return v != "0"
	}
	return false
}

// number is an option that counts something; 0 when it is not given.
func (o kustoOptions) number(name string) (int64, error) {
	v, ok := o[name]
	if !ok || v == nil {
		return 0, nil
	}
	var text string
	switch v := v.(type) {
	case json.Number:
		text = v.String()
	case string:
		text = v
	}
	// "long(5)", as in a set statement, is a number as well.
	n, ok := kql.ParseValue(kql.Long, text)
	if !ok || n.IsNull() || n.Int() < 0 {
		return 0, tocsin.Errorf(tocsin.CodeInvalid, "the request option %s is not a number", name)
	}
	return n.Int(), nil
}

// value is an option of a type that JSON has not; null when it is not given.
func (o kustoOptions) value(name string, t kql.Type) (kql.Value, error) {
	v, ok := o[name]
	if !ok || v == nil {
		return kql.Null(t), nil
	}
	if text, ok := v.(string); ok {
		if out, ok := kql.ParseValue(t, text); ok {
			return out, nil
		}
	}
	return kql.Null(t), tocsin.Errorf(tocsin.CodeInvalid, "the request option %s is not a %s", name, t)
}

// setStatements adds what the query itself sets with set name = value, which
// wins over what came beside it.
func (k *kustoAsked) setStatements() {
	q, err := kql.Parse(k.src)
	if err != nil {
		return // the lake says so
	}
	for _, s := range q.Statements {
		set, ok := s.(*kql.SetOption)
		if !ok {
			continue
		}
		if k.options == nil {
			k.options = kustoOptions{}
		}
		if set.Value == nil {
			k.options[set.Name.Text] = true
			continue
		}
		if lit, ok := set.Value.(*kql.Literal); ok {
			k.options[set.Name.Text] = kql.TextOf(lit.Value)
		}
	}
}

// huntOptions are the options of the lake that say the same. enough is how many
// rows the client asked for at most, when it did: there being more is no
// failure then.
//
// Unlike the portal's queries these have no time range but what they say
// themselves, as in Kusto.
func (k *kustoAsked) huntOptions(streamed bool) (opts lake.HuntOptions, enough int64, err error) {
	k.setStatements()
	o := k.options
	enough = -1
	opts = lake.HuntOptions{MaxRows: kustoRows, MaxBytes: kustoBytes, Timeout: kustoTimeout}
	if lang, _ := o["query_language"].(string); lang != "" && lang != "csl" && lang != "kql" {
		return opts, 0, tocsin.Errorf(tocsin.CodeInvalid, "the request option query_language is csl or kql here")
	}
	if o.flag("notruncation") && streamed {
		opts.MaxRows, opts.MaxBytes = kustoAll, kustoAll
	}
	for _, limit := range []struct {
		name string
		to   *int64
		most int64
	}{{"truncationmaxrecords", &opts.MaxRows, kustoAll}, {"truncationmaxsize", &opts.MaxBytes, kustoAll}} {
		n, err := o.number(limit.name)
		if err != nil {
			return opts, 0, err
		}
		if n > 0 && (streamed || n < *limit.to) {
			*limit.to = min(n, limit.most)
		}
	}
	take, err := o.number("query_take_max_records")
	if err != nil {
		return opts, 0, err
	}
	if take > 0 && take <= opts.MaxRows {
		opts.MaxRows, enough = take, take
	}
	if err := k.times(&opts); err != nil {
		return opts, 0, err
	}
	if opts.Params, err = kql.ParseParameters(k.src, k.params); err != nil {
		return opts, 0, tocsin.Errorf(tocsin.CodeInvalid, "%s", err.Error())
	}
	return opts, enough, nil
}

// times reads the options about time.
func (k *kustoAsked) times(opts *lake.HuntOptions) error {
	o := k.options
	if text, ok := o["servertimeout"].(json.Number); ok {
		o["servertimeout"] = text.String() + "s"
	}
	timeout, err := o.value("servertimeout", kql.TimeSpan)
	if err != nil {
		return err
	}
	switch {
	case o.flag("norequesttimeout"):
		opts.Timeout = kustoMost
	case !timeout.IsNull() && timeout.Int() > 0:
		opts.Timeout = time.Duration(min(timeout.Int(), int64(kustoMost/100)) * 100)
	}
	now, err := o.value("query_now", kql.DateTime)
	if err != nil {
		return err
	}
	from, err := o.value("query_datetimescope_from", kql.DateTime)
	if err != nil {
		return err
	}
	to, err := o.value("query_datetimescope_to", kql.DateTime)
	if err != nil {
		return err
	}
	if column, ok := o["query_datetimescope_column"].(string); ok && column != "" && !(from.IsNull() && to.IsNull()) {
		switch strings.ToLower(column) {
		case "timestamp", "timegenerated":
		default:
			return tocsin.Errorf(tocsin.CodeInvalid, "the request option query_datetimescope_column is Timestamp or TimeGenerated here")
		}
	}
	if !now.IsNull() {
		opts.Now = now.Time()
	}
	if !from.IsNull() {
		opts.From = from.Time()
	}
	if !to.IsNull() {
		opts.To = to.Time()
	}
	opts.AllTime = from.IsNull() && to.IsNull()
	return nil
}
