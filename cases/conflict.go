package cases

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/store"
)

// Conflict is an update that came too late: what it would change, somebody else
// changed meanwhile to something else. It unwraps to an Error of CodeConflict.
type Conflict struct {
	Incident *tocsin.Incident // as it is now; nil for an alert
	Alert    *tocsin.Alert    // as it is now; nil for an incident
	// Fields are the properties in dispute; none when the version that the caller
	// saw is one that there never was.
	Fields []FieldConflict
	Err    *tocsin.Error
}

// FieldConflict is one property that two people changed.
type FieldConflict struct {
	Field  string          // its name in JSON
	Base   json.RawMessage // as it was in the version that the caller saw; null when that is not known
	Mine   json.RawMessage // what the caller wants
	Theirs json.RawMessage // as it is now
	By     tocsin.Actor    // who changed it last, and when
	At     time.Time
}

func (c *Conflict) Error() string { return c.Err.Error() }
func (c *Conflict) Unwrap() error { return c.Err }

// AsConflict is the *Conflict in err's chain, nil when there is none.
func AsConflict(err error) *Conflict {
	var c *Conflict
	errors.As(err, &c)
	return c
}

// wish is one property that an update sets.
type wish struct {
	field        string
	want, is     any
	followsAlert bool // the engine's own changes of it give way to a person's
}

func wishes(u *IncidentUpdate, inc *tocsin.Incident) (out []wish) {
	add := func(field string, given bool, want func() any, is any) {
		if given {
			out = append(out, wish{field: field, want: want(), is: is, followsAlert: field == "severity" || field == "displayName"})
		}
	}
	add("displayName", u.DisplayName != nil, func() any { return *u.DisplayName }, inc.DisplayName)
	add("description", u.Description != nil, func() any { return *u.Description }, inc.Description)
	add("summary", u.Summary != nil, func() any { return *u.Summary }, inc.Summary)
	add("severity", u.Severity != nil, func() any { return *u.Severity }, inc.Severity)
	add("customTags", u.CustomTags != nil, func() any { return orEmpty(*u.CustomTags) }, orEmpty(inc.CustomTags))
	add("assignedTo", u.AssignedTo != nil, func() any { return *u.AssignedTo }, inc.AssignedTo)
	add("classification", u.Classification != nil, func() any { return *u.Classification }, inc.Classification)
	add("determination", u.Determination != nil, func() any { return *u.Determination }, inc.Determination)
	add("resolvingComment", u.ResolvingComment != nil, func() any { return *u.ResolvingComment }, inc.ResolvingComment)
	add("status", u.Status != nil, func() any { return *u.Status }, inc.Status)
	add("customDetails", u.CustomDetails != nil, func() any { return *u.CustomDetails }, inc.CustomDetails)
	return out
}

func alertWishes(u *AlertUpdate, a *tocsin.Alert) (out []wish) {
	add := func(field string, given bool, want func() any, is any) {
		if given {
			out = append(out, wish{field: field, want: want(), is: is})
		}
	}
	add("severity", u.Severity != nil, func() any { return *u.Severity }, a.Severity)
	add("assignedTo", u.AssignedTo != nil, func() any { return *u.AssignedTo }, a.AssignedTo)
	add("classification", u.Classification != nil, func() any { return *u.Classification }, a.Classification)
	add("determination", u.Determination != nil, func() any { return *u.Determination }, a.Determination)
	add("status", u.Status != nil, func() any { return *u.Status }, a.Status)
	add("customDetails", u.CustomDetails != nil, func() any { return *u.CustomDetails }, a.CustomDetails)
	return out
}

// maxBehind is how many lines of the record a late update is compared with.
const maxBehind = 1000

