package tocsin

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"time"
)

// ActorKind says what sort of actor made a change.
type ActorKind string

const (
	ActorUser        ActorKind = "user"
	ActorEngine      ActorKind = "engine" // correlation, automatic names, counters
	ActorRule        ActorKind = "rule"
	ActorIntegration ActorKind = "integration" // an API client without a person
)

// Actor is who made a change.
type Actor struct {
	Kind ActorKind `json:"kind"`
	Name string    `json:"name"`
}

// Change is one append-only line: audit log, activity log, screen feed and
// webhook source at once. Seq rises without gaps per database; Hash chains
// each line to the one before, so an edited or removed line is found by
// recomputing the chain, and a cut tail by comparing with a published head.
type Change struct {
	Seq     int64           `json:"seq"`
	Tenant  string          `json:"tenant"`
	At      time.Time       `json:"at"`
	Actor   Actor           `json:"actor"`
	Noun    string          `json:"noun"`    // "incident", "alert", "user", "token", "rule", "session", ...
	ID      string          `json:"id"`      // of the noun
	Version int64           `json:"version"` // of the noun after the change, 0 when it has none
	Kind    string          `json:"kind"`    // "created", "alertCorrelated", "merged", "renamed", "statusChanged", "commented", ...
	Summary string          `json:"summary"` // one English sentence
	Before  json.RawMessage `json:"before,omitempty"`
	After   json.RawMessage `json:"after,omitempty"`
	// AlertID is set when the change concerns one alert of an incident.
	AlertID string `json:"alertId,omitempty"`
	Prev    string `json:"prev"`
	Hash    string `json:"hash"`
}

// ComputeHash is the chain hash of the change: SHA-256, in hex, over Prev and
// every other field but Hash, each length-prefixed so that no two different
// lines share a serialisation. At counts in microseconds, what both databases
// keep.
func (c *Change) ComputeHash() string {
	h := sha256.New()
	var n [8]byte
	num := func(v int64) {
		binary.BigEndian.PutUint64(n[:], uint64(v))
		h.Write(n[:])
	}
	str := func(s string) {
		num(int64(len(s)))
		h.Write([]byte(s))
	}
	str(c.Prev)
	num(c.Seq)
	str(c.Tenant)
	num(c.At.UnixMicro())
	str(string(c.Actor.Kind))
	str(c.Actor.Name)
	str(c.Noun)
	str(c.ID)
	num(c.Version)
	str(c.Kind)
	str(c.Summary)
	str(string(c.Before))
	str(string(c.After))
	str(c.AlertID)
	return hex.EncodeToString(h.Sum(nil))
}
