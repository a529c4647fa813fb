package tocsin

import "time"

// RearrangeKind is how alerts changed their incident.
type RearrangeKind string

const (
	RearrangeMerge RearrangeKind = "merge" // all of one incident went into another
	RearrangeMove  RearrangeKind = "move"  // some alerts went into another incident
)

// MergeReasons are the reasons that a person can give for merging incidents, as
// Defender lists them.
var MergeReasons = []string{"sameThreatSource", "similarTechniques", "sameActor", "sameCampaign", "sharedIndicators", "sameAsset",
	"networkProximity", "eventSequence", "temporalProximity", "lateralMovement"}

// MaxMerged is how many incidents one merge takes, MaxMoved how many alerts one
// move.
const (
	MaxMerged = 5
	MaxMoved  = 1000
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
	// Comments are the numbers of the comments on the incident that went along.
	Comments []int64 `json:"comments,omitempty"`
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
