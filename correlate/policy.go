package correlate

import "time"

// Policy holds the weights and windows of Decide.
type Policy struct {
	// Join is the weight of evidence from which on an alert joins an incident.
	Join float64
	// Window is the longest time between two alerts that can be linked at all.
	Window time.Duration
}

// DefaultPolicy is the documented policy.
func DefaultPolicy() Policy { return Policy{Join: 0.5, Window: 7 * 24 * time.Hour} }
