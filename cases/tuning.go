package cases

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/correlate"
	"github.com/tocsinhq/tocsin/store"
)

// How people's cuts teach correlation: so many within so long suggest an
// exclusion, and lower the weight of the value meanwhile.
const (
	suggestAfter  = 3
	suggestWithin = 30 * 24 * time.Hour
	maxLearned    = 2000 // rearrangements looked at
)

// settingsAge is how long settings are kept in memory although nobody changed
// them: exclusions expire, and cuts teach.
const settingsAge = time.Minute

const (
	policyMeta  = "correlation.policy"
	defaultMeta = "correlation.default" // "disabled": rules do not correlate unless they say so
)

// settings are how a tenant has tuned correlation.
type settings struct {
	policy     correlate.Policy
	exclusions []tocsin.Exclusion
	excluded   map[tocsin.EntityKey][]int // key -> exclusions
	rules      map[string]tocsin.RuleCorrelation
	off        bool // rules do not correlate unless they say so
	doubted    map[tocsin.EntityKey]int
	read       time.Time
}

// settingsMemory keeps the settings of tenants until they change.
type settingsMemory struct {
	mu sync.Mutex
	m  map[string]*settings
}

func (m *settingsMemory) forget(tenant string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.m, tenant)
}

// settings are those of the transaction's tenant.
func (c *Cases) settings(tx *store.Tx) (*settings, error) {
	c.tuned.mu.Lock()
	s := c.tuned.m[tx.Tenant()]
	c.tuned.mu.Unlock()
	if s != nil && tx.Now().Sub(s.read) < settingsAge && !tx.Now().Before(s.read) {
		return s, nil
	}
	s, err := c.readSettings(tx)
	if err != nil {
		return nil, fmt.Errorf("read how correlation is tuned: %w", err)
	}
	c.tuned.mu.Lock()
	defer c.tuned.mu.Unlock()
	if c.tuned.m == nil {
		c.tuned.m = map[string]*settings{}
	}
	c.tuned.m[tx.Tenant()] = s
	return s, nil
}

func (c *Cases) readSettings(tx *store.Tx) (*settings, error) {
	s := &settings{policy: c.policy, excluded: map[tocsin.EntityKey][]int{}, rules: map[string]tocsin.RuleCorrelation{}, doubted: map[tocsin.EntityKey]int{}, read: tx.Now()}
	text, found, err := tx.Meta(policyMeta)
	if err != nil {
		return nil, err
	}
	if found {
		if s.policy, err = correlate.ParsePolicy([]byte(text)); err != nil {
			return nil, err
		}
	}
	if text, _, err = tx.Meta(defaultMeta); err != nil {
		return nil, err
	}
	s.off = text == string(tocsin.CorrelationDisabled)
	if s.exclusions, err = tx.Exclusions(); err != nil {
		return nil, err
	}
	for i := range s.exclusions {
		for _, k := range s.exclusions[i].Keys() {
			s.excluded[k] = append(s.excluded[k], i)
		}
	}
	rules, err := tx.RuleCorrelations()
	if err != nil {
		return nil, err
	}
	for _, r := range rules {
		s.rules[r.DetectorID] = r
	}
	learned, err := learn(tx)
	if err != nil {
		return nil, err
	}
	for _, l := range learned {
		s.doubted[l.key] = l.Cuts
	}
	return s, nil
}

// correlates says whether an alert is joined by what it shares: as its rule is
// set, else as its description is marked, else as the tenant has it.
func (s *settings) correlates(a *tocsin.Alert) tocsin.CorrelationChoice {
	choice := s.rules[a.DetectorID].Correlation
	if choice == "" || choice == tocsin.CorrelationDefault {
		choice = tocsin.CorrelationMark(a.Description)
	}
	switch {
	case choice != tocsin.CorrelationDefault:
		return choice
	case s.off:
		return tocsin.CorrelationDisabled
	}
	return tocsin.CorrelationEnabled
}

// exclude takes out of the facts what must not join this alert.
func (s *settings) exclude(f correlate.Facts, a *tocsin.Alert, now time.Time) correlate.Facts {
	if len(s.excluded) == 0 {
		return f
	}
	var groups []string
	for i := range a.Evidence {
		if g := a.Evidence[i].Str("rbacGroupName"); g != "" {
			groups = append(groups, g)
		}
	}
	return f.Exclude(func(k tocsin.EntityKey) bool {
		return slices.ContainsFunc(s.excluded[k], func(i int) bool {
			return s.exclusions[i].InForce(now, a.DetectorID, f.Categories, groups)
		})
	})
}

// factsOf digests an alert; one that does not correlate shares nothing.
func factsOf(a *tocsin.Alert) correlate.Facts {
	f := correlate.FactsOf(a)
	if a.Correlation == tocsin.CorrelationDisabled {
		f = f.Exclude(func(tocsin.EntityKey) bool { return true })
	}
	return f
}

// learnedCut is a value that people cut on again and again.
type learnedCut struct {
	key tocsin.EntityKey
	tocsin.ExclusionSuggestion
}

