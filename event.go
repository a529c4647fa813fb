package tocsin

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Row is one row of a hunting table on its way to the lake. Values are keyed
// by column name and hold string, int64, float64, bool, time.Time (UTC), nil,
// or for dynamic columns json.RawMessage, map[string]any or []any.
type Row struct {
	Table  string
	Values map[string]any
}

// RowRef points at one stored row; an alert names through it the rows that
// prove it. (Time, DeviceID, ReportID) is Defender's own identity of a row;
// tables without a device leave DeviceID empty.
type RowRef struct {
	Table    string    `json:"table"`
	Time     time.Time `json:"timestamp"`
	DeviceID string    `json:"deviceId,omitempty"`
	ReportID string    `json:"reportId"`
}

// Field is one named value of a source event, spelled as the source spells it.
type Field struct{ Name, Value string }

// Event is one source event as it came: what Sigma rules that speak the
// source's own field names are matched on, and what the mapping made of it.
type Event struct {
	// Product, Service and Category are the Sigma log source as far as the
	// source itself tells it; detection derives the rest.
	Product, Service, Category string

	Channel, Provider string // Windows only
	EventID           int    // Windows only

	Time time.Time // UTC, after the collector's clock faults were mended
	Host string
	// Fields are flattened: nested objects as a.b.c, arrays of scalars repeat
	// the name. Order is that of appearance.
	Fields []Field
	// Rows are the hunting rows that the mapping made; empty with Unmapped set
	// to the reason when no table takes the event.
	Rows     []Row
	Unmapped string
}

// Get is the first value of the field with exactly this name.
func (e *Event) Get(name string) string {
	for i := range e.Fields {
		if e.Fields[i].Name == name {
			return e.Fields[i].Value
		}
	}
	return ""
}

// DeviceID is the stable id of a host that brings none of its own: the first
// 20 bytes, in hex, of the SHA-256 of its short name in lower case. A host has
// thus one id whether a source logs it as FQDN or by its short name. It is ""
// for an empty host.
func DeviceID(host string) string {
	h := ShortHost(host)
	if h == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(h))
	return hex.EncodeToString(sum[:20])
}
