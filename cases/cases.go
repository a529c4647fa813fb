// Package cases accepts alerts and keeps incidents: opening, joining, merging,
// assigning, commenting, classifying and closing, and the queue.
//
// It owns the moves of incidents and alerts and their words in the record. It
// promises that a batch of alerts is taken in one transaction, that an alert
// delivered twice counts once, that every change is one line of the record
// with its actor and an English sentence, and that correlation never touches a
// resolved incident. It does not weigh evidence (correlate does), keep rows
// (store does) or know who may do what (the API asks tocsin.Allow).
package cases

import (
	"sync"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/correlate"
	"github.com/tocsinhq/tocsin/store"
)

// Cases is the door to incidents and alerts. Tenant and actor of every call
// come from the principal of its context.
type Cases struct {
	st      *store.Store
	policy  correlate.Policy
	tallies tallyMemory
	tuned   settingsMemory
	// turn is held by whoever takes alerts. The store lets one at a time write
	// anyhow; with turn the memory of one is in order before the next begins.
	turn   chan struct{}
	engine engineMemories
	trying sync.Mutex // held by a dry run, which takes a lot of memory
}

// New makes the door over an open store.
func New(st *store.Store, policy correlate.Policy) *Cases {
	return &Cases{st: st, policy: policy, turn: make(chan struct{}, 1), engine: engineMemories{},
		tallies: tallyMemory{m: recent[tallyKey, versionedTally]{half: 500}}}
}

// Accepted is what became of one alert of a batch.
type Accepted struct {
	AlertID    string
	IncidentID int64
	New        bool // it was not known before
	Repeat     bool // a further occurrence of a known alert
	Duplicate  bool // a delivery that was taken before: nothing was counted
	// Err is why the alert was not taken, an Error of CodeInvalid; the others
	// of the batch are not affected.
	Err error
}

// IncidentPage is one page of the queue.
type IncidentPage struct {
	Incidents []tocsin.Incident
	Total     int64 // all matches; -1 when they were not counted
	More      bool  // there is a next page
}

// AlertPage is one page of alerts.
type AlertPage struct {
	Alerts []tocsin.Alert
	Total  int64 // all matches; -1 when they were not counted
	More   bool  // there is a next page
}

// IncidentUpdate says what to change of an incident; nil stays.
type IncidentUpdate struct {
	DisplayName      *string
	Description      *string
	AssignedTo       *string // "" for nobody
	ResolvingComment *string
	Summary          *string
	Severity         *tocsin.Severity
	Status           *tocsin.IncidentStatus
	Classification   *tocsin.Classification
	Determination    *tocsin.Determination
	CustomTags       *[]string
	CustomDetails    *map[string]any
	// IfVersion is the version that the caller saw; 0: any. What others changed
	// since then is in the way only where this update would change it, too.
	IfVersion int64
}

// AlertUpdate says what to change of an alert; nil stays.
type AlertUpdate struct {
	Status         *tocsin.AlertStatus
	Classification *tocsin.Classification
	Determination  *tocsin.Determination
	AssignedTo     *string // "" for nobody
	Severity       *tocsin.Severity
	CustomDetails  *map[string]any
	IfVersion      int64 // as in IncidentUpdate
}

// HourCount is one hour of the day's chart.
type HourCount struct {
	At        time.Time // the hour's beginning, UTC
	Alerts    int       // accepted in it
	Incidents int       // opened in it
}
