package tocsin

import (
	"fmt"
	"strings"
	"time"
)

// RecordCategory is what sort of thing a line of the record is about.
type RecordCategory string

const (
	CategoryManagement  RecordCategory = "management"  // what is decided about an incident or alert: status, owner, tags, ...
	CategoryComment     RecordCategory = "comment"     // comments
	CategoryCorrelation RecordCategory = "correlation" // which alerts are together: created, joined, merged, moved, parted
	CategoryAccess      RecordCategory = "access"      // accounts, tokens, signing in and out
	CategoryDetection   RecordCategory = "detection"   // rules and their tuning
	CategoryHunting     RecordCategory = "hunting"     // queries that were run or kept
	CategorySettings    RecordCategory = "settings"    // everything else that is set
)

// RecordCategories lists every category.
var RecordCategories = []RecordCategory{CategoryManagement, CategoryComment, CategoryCorrelation, CategoryAccess, CategoryDetection,
	CategoryHunting, CategorySettings}

// CaseNouns are the nouns whose lines are divided by their kind, the other
// nouns of a category stand in NounsOf.
var CaseNouns = []string{"incident", "alert"}

// CorrelationKinds are the kinds of lines of an incident or alert that say
// which alerts are together.
var CorrelationKinds = []string{"created", "alertCorrelated", "alertRepeated", "alertLinked", "merged", "unmerged", "redirected", "mergeRefused",
	"alertsMovedIn", "alertsMovedOut", "moveUndone", "parted", "split", "splitOff", "splitUndone", "unsplit", "related", "unrelated", "reopenedByAlert"}

// NounsOf are the nouns that make up a category; nil for those that divide the
// lines of CaseNouns, and for CategorySettings, which has all other nouns.
func NounsOf(c RecordCategory) []string {
	switch c {
	case CategoryAccess:
		return []string{"user", "token", "session", "audit"}
	case CategoryDetection:
		return []string{"rule", "ruleSetting", "tuningRule", "correlationExclusion", "correlationPolicy", "correlation", "exclusion"}
	case CategoryHunting:
		return []string{"hunt", "huntingQuery", "huntingFunction"}
	}
	return nil
}

// RecordStatus is how what a line tells of went.
type RecordStatus string

const (
	RecordCompleted RecordStatus = "completed"
	RecordFailed    RecordStatus = "failed"   // was tried and refused
	RecordReverted  RecordStatus = "reverted" // took something earlier back
)

// RecordStatuses lists every status.
var RecordStatuses = []RecordStatus{RecordCompleted, RecordFailed, RecordReverted}

// Endings of kinds, and kinds, that tell a status; all others are completed.
var (
	FailedEndings   = []string{"Failed", "Refused"}
	RevertedEndings = []string{"Undone"}
	RevertedKinds   = []string{"unmerged", "unsplit", "unrelated"}
)

// The triggers of a line: the portal by itself, or a person or program.
const (
	TriggerAutomatic = "automatic"
	TriggerManual    = "manual"
)

// Category is what sort of thing the line is about.
func (c *Change) Category() RecordCategory {
	if has(CaseNouns, c.Noun) {
		switch {
		case c.Kind == "commented":
			return CategoryComment
		case has(CorrelationKinds, c.Kind):
			return CategoryCorrelation
		}
		return CategoryManagement
	}
	for _, cat := range []RecordCategory{CategoryAccess, CategoryDetection, CategoryHunting} {
		if has(NounsOf(cat), c.Noun) {
			return cat
		}
	}
	return CategorySettings
}

// Status is how it went.
func (c *Change) Status() RecordStatus {
	for _, e := range FailedEndings {
		if strings.HasSuffix(c.Kind, e) {
			return RecordFailed
		}
	}
	for _, e := range RevertedEndings {
		if strings.HasSuffix(c.Kind, e) {
			return RecordReverted
		}
	}
	if has(RevertedKinds, c.Kind) {
		return RecordReverted
	}
	return RecordCompleted
}

