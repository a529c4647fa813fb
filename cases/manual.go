package cases

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/correlate"
	"github.com/tocsinhq/tocsin/store"
)

// Limits of an alert that is made by hand: how many assets and how much evidence
// it names, how long each name is, in characters, and how many techniques it has.
const (
	MaxManualEntities   = 50
	MaxManualName       = 1000
	MaxManualTechniques = 50
)

// NamedEntity is something that a person says an alert is about: its kind, in
// the words of EntityKinds, and what it is called (a host name, user principal
// name, address, hash, ...).
type NamedEntity struct{ Kind, Name string }

// Manual is an alert that a person makes by hand.
type Manual struct {
	Title, Description, RecommendedActions string
	Severity                               tocsin.Severity // informational to high
	Category                               string          // "Execution"
	Techniques                             []string        // "T1003.001"
	Assets                                 []NamedEntity   // what is affected, at least one
	Evidence                               []NamedEntity
	IncidentID                             int64 // 0: none in particular
	// Correlate lets correlation see the alert: it may join an open incident when
	// IncidentID does not say which, and later alerts may join it. Without it, it
	// is in a new incident, or in the one that was named, and draws nothing in.
	Correlate bool
	// ExternalID tells one making from another: the same twice is CodeConflict.
	ExternalID string
}

// manualSource is the source of alerts that are made by hand.
const manualSource = "manual"

var (
	categoryWord  = regexp.MustCompile(`^[A-Za-z]{1,64}$`)
	techniqueWord = regexp.MustCompile(`^T[0-9]{4}(\.[0-9]{3})?$`)
)

func (m *Manual) check() error {
	m.Title, m.Description = strings.TrimSpace(m.Title), strings.TrimSpace(m.Description)
	switch {
	case m.Title == "":
		return tocsin.Errorf(tocsin.CodeInvalid, "the alert needs a title")
	case m.Description == "":
		return tocsin.Errorf(tocsin.CodeInvalid, "the alert needs a description")
	case utf8.RuneCountInString(m.Title) > tocsin.MaxTitleRunes:
		return tocsin.Errorf(tocsin.CodeLimit, "a title takes at most %d characters", tocsin.MaxTitleRunes)
	case utf8.RuneCountInString(m.Description) > maxTextRunes || utf8.RuneCountInString(m.RecommendedActions) > maxTextRunes:
		return tocsin.Errorf(tocsin.CodeLimit, "a description takes at most %d characters", maxTextRunes)
	case m.Severity == tocsin.SeverityUnknown || !slices.Contains(tocsin.Severities, m.Severity):
		return tocsin.Errorf(tocsin.CodeInvalid, "severity is informational, low, medium or high")
	case !categoryWord.MatchString(m.Category):
		return tocsin.Errorf(tocsin.CodeInvalid, "category is a word such as Execution")
	case len(m.Assets) == 0:
		return tocsin.Errorf(tocsin.CodeInvalid, "the alert needs at least one impacted asset")
	case len(m.Assets) > MaxManualEntities || len(m.Evidence) > MaxManualEntities:
		return tocsin.Errorf(tocsin.CodeLimit, "an alert made by hand names at most %d assets and %d pieces of evidence", MaxManualEntities, MaxManualEntities)
	case len(m.Techniques) > MaxManualTechniques:
		return tocsin.Errorf(tocsin.CodeLimit, "an alert made by hand has at most %d techniques", MaxManualTechniques)
	case m.IncidentID < 0:
		return tocsin.Errorf(tocsin.CodeInvalid, "incidentId is the number of an incident")
	}
	for i, t := range m.Techniques {
		if m.Techniques[i] = strings.ToUpper(strings.TrimSpace(t)); !techniqueWord.MatchString(m.Techniques[i]) {
			return tocsin.Errorf(tocsin.CodeInvalid, "%q is no technique of ATT&CK, such as T1003 or T1003.001", t)
		}
	}
	return nil
}

