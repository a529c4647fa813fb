package tocsin

import "time"

// RearrangeKind is how alerts changed their incident.
type RearrangeKind string

const (
	RearrangeMerge RearrangeKind = "merge" // all of one incident went into another
	RearrangeMove  RearrangeKind = "move"  // some alerts went into another incident
	RearrangeSplit RearrangeKind = "split" // some alerts became an incident of their own, because links were cut
)

// MergeReasons are the reasons that a person can give for merging incidents, as
// Defender lists them.
var MergeReasons = []string{"sameThreatSource", "similarTechniques", "sameActor", "sameCampaign", "sharedIndicators", "sameAsset",
	"networkProximity", "eventSequence", "temporalProximity", "lateralMovement"}

// MaxMerged is how many incidents one merge takes, MaxMoved how many alerts one
// move, MaxSplit how many an incident may have that is split, MaxCut how many
// of the links that a split cut are kept with it.
const (
	MaxMerged = 5
	MaxMoved  = 1000
	MaxSplit  = 10_000
	MaxCut    = 50
)

// Rearrangement is one merge of an incident into another, or one move of alerts:
// what it did, in enough detail to undo it.
type Rearrangement struct {
	ID     int64         `json:"id"`
	At     time.Time     `json:"at"`
	Kind   RearrangeKind `json:"kind"`
	Actor  Actor         `json:"actor"`
	From   int64         `json:"from"` // the incident that gave
	To     int64         `json:"to"`   // the incident that took
	Undone time.Time     `json:"undone,omitzero"`

	Why     string       `json:"why,omitempty"`
	Reasons []string     `json:"reasons,omitempty"` // of MergeReasons
	Created bool         `json:"created,omitempty"` // To was made for it
	Emptied bool         `json:"emptied,omitempty"` // From had no alert left
	Alerts  []MovedAlert `json:"alerts,omitempty"`
	// Cut is the link that a person cut to split an incident, AlsoCut those that
	// had to be cut with it, at most MaxCut, the strongest first: what
	// correlation can learn from.
	Cut     *CutLink  `json:"cut,omitempty"`
	AlsoCut []CutLink `json:"alsoCut,omitempty"`
	// What the mover of alerts said about why they had been together.
	WrongReasons []CorrelationReason `json:"wrongReasons,omitempty"`
	Irrelevant   []LinkedThing       `json:"irrelevant,omitempty"`
	// Comments are the numbers of the comments on the incident that went along.
	Comments []int64 `json:"comments,omitempty"`
	// Tasks are the numbers of the tasks that went along.
	Tasks []int64 `json:"tasks,omitempty"`
	// The two incidents before, and To after, without alerts and comments.
	FromBefore *Incident `json:"fromBefore,omitempty"`
	ToBefore   *Incident `json:"toBefore,omitempty"`
	ToAfter    *Incident `json:"toAfter,omitempty"`
}

// MovedAlert is an alert that changed its incident, and whose it was before.
type MovedAlert struct {
	ID         string `json:"id"`
	AssignedTo string `json:"assignedTo,omitempty"`
}

// CutLink is a link between two alerts that a person said is none.
type CutLink struct {
	// Signal is the kind of evidence that weighed most, in correlation's words;
	// "" for a link of before it was kept.
	Signal string `json:"signal,omitempty"`
	// Key and Name are of the entity that it rests on; "" when it rests on none.
	Key       string  `json:"key,omitempty"`
	Name      string  `json:"entity,omitempty"`
	FromAlert string  `json:"fromAlertId"`
	ToAlert   string  `json:"toAlertId"`
	Weight    float64 `json:"weight,omitempty"`
}
