package cases

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/correlate"
	"github.com/tocsinhq/tocsin/store"
)

const (
	// MaxDryRunDays and MaxDryRunAlerts bound a dry run; of more alerts the
	// newest count.
	MaxDryRunDays   = 365
	MaxDryRunAlerts = 100_000
	// MaxDryRunPairs is how many pairs it names.
	MaxDryRunPairs = 50
	// MaxDryRunBytes is the longest text that ParseDryRun takes.
	MaxDryRunBytes = 1 << 20

	dryRunPage = 500 // alerts read at a time
)

// DryRunAsk is a change of correlation to be tried out.
type DryRunAsk struct {
	Days int `json:"days,omitempty"`
	// Policy is as correlate.ParsePolicy reads it; empty is the present one.
	Policy json.RawMessage `json:"policy,omitempty"`
	// AddExclusions are tried beside those that there are, without those whose
	// ids are in RemoveExclusions. They need no reason.
	AddExclusions    []tocsin.Exclusion `json:"addExclusions,omitempty"`
	RemoveExclusions []string           `json:"removeExclusions,omitempty"`
}

// ParseDryRun reads what to try from JSON: {"policy": {"join": 0.9},
// "addExclusions": [{"type": "ip", "value": "192.0.2.1"}], "removeExclusions":
// ["id"]}. An unknown name is an Error of CodeInvalid.
func ParseDryRun(text []byte) (ask DryRunAsk, err error) {
	if len(text) > MaxDryRunBytes {
		return ask, tocsin.Errorf(tocsin.CodeLimit, "what to try takes at most %d bytes", MaxDryRunBytes)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&ask); err != nil {
		return ask, tocsin.Errorf(tocsin.CodeInvalid, "this says not what to try: %w", err)
	}
	if dec.More() {
		return ask, tocsin.Errorf(tocsin.CodeInvalid, "this says not what to try: there is more after it")
	}
	return ask, nil
}

// DryRun says what a change of correlation would do to the alerts of some days,
// against the same alerts as correlation is set at present. Both begin without
// incidents, and know nothing of what people and rules' groupings did.
type DryRun struct {
	From, To time.Time
	Alerts   int
	// More: there are more alerts in that time than were looked at.
	More bool
	// Apart is how many of them are of rules that do not correlate; they stay
	// where they are in either case.
	Apart int
	// Present and Changed are the numbers of incidents, Split of present ones
	// that would come apart, Merged of those that would be made of several.
	Present, Changed, Split, Merged int
	Pairs                           []DryRunPair // at most MaxDryRunPairs, by name
}

// DryRunPair is two groups of alerts that are one incident at present and two
// after the change (Split), or the other way round.
type DryRunPair struct {
	Split       bool
	Main, Piece DryRunSide
	// Weight and Sentence are the evidence that ties them; 0 and "" when only
	// further alerts do.
	Weight   float64
	Sentence string
}

// DryRunSide is one group of alerts, by the first of them.
type DryRunSide struct {
	Alerts     int
	AlertID    string
	Title      string
	IncidentID int64 // where the first alert is now
	Name       string
}

// dryRun is one that runs.
type dryRun struct {
	out              DryRun
	present, changed *settings
	one, two         *correlate.Replayer // two is nil when nothing is changed
	seen             []dryAlert
	ties, tiesTwo    []correlate.Tie
	at               map[string]int // alert -> place
}

type dryAlert struct {
	id, title string
	incident  int64
}

