package tocsin

import "time"

const (
	// MaxRelated is how many incidents one incident can be related to.
	MaxRelated = 50
	// MaxRelatedRunes is how long the reason of people can be.
	MaxRelatedRunes = 2000
)

// RelatedBasis is what a relation of two incidents rests on.
type RelatedBasis string

const (
	RelatedByPeople  RelatedBasis = "people"    // somebody said so
	RelatedForbidden RelatedBasis = "forbidden" // the evidence asks for a merge or for joining, and something forbids it
	RelatedWeak      RelatedBasis = "weak"      // the evidence is too weak to join them
)

// Related is an incident that has to do with another one and stays apart.
type Related struct {
	IncidentID int64        `json:"-"`
	Basis      RelatedBasis `json:"basis"`
	// Reason is in English: what people wrote, or why correlation did not join.
	Reason string    `json:"reason"`
	By     Actor     `json:"by"`
	At     time.Time `json:"at"`
	// Sentence, Weight and AlertID are the evidence of correlation: what is
	// shared, how much it weighs, and the alert whose coming showed it.
	Sentence string  `json:"sentence,omitempty"`
	Weight   float64 `json:"weight,omitempty"`
	AlertID  string  `json:"alertId,omitempty"`
}