func (m *Manual) alert(st *store.Store) (a tocsin.Alert, err error) {
	if err = m.check(); err != nil {
		return a, err
	}
	now := st.Now()
	a = tocsin.Alert{Source: manualSource, ExternalID: m.ExternalID, Title: m.Title, Description: m.Description, RecommendedActions: m.RecommendedActions,
		Severity: m.Severity, Status: tocsin.AlertNew, Category: m.Category, Techniques: m.Techniques, Count: 1,
		ServiceSource: tocsin.SourceXDR, DetectionSource: tocsin.DetectionManual, ProductName: "Tocsin", FirstActivity: now, LastActivity: now}
	seen := map[tocsin.EntityKey]bool{}
	for _, of := range []struct {
		list   []NamedEntity
		assets bool
	}{{m.Assets, true}, {m.Evidence, false}} {
		for _, n := range of.list {
			e, err := n.evidence(of.assets)
			if err != nil {
				return a, err
			}
			if keys := e.Keys(); len(keys) > 0 {
				if seen[keys[0]] {
					continue
				}
				seen[keys[0]] = true
			}
			e.Created = now
			a.Evidence = append(a.Evidence, e)
		}
	}
	return a, nil
}

// namedBy are the columns by which EntityOf understands a name of a kind, where
// the name alone does not say enough.
var namedBy = map[string]string{"device": "DeviceName", "process": "FileName", "file": "FileName", "mailMessage": "NetworkMessageId"}

func (n NamedEntity) evidence(asset bool) (e tocsin.Evidence, err error) {
	name := strings.TrimSpace(n.Name)
	what := "piece of evidence"
	if asset {
		what = "impacted asset"
	}
	switch {
	case !slices.Contains(EntityKinds(asset), n.Kind):
		return e, tocsin.Errorf(tocsin.CodeInvalid, "%q is no kind of %s; these are: %s", n.Kind, what, strings.Join(EntityKinds(asset), ", "))
	case name == "":
		return e, tocsin.Errorf(tocsin.CodeInvalid, "each %s needs a name", what)
	case utf8.RuneCountInString(name) > MaxManualName || !utf8.ValidString(name):
		return e, tocsin.Errorf(tocsin.CodeLimit, "a name takes at most %d characters", MaxManualName)
	}
	column := namedBy[n.Kind]
	if column == "" {
		column = "Name"
	}
	e, ok := EntityOf(n.Kind, column, map[string]any{column: name})
	if !ok {
		return e, tocsin.Errorf(tocsin.CodeInvalid, "%q does not name a %s", name, n.Kind)
	}
	e.Verdict, e.RemediationStatus, e.Roles = tocsin.VerdictSuspicious, tocsin.RemediationNone, []tocsin.EvidenceRole{tocsin.RoleSuspicious}
	switch {
	case asset && e.Entity() == tocsin.EntityUser:
		e.Roles = []tocsin.EvidenceRole{tocsin.RoleCompromised}
	case asset:
		e.Roles = []tocsin.EvidenceRole{tocsin.RoleAttacked}
	}
	return e, nil
}

// CreateAlert makes an alert by hand, in the incident that was named, which must
// be open, or where correlation puts it, or in a new incident. Who is limited to
// device groups names devices of those only, one at least. Alert, incident and
// their lines of the record are there together or not at all.
func (c *Cases) CreateAlert(ctx context.Context, m Manual) (incidentID int64, alertID string, err error) {
	a, err := m.alert(c.st)
	if err != nil {
		return 0, "", err
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return 0, "", ctx.Err()
	}
	err = c.st.Update(ctx, func(tx *store.Tx) error {
		in := arrive(tx.Tenant(), []tocsin.Alert{a})
		if in[0].err != nil {
			return in[0].err
		}
		if m.IncidentID != 0 {
			if err := tx.RequireWhole(m.IncidentID); err != nil {
				return err
			}
		}
		if err := withinGroups(tx, &in[0]); err != nil {
			return err
		}
		defer tx.AsEngine()() // correlation sees everything, whoever makes the alert
		b := newBatch(c, tx)
		if err := b.begin(in); err != nil {
			return err
		}
		if err := b.byHand(&in[0], &m); err != nil {
			return err
		}
		incidentID, alertID = in[0].a.IncidentID, in[0].a.ID
		return b.finish()
	})
	return incidentID, alertID, err
}