// DryRun replays the alerts of the last days in memory, twice: as correlation
// is set and as asked. It changes nothing. One runs at a time; another is an
// Error of CodeUnavailable.
func (c *Cases) DryRun(ctx context.Context, ask DryRunAsk) (DryRun, error) {
	if ask.Days < 1 || ask.Days > MaxDryRunDays {
		return DryRun{}, tocsin.Errorf(tocsin.CodeInvalid, "days is %d and must be between 1 and %d", ask.Days, MaxDryRunDays)
	}
	if !c.trying.TryLock() {
		return DryRun{}, tocsin.Errorf(tocsin.CodeUnavailable, "another dry run of correlation is under way; try again when it is done")
	}
	defer c.trying.Unlock()
	d := &dryRun{at: map[string]int{}}
	var nos []int64
	err := c.st.View(ctx, func(tx *store.Tx) (err error) {
		d.out.From, d.out.To = tx.Now().AddDate(0, 0, -ask.Days), tx.Now()
		if nos, err = tx.AlertNumbers(d.out.From, MaxDryRunAlerts+1); err != nil {
			return err
		}
		if d.present, err = c.readSettings(tx); err != nil {
			return err
		}
		d.changed, err = d.present.with(ask, tx.Now())
		return err
	})
	if err != nil {
		return DryRun{}, err
	}
	if d.out.More = len(nos) > MaxDryRunAlerts; d.out.More {
		nos = nos[1:]
	}
	d.one = correlate.NewReplayer(d.present.policy, d.present.doubted)
	if d.changed != d.present {
		d.two = correlate.NewReplayer(d.changed.policy, d.changed.doubted)
	}
	groups := d.present.policy.GroupsApart || d.changed.policy.GroupsApart
	for page := range slices.Chunk(nos, dryRunPage) {
		var alerts []tocsin.Alert
		var of map[string][]int64
		err := c.st.View(ctx, func(tx *store.Tx) (err error) {
			alerts, of, err = tx.AlertsByNumber(page, groups)
			return err
		})
		if err == nil {
			err = d.take(ctx, alerts, of)
		}
		if err != nil {
			return DryRun{}, err
		}
	}
	return d.compare(c, ctx)
}

// with is a copy of the settings changed as asked, or the same when nothing is.
func (s *settings) with(ask DryRunAsk, now time.Time) (*settings, error) {
	if len(ask.Policy) == 0 && len(ask.AddExclusions) == 0 && len(ask.RemoveExclusions) == 0 {
		return s, nil
	}
	out := *s
	out.excluded = map[tocsin.EntityKey][]int{}
	var err error
	if len(ask.Policy) > 0 {
		if out.policy, err = correlate.ParsePolicy(ask.Policy); err != nil {
			return nil, err
		}
	}
	for _, id := range ask.RemoveExclusions {
		if !slices.ContainsFunc(s.exclusions, func(x tocsin.Exclusion) bool { return x.ID == id }) {
			return nil, tocsin.Errorf(tocsin.CodeInvalid, "there is no exclusion %q to remove", id)
		}
	}
	out.exclusions = slices.DeleteFunc(slices.Clone(s.exclusions), func(x tocsin.Exclusion) bool { return slices.Contains(ask.RemoveExclusions, x.ID) })
	for i, x := range ask.AddExclusions {
		x.Reason = cmp.Or(strings.TrimSpace(x.Reason), "tried out")
		if err := x.Check(now); err != nil {
			return nil, tocsin.Errorf(tocsin.CodeOf(err), "exclusion %d: %w", i+1, err)
		}
		out.exclusions = append(out.exclusions, x)
	}
	if len(out.exclusions) > tocsin.MaxExclusions {
		return nil, tocsin.Errorf(tocsin.CodeLimit, "there can be at most %d exclusions", tocsin.MaxExclusions)
	}
	for i := range out.exclusions {
		for _, k := range out.exclusions[i].Keys() {
			out.excluded[k] = append(out.excluded[k], i)
		}
	}
	return &out, nil
}

