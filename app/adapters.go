package app

import (
	"context"
	"io"
	"net/url"
	"path/filepath"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/api"
	"github.com/tocsinhq/tocsin/detect"
	"github.com/tocsinhq/tocsin/intake"
)

// receiver is intake as the API asks for it.
type receiver struct{ a *App }

func (r receiver) Events(ctx context.Context, table string, body io.Reader) (api.EventsResult, error) {
	opts := intake.EventsOptions{Source: sender(ctx), Once: api.DeliveryOf(ctx)}
	take := func() (intake.EventsResult, error) { return r.a.intake.Events(ctx, table, body, opts) }
	if table == "" {
		take = func() (intake.EventsResult, error) { return r.a.intake.EventsMixed(ctx, body, opts) }
	}
	res, err := take()
	out := api.EventsResult{Accepted: res.Accepted, Rejected: res.Rejected, Duplicate: res.Duplicates > 0 && res.Accepted == 0}
	for _, e := range res.Errors {
		out.Errors = append(out.Errors, api.LineError{Line: e.Line, Reason: e.Reason})
	}
	return out, err
}

func (r receiver) HEC(ctx context.Context, raw bool, params url.Values, body io.Reader) (api.HECResult, error) {
	opts := intake.HECOptions{Host: params.Get("host"), Source: params.Get("source"), Sourcetype: params.Get("sourcetype")}
	take := r.a.intake.HEC
	if raw {
		take = r.a.intake.HECRaw
	}
	rep, err := take(ctx, body, opts)
	out := api.HECResult{Accepted: 1, Invalid: -1}
	if rep.Code != 0 {
		out.Accepted = 0
		if rep.Invalid != nil {
			out.Invalid, out.Reason = *rep.Invalid, rep.Text
		}
	}
	return out, err
}

func (r receiver) Bulk(ctx context.Context, index string, body io.Reader) (api.BulkResult, error) {
	rep, err := r.a.intake.Bulk(ctx, body, intake.BulkOptions{Index: index})
	out := api.BulkResult{}
	for _, it := range rep.Items {
		for action, b := range it {
			item := api.BulkItem{Action: action, Index: b.Index, ID: b.ID}
			if b.Error != nil {
				item.Reason = b.Error.Reason
			}
			out.Items = append(out.Items, item)
		}
	}
	return out, err
}

// OpenRules opens the rules of a data folder; the server may be running, and
// then sees a change at its next start.
func OpenRules(data string) (*detect.RuleStore, error) {
	return detect.OpenRules(filepath.Join(data, "rules"))
}

// ruleDoor is the rules as the API asks for them.
type ruleDoor struct{ rules *detect.RuleStore }

func (d ruleDoor) Counts(context.Context) (api.RuleCounts, error) {
	var c api.RuleCounts
	for _, r := range d.rules.List() {
		c.Loaded++
		if r.Enabled {
			c.Enabled++
		}
	}
	rep := d.rules.Report()
	c.Unsupported, c.Failed = rep.UnsupportedCount(), len(rep.Failed)
	return c, nil
}

func ruleInfo(r *detect.Rule) api.RuleInfo {
	return api.RuleInfo{ID: r.ID, Title: r.Title, Level: r.Level, Status: r.Status, LogSource: r.Logsource.String(),
		Tags: r.Tags, Enabled: r.Enabled, BuiltIn: r.Origin == "builtin", SourcePath: r.Path}
}

func (d ruleDoor) List(context.Context) ([]api.RuleInfo, error) {
	rules := d.rules.List()
	out := make([]api.RuleInfo, len(rules))
	for i, r := range rules {
		out[i] = ruleInfo(r)
	}
	return out, nil
}

func (d ruleDoor) SetEnabled(_ context.Context, id string, on bool) (api.RuleInfo, error) {
	if err := d.rules.SetEnabled(id, on); err != nil {
		return api.RuleInfo{}, err
	}
	r, ok := d.rules.Rule(id)
	if !ok {
		return api.RuleInfo{}, tocsin.Errorf(tocsin.CodeNotFound, "there is no rule %q", id)
	}
	return ruleInfo(r), nil
}

func (d ruleDoor) Import(ctx context.Context, zip io.ReaderAt, size int64) (api.RulesImported, error) {
	rep, err := d.rules.ImportZip(ctx, zip, size)
	if err != nil {
		return api.RulesImported{}, err
	}
	out := api.RulesImported{Loaded: rep.Loaded, Unsupported: map[string]int{}, Failed: map[string]string{}, FailedCount: len(rep.Failed)}
	for f, ids := range rep.Unsupported {
		out.Unsupported[f] = len(ids)
	}
	for i, f := range rep.Failed {
		if i == 20 {
			break
		}
		out.Failed[f.Path] = f.Error()
	}
	return out, nil
}

// sender is what the quarantine calls the source of a request.
func sender(ctx context.Context) string {
	if p, ok := tocsin.PrincipalFrom(ctx); ok && p.UserName != "" {
		return "http " + p.UserName
	}
	return "http"
}