// learn finds the values that people have cut on at least suggestAfter times,
// those with most cuts first.
func learn(tx *store.Tx) ([]learnedCut, error) {
	rs, err := tx.PeoplesRearrangements(tx.Now().Add(-suggestWithin), maxLearned)
	if err != nil {
		return nil, err
	}
	by := map[tocsin.EntityKey]*learnedCut{}
	var order []tocsin.EntityKey
	for i := range rs {
		r := &rs[i]
		here := map[string]string{} // key -> name
		if r.Cut != nil && r.Cut.Key != "" {
			here[r.Cut.Key] = r.Cut.Name
		}
		for _, t := range r.Irrelevant {
			if t.Key != "" {
				here[t.Key] = t.Name
			}
		}
		for text, name := range here {
			k := tocsin.ParseEntityKey(text)
			l := by[k]
			if l == nil {
				l = &learnedCut{key: k, ExclusionSuggestion: tocsin.ExclusionSuggestion{Type: k.Type, Value: cmp.Or(name, k.ID), Last: r.At}}
				by[k] = l
				order = append(order, k)
			}
			if l.Cuts++; l.Cuts <= 20 {
				l.Rearrangements, l.Incidents = append(l.Rearrangements, r.ID), append(l.Incidents, r.From)
			}
		}
	}
	var out []learnedCut
	for _, k := range order {
		if by[k].Cuts >= suggestAfter {
			out = append(out, *by[k])
		}
	}
	slices.SortStableFunc(out, func(a, b learnedCut) int {
		return cmp.Or(b.Cuts-a.Cuts, strings.Compare(a.key.String(), b.key.String()))
	})
	return out, nil
}

// Exclusions are the values that never join, the newest first, and those that
// people's cuts suggest. A suggestion is never applied by itself.
func (c *Cases) Exclusions(ctx context.Context) (have []tocsin.Exclusion, suggested []tocsin.ExclusionSuggestion, err error) {
	err = c.st.View(ctx, func(tx *store.Tx) error {
		if tx.Limited() {
			return tocsin.Errorf(tocsin.CodeForbidden, "exclusions speak of all devices, and you see those of some groups only")
		}
		if have, err = tx.Exclusions(); err != nil {
			return err
		}
		learned, err := learn(tx)
		for _, l := range learned {
			if !slices.ContainsFunc(have, func(x tocsin.Exclusion) bool { return slices.Contains(x.Keys(), l.key) }) && len(suggested) < 100 {
				suggested = append(suggested, l.ExclusionSuggestion)
			}
		}
		return err
	})
	return have, suggested, err
}

// AddExclusion keeps a value from joining alerts that arrive from now on. Who
// and when are set here; one that is there already is an error of CodeConflict.
func (c *Cases) AddExclusion(ctx context.Context, x tocsin.Exclusion) (tocsin.Exclusion, error) {
	err := c.st.Update(ctx, func(tx *store.Tx) error {
		if err := x.Check(tx.Now()); err != nil {
			return err
		}
		all, err := tx.Exclusions()
		if err != nil {
			return err
		}
		if len(all) >= tocsin.MaxExclusions {
			return tocsin.Errorf(tocsin.CodeLimit, "there can be at most %d exclusions", tocsin.MaxExclusions)
		}
		for i := range all {
			h := &all[i]
			if h.Type == x.Type && slices.Equal(h.Keys(), x.Keys()) && h.DetectorID == x.DetectorID && h.DeviceGroup == x.DeviceGroup && h.Tactic == x.Tactic &&
				(h.Expires.IsZero() || h.Expires.After(tx.Now())) {
				return tocsin.Errorf(tocsin.CodeConflict, "%s is excluded already", x.Value)
			}
		}
		var id [8]byte
		rand.Read(id[:])
		x.ID, x.CreatedBy, x.Created = hex.EncodeToString(id[:]), tx.Principal().UserName, tx.Now()
		if err := tx.PutExclusion(x); err != nil {
			return err
		}
		tx.AfterCommit(func() { c.tuned.forget(tx.Tenant()) })
		_, err = tx.Append(tocsin.Change{Noun: "correlation", ID: x.ID, Kind: "exclusionAdded", After: object("exclusion", x),
			Summary: fmt.Sprintf("Alerts are no longer joined on the %s “%s”: %s", x.Type, x.Value, x.Reason)})
		return err
	})
	return x, err
}

// RemoveExclusion lets a value join again.
func (c *Cases) RemoveExclusion(ctx context.Context, id string) error {
	return c.st.Update(ctx, func(tx *store.Tx) error {
		all, err := tx.Exclusions()
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(x tocsin.Exclusion) bool { return x.ID == id })
		if i < 0 {
			return tocsin.Errorf(tocsin.CodeNotFound, "there is no exclusion %q", id)
		}
		if err := tx.DeleteExclusion(id); err != nil {
			return err
		}
		tx.AfterCommit(func() { c.tuned.forget(tx.Tenant()) })
		_, err = tx.Append(tocsin.Change{Noun: "correlation", ID: id, Kind: "exclusionRemoved", Before: object("exclusion", all[i]),
			Summary: fmt.Sprintf("Alerts may be joined on the %s “%s” again", all[i].Type, all[i].Value)})
		return err
	})
}