// take replays a page of alerts, with both settings at a time.
func (d *dryRun) take(ctx context.Context, alerts []tocsin.Alert, groups map[string][]int64) error {
	var facts []correlate.Facts
	var assets [][]string
	var of []*tocsin.Alert
	d.out.Alerts += len(alerts)
	for i := range alerts {
		a := &alerts[i]
		if d.present.correlates(a) == tocsin.CorrelationDisabled {
			d.out.Apart++
			continue
		}
		f := correlate.FactsOf(a)
		f.Groups = groups[a.ID]
		var names []string
		for j := range a.Evidence {
			if e := &a.Evidence[j]; e.Entity().IsAsset() {
				names = append(names, assetKey(e))
			}
		}
		d.at[a.ID] = len(d.seen)
		d.seen = append(d.seen, dryAlert{a.ID, a.Title, a.IncidentID})
		facts, assets, of = append(facts, f), append(assets, names), append(of, a)
	}
	begin := len(d.seen) - len(facts)
	run := func(r *correlate.Replayer, s *settings, ties *[]correlate.Tie) {
		for i, f := range facts {
			if ctx.Err() != nil {
				return
			}
			dec := r.Take(s.exclude(f, of[i], d.out.To), assets[i])
			for _, l := range dec.Links {
				*ties = append(*ties, correlate.Tie{A: begin + i, B: d.at[l.ToAlertID], Weight: l.Weight, Sentence: l.Sentence})
			}
		}
	}
	var wg sync.WaitGroup
	if d.two != nil {
		wg.Go(func() { run(d.two, d.changed, &d.tiesTwo) })
	}
	run(d.one, d.present, &d.ties)
	wg.Wait()
	return ctx.Err()
}

// compare says what differs, with the names that the incidents have now.
func (d *dryRun) compare(c *Cases, ctx context.Context) (DryRun, error) {
	present := d.one.Placed()
	d.out.Present = kinds(present)
	d.out.Changed = d.out.Present
	if d.two == nil {
		return d.out, nil
	}
	changed := d.two.Placed()
	d.out.Changed = kinds(changed)
	var splits, merges []correlate.Parting
	d.out.Split, splits = correlate.Partings(present, changed, d.ties, MaxDryRunPairs)
	d.out.Merged, merges = correlate.Partings(changed, present, d.tiesTwo, MaxDryRunPairs)
	// Neither kind takes the room of the other.
	const half = MaxDryRunPairs / 2
	splits = splits[:min(len(splits), max(half, MaxDryRunPairs-len(merges)))]
	merges = merges[:min(len(merges), MaxDryRunPairs-len(splits))]
	names := map[int64]string{}
	for i, p := range slices.Concat(splits, merges) {
		pair := DryRunPair{Split: i < len(splits), Main: d.side(p.Main), Piece: d.side(p.Piece)}
		if p.Tie != nil {
			pair.Weight, pair.Sentence = p.Tie.Weight, p.Tie.Sentence
		}
		names[pair.Main.IncidentID], names[pair.Piece.IncidentID] = "", ""
		d.out.Pairs = append(d.out.Pairs, pair)
	}
	err := c.st.View(ctx, func(tx *store.Tx) error {
		incs, err := tx.IncidentsByID(slices.Collect(maps.Keys(names)))
		for i := range incs {
			names[incs[i].ID] = incs[i].DisplayName
		}
		return err
	})
	for i := range d.out.Pairs {
		p := &d.out.Pairs[i]
		p.Main.Name, p.Piece.Name = names[p.Main.IncidentID], names[p.Piece.IncidentID]
	}
	slices.SortStableFunc(d.out.Pairs, func(a, b DryRunPair) int {
		return cmp.Or(strings.Compare(a.Main.Name, b.Main.Name), strings.Compare(a.Piece.Name, b.Piece.Name))
	})
	return d.out, err
}

func (d *dryRun) side(alerts []int) DryRunSide {
	a := &d.seen[alerts[0]]
	return DryRunSide{Alerts: len(alerts), AlertID: a.id, Title: a.title, IncidentID: a.incident}
}

func kinds(ids []int64) int {
	seen := map[int64]struct{}{}
	for _, id := range ids {
		seen[id] = struct{}{}
	}
	return len(seen)
}
