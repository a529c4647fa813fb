// Package correlate decides, for one alert, whether it opens a new incident,
// joins an open one, or shows that two open ones are the same story.
//
// It owns the weighing of evidence and the reasons in words; Decide is a pure
// function of its arguments: no clock, no I/O, no random numbers, no state. It
// promises that equal arguments give equal decisions, that the work is bounded
// by MaxCandidates and MaxMembers, and that every join comes with links that
// name the things shared. It does not look candidates up, count how common a
// value is, or change an incident: cases does.
package correlate

import (
	"fmt"
	"slices"
	"time"

	"github.com/tocsinhq/tocsin"
)

// Known counts what earlier alerts of the tenant carried a key: how many
// alerts, and by how many distinct rules, devices and users.
type Known struct {
	Alerts  int `json:"alerts"`
	Rules   int `json:"rules"`
	Devices int `json:"devices"`
	Users   int `json:"users"`
}

// Prevalence is how common the keys of one alert are among the earlier alerts
// of its tenant. A key that is missing from Keys is new.
type Prevalence struct {
	Total Known                      `json:"total"`
	Keys  map[tocsin.EntityKey]Known `json:"-"`
	// Doubted counts how often people have lately cut incidents apart on a key:
	// it weighs the less for it.
	Doubted map[tocsin.EntityKey]int `json:"-"`
}

const (
	// MaxCandidates is how many open incidents Decide looks at; the newest stay.
	MaxCandidates = 50
	// MaxMembers is how many alerts of one candidate Decide compares with.
	MaxMembers = 40
	// MaxLookupKeys is how many keys LookupKeys returns.
	MaxLookupKeys = 64
)

// Candidate is an open incident that shares a lookup key with the alert. Hand
// candidates over with the last changed first: Decide looks at MaxCandidates.
type Candidate struct {
	IncidentID     int64
	AssignedTo     string
	Classification tocsin.Classification
	Determination  tocsin.Determination
	Created        time.Time
	AlertCount     int
	// Apart are incidents that a person parted from this one.
	Apart []int64
	// Groups are the device groups of the incident's devices, when the policy
	// keeps device groups apart; else nobody looks at them.
	Groups []int64
	// Members are those alerts of the incident that share a lookup key, newest
	// first, at most MaxMembers.
	Members []Facts
}

// Kind of a decision.
type Kind string

const (
	Open   Kind = "open"   // no incident fits: a new one
	Attach Kind = "attach" // join IncidentID
	Merge  Kind = "merge"  // join IncidentID, and From move into it
)

// Decision is what to do with the alert, and why.
type Decision struct {
	Kind       Kind
	IncidentID int64   // of the target; 0 for Open
	From       []int64 // merged into the target, ascending; Merge only
	Links      []tocsin.Link
	Why        string // one English sentence or two
	// Near are the candidates that the alert does not come into although what
	// ties it to them weighs at least half of Policy.Join, strongest first, at most
	// MaxNear.
	Near []Near
	// Refused are incidents that the alert ties to IncidentID and that were not
	// merged all the same.
	Refused []Refusal
}

// MaxNear is how many candidates Decision.Near names.
const MaxNear = 3

// Near is an incident that has to do with an alert and that it does not join.
type Near struct {
	IncidentID int64
	Weight     float64
	Forbidden  bool // the evidence is enough, and something forbids it
	f          *Facts
	p          *Policy
	best       pair
	refused    string
}

// Say gives the reason in English why they are not joined, and the strongest
// link between them. Making words takes longer than weighing, and most are never
// read.
func (n *Near) Say() (reason string, link tocsin.Link) {
	link = n.best.link(n.f)
	switch {
	case n.refused != "":
		return "not merged: " + n.refused, link
	case n.Forbidden:
		return fmt.Sprintf("it has %d alerts or more, and takes more only on evidence of process, mail, link or application", n.p.MaxAlerts), link
	case n.Weight >= n.p.Join:
		return "the evidence is enough to join an alert and too little to merge two incidents", link
	}
	return fmt.Sprintf("the evidence is too weak to join, %.0f %% of what is needed", min(99, 100*n.Weight/n.p.Join)), link
}

// Refusal is a merge that the evidence asks for and something else forbids.
type Refusal struct {
	IncidentID int64
	Reason     string // in English: "they differ in assigned to"
}

// TooMany notes that an incident is not merged for the entities they would have.
func (d *Decision) TooMany(incident int64, entities, most int) {
	d.Refused = append(d.Refused, Refusal{IncidentID: incident, Reason: fmt.Sprintf("together they would have %d entities, more than %d", entities, most)})
}

// Narrow leaves these of the merged incidents; without any the alert only joins.
func (d *Decision) Narrow(from []int64) {
	if d.From = from; len(from) == 0 {
		d.Kind, d.Links = Attach, d.Links[:1] // the target's come first
		d.Why = d.Links[0].Sentence
	}
}

// Exclude is a copy of the facts in which the things that match carries are
// common: they stay for the reader and link nothing.
func (f Facts) Exclude(match func(tocsin.EntityKey) bool) Facts {
	things := slices.Clone(f.Things)
	for i := range things {
		things[i].Common = things[i].Common || slices.ContainsFunc(things[i].Keys, match)
	}
	f.Things = things
	return f
}