// Trigger is TriggerManual for what people and their programs did.
func (c *Change) Trigger() string {
	if c.Actor.Kind == ActorUser || c.Actor.Kind == ActorIntegration {
		return TriggerManual
	}
	return TriggerAutomatic
}

// Provider is the part that made the line: "portal" for people, "api" for their
// programs, and otherwise the part of Tocsin or the rule by its name.
func (c *Change) Provider() string {
	switch c.Actor.Kind {
	case ActorUser:
		return "portal"
	case ActorIntegration:
		return "api"
	}
	return c.Actor.Name
}

// Target is what was changed: the alert where the line is about one.
func (c *Change) Target() (kind, id string) {
	if c.AlertID != "" {
		return "alert", c.AlertID
	}
	return c.Noun, c.ID
}

func has(in []string, s string) bool {
	for _, x := range in {
		if x == s {
			return true
		}
	}
	return false
}

// RecordQuery asks for lines of the record. Fields that are empty do not
// restrict; those that are given must all hold, and of a list one value.
type RecordQuery struct {
	Nouns, IDs  []string // of the thing that was changed
	Origins     []int64  // incidents in whose log the line was written
	Categories  []RecordCategory
	Providers   []string
	Trigger     string // TriggerAutomatic or TriggerManual
	Statuses    []RecordStatus
	Kinds       []string
	Target      string   // text in the id, the alert's id or the sentence, in any case
	TargetTypes []string // "alert" has the lines of an incident about one alert, too
	By          []string // names of actors, in any case
	From, To    time.Time
	// After and Before bound the sequence, both excluded; 0 is no bound.
	After, Before int64
	Newest        bool // newest first
	Limit         int  // 0 for the most, MaxRecordLines
}

const (
	// MaxRecordLines is how many lines one page has at most.
	MaxRecordLines = 1000
	maxRecordList  = 50
	maxRecordText  = 200
)

// Check is an error of CodeInvalid or CodeLimit that names what is wrong.
func (q *RecordQuery) Check() error {
	for name, n := range map[string]int{"origin": len(q.Origins), "category": len(q.Categories), "provider": len(q.Providers), "status": len(q.Statuses),
		"type": len(q.Kinds), "targetType": len(q.TargetTypes), "by": len(q.By)} {
		if n > maxRecordList {
			return Errorf(CodeLimit, "%s takes at most %d values", name, maxRecordList)
		}
	}
	for _, list := range [][]string{q.Providers, q.Kinds, q.TargetTypes, q.By, {q.Target}} {
		for _, s := range list {
			if len(s) > maxRecordText {
				return Errorf(CodeLimit, "a value of a filter has at most %d bytes", maxRecordText)
			}
		}
	}
	for _, c := range q.Categories {
		known := false
		for _, k := range RecordCategories {
			known = known || k == c
		}
		if !known {
			return Errorf(CodeInvalid, "there is no category %q; there are %s", c, listed(RecordCategories))
		}
	}
	for _, s := range q.Statuses {
		known := false
		for _, k := range RecordStatuses {
			known = known || k == s
		}
		if !known {
			return Errorf(CodeInvalid, "there is no status %q; there are %s", s, listed(RecordStatuses))
		}
	}
	if q.Trigger != "" && q.Trigger != TriggerAutomatic && q.Trigger != TriggerManual {
		return Errorf(CodeInvalid, "trigger is %s or %s", TriggerAutomatic, TriggerManual)
	}
	if !q.From.IsZero() && !q.To.IsZero() && q.To.Before(q.From) {
		return Errorf(CodeInvalid, "the time range ends before it begins")
	}
	return nil
}

// IsZero reports whether the query asks for every line.
func (q *RecordQuery) IsZero() bool {
	return len(q.Nouns)+len(q.IDs)+len(q.Origins)+len(q.Categories)+len(q.Providers)+len(q.Statuses)+len(q.Kinds)+len(q.TargetTypes)+len(q.By) == 0 &&
		q.Trigger == "" && q.Target == "" && q.From.IsZero() && q.To.IsZero() && q.After == 0 && q.Before == 0
}