// CorrelationSettings are what a tenant has set for correlation as a whole and
// for single rules.
type CorrelationSettings struct {
	// Default is what rules do that say nothing: enabled or disabled.
	Default tocsin.CorrelationChoice
	Policy  correlate.Policy
	Own     bool // the policy is the tenant's own
	Rules   []tocsin.RuleCorrelation
}

// CorrelationSettings reads them.
func (c *Cases) CorrelationSettings(ctx context.Context) (out CorrelationSettings, err error) {
	err = c.st.View(ctx, func(tx *store.Tx) error {
		s, err := c.readSettings(tx)
		if err != nil {
			return err
		}
		out = CorrelationSettings{Default: tocsin.CorrelationEnabled, Policy: s.policy}
		if s.off {
			out.Default = tocsin.CorrelationDisabled
		}
		if _, out.Own, err = tx.Meta(policyMeta); err != nil {
			return err
		}
		out.Rules, err = tx.RuleCorrelations()
		return err
	})
	return out, err
}

// SetCorrelationDefault says whether rules correlate that say nothing about it.
func (c *Cases) SetCorrelationDefault(ctx context.Context, to tocsin.CorrelationChoice) error {
	if to != tocsin.CorrelationEnabled && to != tocsin.CorrelationDisabled {
		return tocsin.Errorf(tocsin.CodeInvalid, "the default is enabled or disabled, not %q", to)
	}
	return c.st.Update(ctx, func(tx *store.Tx) error {
		was, _, err := tx.Meta(defaultMeta)
		if err == nil {
			err = tx.PutMeta(defaultMeta, string(to))
		}
		if err != nil {
			return err
		}
		tx.AfterCommit(func() { c.tuned.forget(tx.Tenant()) })
		_, err = tx.Append(tocsin.Change{Noun: "correlation", ID: "default", Kind: "correlationDefaultChanged",
			Before: object("default", cmp.Or(was, string(tocsin.CorrelationEnabled))), After: object("default", to),
			Summary: fmt.Sprintf("Correlation is %s for rules that say nothing about it", to)})
		return err
	})
}

// SetPolicy sets the weights and bounds of correlation for the tenant, as
// correlate.ParsePolicy reads them; an empty text goes back to the default.
func (c *Cases) SetPolicy(ctx context.Context, text []byte) error {
	var p correlate.Policy
	if len(text) > 0 {
		var err error
		if p, err = correlate.ParsePolicy(text); err != nil {
			return err
		}
	}
	return c.st.Update(ctx, func(tx *store.Tx) error {
		was, err := c.readSettings(tx)
		if err != nil {
			return err
		}
		line := tocsin.Change{Noun: "correlation", ID: "policy", Kind: "correlationPolicyChanged", Before: object("policy", was.policy.File()), Summary: "The weights and bounds of correlation changed"}
		if len(text) == 0 {
			line.After, line.Summary = object("policy", c.policy.File()), "The weights and bounds of correlation are as they were by default"
			err = tx.DeleteMeta(policyMeta)
		} else {
			line.After = object("policy", p.File())
			err = tx.PutMeta(policyMeta, string(p.File()))
		}
		if err != nil {
			return err
		}
		tx.AfterCommit(func() { c.tuned.forget(tx.Tenant()) })
		_, err = tx.Append(line)
		return err
	})
}

// SetRuleCorrelation sets whether and how the alerts of one rule are put
// together. Alerts that are there stay where they are.
func (c *Cases) SetRuleCorrelation(ctx context.Context, r tocsin.RuleCorrelation) (tocsin.RuleCorrelation, error) {
	if err := r.Check(); err != nil {
		return r, err
	}
	err := c.st.Update(ctx, func(tx *store.Tx) error {
		all, err := tx.RuleCorrelations()
		if err != nil {
			return err
		}
		line := tocsin.Change{Noun: "rule", ID: r.DetectorID, Kind: "ruleCorrelationChanged", Summary: fmt.Sprintf("Correlation of the rule is %s, its grouping by %s", r.Correlation, r.Grouping.Mode)}
		if i := slices.IndexFunc(all, func(h tocsin.RuleCorrelation) bool { return h.DetectorID == r.DetectorID }); i >= 0 {
			line.Before = object("correlation", all[i].Correlation, "grouping", all[i].Grouping)
		} else if len(all) >= tocsin.MaxRuleSettings {
			return tocsin.Errorf(tocsin.CodeLimit, "at most %d rules can have settings", tocsin.MaxRuleSettings)
		}
		line.After = object("correlation", r.Correlation, "grouping", r.Grouping)
		r.ChangedBy, r.Changed = tx.Principal().UserName, tx.Now()
		if err := tx.PutRuleCorrelation(r); err != nil {
			return err
		}
		tx.AfterCommit(func() { c.tuned.forget(tx.Tenant()) })
		_, err = tx.Append(line)
		return err
	})
	return r, err
}