// withinGroups refuses an alert that the principal would not see in whole.
func withinGroups(tx *store.Tx, in *arrival) error {
	if !tx.Limited() {
		return nil
	}
	if len(in.seen) == 0 {
		return tocsin.Errorf(tocsin.CodeForbidden, "you are limited to device groups: name a device of one of them")
	}
	back := tx.AsEngine() // to be told that a device is another group's, not that it is nowhere
	groups, err := tx.GroupsOfDevices(in.seen)
	back()
	if err != nil {
		return err
	}
	for _, g := range groups {
		if !slices.Contains(tx.Principal().Groups, g) {
			return tocsin.Errorf(tocsin.CodeForbidden, "a device that the alert names is not in your device groups")
		}
	}
	return nil
}

func (b *batch) byHand(in *arrival, m *Manual) error {
	a := &in.a
	known, err := b.known(a)
	if err != nil {
		return err
	}
	if known != nil {
		return tocsin.Errorf(tocsin.CodeConflict, "this alert is in incident %d already", known.a.IncidentID)
	}
	a.Created, a.LastUpdate = b.tx.Now(), b.tx.Now()
	set, err := b.c.settings(b.tx)
	if err != nil {
		return err
	}
	// The person decides, whatever the tenant's default and the marks in a
	// description say.
	if a.Correlation = tocsin.CorrelationEnabled; !m.Correlate {
		a.Correlation = tocsin.CorrelationDisabled
		if err := in.digestFacts(); err != nil {
			return err
		}
	}
	if set.policy.GroupsApart {
		if in.facts.Groups, err = b.tx.GroupsOfDevices(in.seen); err != nil {
			return err
		}
	}
	oi, err := b.placeByHand(in, m, set)
	if err != nil {
		return err
	}
	if err := b.write(in, oi); err != nil {
		return err
	}
	_, err = b.tx.Append(tocsin.Change{Actor: b.tx.Principal().Actor(), Noun: "alert", ID: a.ID, AlertID: a.ID, Version: a.Version, Kind: "created",
		Summary: "Created by hand", After: object("title", a.Title, "severity", a.Severity, "category", a.Category, "incidentId", a.IncidentID, "correlation", a.Correlation)})
	return err
}

// placeByHand finds the incident of an alert that is made by hand. What the
// person decided is recorded in their name, what correlation did in its.
func (b *batch) placeByHand(in *arrival, m *Manual, set *settings) (*openIncident, error) {
	person := b.tx.Principal().Actor()
	if m.IncidentID != 0 {
		b.actor = person
		return b.put(in, m.IncidentID, "was created by hand")
	}
	d := correlate.Decision{Kind: correlate.Open}
	if m.Correlate {
		var err error
		if d, err = b.correlated(in, set); err != nil {
			return nil, err
		}
	}
	if d.Kind == correlate.Open {
		b.actor = person
		d.Why = "created by hand"
		return b.open(in, d)
	}
	oi, err := b.join(in, d)
	if err != nil {
		return nil, err
	}
	return oi, b.record(oi, tocsin.Change{Actor: person, Kind: "alertLinked", AlertID: in.a.ID, Before: object("alertCount", oi.tally.alerts-1),
		After: object("alertCount", oi.tally.alerts, "severity", in.a.Severity), Summary: "Alert “" + in.a.Title + "” was created by hand"})
}