// disputed are the properties that an update sets and somebody changed since
// the version that the caller saw. Changes of others disturb nobody.
func disputed(tx *store.Tx, noun, id string, since, now int64, ws []wish) ([]FieldConflict, error) {
	lines, err := tx.ChangesSince(noun, id, since, maxBehind)
	if err != nil {
		return nil, err
	}
	touched := map[string]*FieldConflict{}
	for i := range lines {
		l := &lines[i]
		for _, f := range fieldsOf(l) {
			c := touched[f.name]
			if c == nil {
				c = &FieldConflict{Field: f.name, Base: f.before}
				touched[f.name] = c
			}
			c.By, c.At = l.Actor, l.At
		}
	}
	var out []FieldConflict
	for _, w := range ws {
		c := touched[w.field]
		// An incident assigns and resolves its alerts without a line for each.
		silent := noun == "alert" && now-since > int64(len(lines)) && (w.field == "status" || w.field == "assignedTo")
		late := len(lines) >= maxBehind
		if c == nil && !silent && !late || reflect.DeepEqual(w.want, w.is) {
			continue
		}
		if c != nil && w.followsAlert && c.By.Kind == tocsin.ActorEngine {
			continue
		}
		if c == nil {
			c = &FieldConflict{Field: w.field, Base: json.RawMessage("null")}
		}
		if c.Mine, err = json.Marshal(w.want); err != nil {
			return nil, err
		}
		if c.Theirs, err = json.Marshal(w.is); err != nil {
			return nil, err
		}
		out = append(out, *c)
	}
	return out, nil
}

type changedField struct {
	name   string
	before json.RawMessage
}

// unlisted are the kinds of lines whose properties are not the incident's own.
var unlisted = []string{"alertCorrelated", "alertRepeated", "alertUpdated", "created", "commented",
	"taskAdded", "taskChanged", "taskClosed", "taskDeleted"}

// fieldsOf are the properties that a line says were changed.
func fieldsOf(l *tocsin.Change) (out []changedField) {
	if slices.Contains(unlisted, l.Kind) {
		return nil
	}
	var before, after map[string]json.RawMessage
	_ = json.Unmarshal(l.Before, &before) // a line without has none
	if l.Kind == "customDetailsChanged" {
		return []changedField{{"customDetails", l.Before}}
	}
	if json.Unmarshal(l.After, &after) != nil {
		return nil
	}
	for name := range after {
		b := before[name]
		if b == nil {
			b = json.RawMessage("null")
		}
		out = append(out, changedField{name, b})
	}
	return out
}

// mayUpdate is nil when an update of an incident that was made for another
// version does no harm to what happened since.
func mayUpdate(tx *store.Tx, inc *tocsin.Incident, u *IncidentUpdate) error {
	if u.IfVersion == 0 || u.IfVersion == inc.Version {
		return nil
	}
	c := &Conflict{Incident: inc, Err: tocsin.Errorf(tocsin.CodeConflict,
		"incident %d has changed meanwhile: it is at version %d, not %d", inc.ID, inc.Version, u.IfVersion)}
	if u.IfVersion > inc.Version {
		return c
	}
	var err error
	if c.Fields, err = disputed(tx, "incident", strconv.FormatInt(inc.ID, 10), u.IfVersion, inc.Version, wishes(u, inc)); err != nil || len(c.Fields) == 0 {
		return err
	}
	return c
}

// mayUpdateAlert is the same of an alert.
func mayUpdateAlert(tx *store.Tx, a *tocsin.Alert, u *AlertUpdate) error {
	if u.IfVersion == 0 || u.IfVersion == a.Version {
		return nil
	}
	c := &Conflict{Alert: a, Err: tocsin.Errorf(tocsin.CodeConflict, "alert %s has changed meanwhile: it is at version %d, not %d", a.ID, a.Version, u.IfVersion)}
	if u.IfVersion > a.Version {
		return c
	}
	var err error
	if c.Fields, err = disputed(tx, "alert", a.ID, u.IfVersion, a.Version, alertWishes(u, a)); err != nil || len(c.Fields) == 0 {
		return err
	}
	return c
}

// takenOver are the properties that a merge changed in its target, as a line of
// the record has them.
func takenOver(before, after *tocsin.Incident) (was, is []any) {
	add := func(name string, b, a any) {
		if !reflect.DeepEqual(b, a) {
			was, is = append(was, name, b), append(is, name, a)
		}
	}
	add("assignedTo", before.AssignedTo, after.AssignedTo)
	add("classification", before.Classification, after.Classification)
	add("determination", before.Determination, after.Determination)
	add("status", before.Status, after.Status)
	add("severity", before.Severity, after.Severity)
	add("customTags", orEmpty(before.CustomTags), orEmpty(after.CustomTags))
	add("description", before.Description, after.Description)
	add("summary", before.Summary, after.Summary)
	return was, is
}