func listed[T ~string](in []T) string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = string(s)
	}
	return strings.Join(out, ", ")
}

// FaultKind is what is wrong with a line of the record.
type FaultKind string

const (
	FaultHash  FaultKind = "hash"  // the line is not what was written
	FaultPrev  FaultKind = "prev"  // the line does not follow from the one before it
	FaultGap   FaultKind = "gap"   // lines before it are missing
	FaultOrder FaultKind = "order" // the line stands twice, or before an older one
	FaultHead  FaultKind = "head"  // another line was published with this number
	FaultTail  FaultKind = "tail"  // the record ends before a line that was published
)

// Fault is the first line of a record that is not sound. Line is nil when the
// line itself is missing.
type Fault struct {
	Seq  int64
	Kind FaultKind
	Line *Change
}

// String says it in one sentence.
func (f *Fault) String() string {
	s := map[FaultKind]string{
		FaultHash:  "line %d is not what was written: its hash does not fit its content",
		FaultPrev:  "line %d does not follow from the line before it: one of the two was replaced",
		FaultGap:   "lines are missing before line %d",
		FaultOrder: "line %d stands out of order",
		FaultHead:  "line %d is not the one that was published as head: the record was written anew",
		FaultTail:  "line %d, published as head, is missing: the end of the record was cut off",
	}[f.Kind]
	s = fmt.Sprintf(s, f.Seq)
	if f.Line != nil {
		s += fmt.Sprintf(" (%s, %s %s: %s)", f.Line.At.UTC().Format(time.RFC3339), f.Line.Noun, f.Line.ID, f.Line.Summary)
	}
	return s
}

// Mark is one known point of the record, noted down outside of it.
type Mark struct {
	Seq  int64
	Hash string
}

// Chain checks lines of the record one after the other. The zero value expects
// the record from its first line on.
type Chain struct {
	// Lines is how many were sound, Seq and Hash are of the last of them.
	Lines int64
	Seq   int64
	Hash  string
	// Tenant, when set, is whose lines these are: lines of others are left out
	// between them, so that numbers may be missing.
	Tenant string
	// Backwards is how many lines are older than the one before them: the
	// clock was set back. It is no damage.
	Backwards int64

	marks map[int64]string
	last  time.Time
}

// Expect has the chain hold these points, too.
func (c *Chain) Expect(marks ...Mark) {
	if c.marks == nil {
		c.marks = map[int64]string{}
	}
	for _, m := range marks {
		c.marks[m.Seq] = m.Hash
	}
}

// Add takes the next line; a Fault when it is not sound.
func (c *Chain) Add(l *Change) *Fault {
	bad := func(k FaultKind) *Fault { line := *l; return &Fault{Seq: l.Seq, Kind: k, Line: &line} }
	next := l.Seq == c.Seq+1
	switch {
	case l.Seq <= c.Seq:
		return bad(FaultOrder)
	case !next && c.Tenant == "":
		return bad(FaultGap)
	case l.Hash != l.ComputeHash():
		return bad(FaultHash)
	case next && l.Prev != c.Hash, c.Tenant != "" && l.Tenant != c.Tenant:
		return bad(FaultPrev)
	}
	if hash, known := c.marks[l.Seq]; known {
		if hash != l.Hash {
			return bad(FaultHead)
		}
		delete(c.marks, l.Seq)
	}
	if l.At.Before(c.last) {
		c.Backwards++
	}
	c.Lines, c.Seq, c.Hash, c.last = c.Lines+1, l.Seq, l.Hash, l.At
	return nil
}

// End is called after the last line; a Fault when an expected point did not
// come.
func (c *Chain) End() *Fault {
	var first int64
	for seq := range c.marks {
		if c.Tenant != "" && seq <= c.Seq {
			continue // a line of another tenant, perhaps
		}
		if first == 0 || seq < first {
			first = seq
		}
	}
	if first == 0 {
		return nil
	}
	return &Fault{Seq: first, Kind: FaultTail}
}
