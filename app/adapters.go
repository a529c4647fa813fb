package app

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/api"
	"github.com/tocsinhq/tocsin/detect"
	"github.com/tocsinhq/tocsin/store"
)

// OpenRules opens the rules of a data folder; the server may be running, and
// then sees a change at its next start.
func OpenRules(data string) (*detect.RuleStore, error) {
	return detect.OpenRules(filepath.Join(data, "rules"))
}

// ruleDoor is the rules as the API asks for them.
type ruleDoor struct {
	rules *detect.RuleStore
	store *store.Store
}

// record writes what was done with rules into the record.
func (d ruleDoor) record(ctx context.Context, c tocsin.Change) error {
	return d.store.Update(ctx, func(tx *store.Tx) error {
		c.Noun = "rule"
		_, err := tx.Append(c)
		return err
	})
}

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

func (d ruleDoor) SetEnabled(ctx context.Context, id string, on bool) (api.RuleInfo, error) {
	r, ok := d.rules.Rule(id)
	if !ok {
		return api.RuleInfo{}, tocsin.Errorf(tocsin.CodeNotFound, "there is no rule %q", id)
	}
	was := r.Enabled
	if err := d.rules.SetEnabled(id, on); err != nil {
		return api.RuleInfo{}, err
	}
	if r, ok = d.rules.Rule(id); !ok {
		return api.RuleInfo{}, tocsin.Errorf(tocsin.CodeNotFound, "there is no rule %q", id)
	}
	if was != on {
		word := map[bool]string{true: "on", false: "off"}
		err := d.record(ctx, tocsin.Change{ID: id, Kind: "ruleSwitched", Summary: fmt.Sprintf("Rule %q was switched %s", r.Title, word[on]),
			Before: fmt.Appendf(nil, `{"enabled":%t}`, was), After: fmt.Appendf(nil, `{"enabled":%t}`, on)})
		if err != nil {
			return api.RuleInfo{}, err
		}
	}
	return ruleInfo(r), nil
}

func (d ruleDoor) Import(ctx context.Context, zip io.ReaderAt, size int64) (api.RulesImported, error) {
	rep, err := d.rules.ImportZip(ctx, zip, size)
	if err != nil {
		return api.RulesImported{}, err
	}
	if err := d.record(ctx, tocsin.Change{ID: "import", Kind: "rulesImported", Summary: fmt.Sprintf("%d rules were imported from %d files", rep.Loaded, rep.Files),
		After: fmt.Appendf(nil, `{"loaded":%d,"files":%d,"unsupported":%d,"failed":%d}`, rep.Loaded, rep.Files, rep.UnsupportedCount(), len(rep.Failed))}); err != nil {
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
