package correlate

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/tocsinhq/tocsin"
)

// policyFile is a policy as people write it: what is left out stays as it is
// by default.
type policyFile struct {
	Join        *float64              `json:"join,omitempty"`
	Merge       *float64              `json:"merge,omitempty"`
	WindowHours *float64              `json:"windowHours,omitempty"`
	MaxAlerts   *int                  `json:"maxAlerts,omitempty"`
	MaxEntities *int                  `json:"maxEntities,omitempty"`
	GroupsApart *bool                 `json:"keepDeviceGroupsApart,omitempty"`
	Weights     map[Signal]weightFile `json:"weights,omitempty"`
}

type weightFile struct {
	Full        *float64 `json:"full,omitempty"`
	HalfMinutes *float64 `json:"halfMinutes,omitempty"`
	Rarity      *float64 `json:"rarity,omitempty"`
}

// MaxPolicyBytes is the longest text that ParsePolicy takes.
const MaxPolicyBytes = 64 << 10

// ParsePolicy reads a policy from JSON: {"join": 1, "merge": 1.3, "windowHours":
// 168, "maxAlerts": 500, "maxEntities": 1000, "keepDeviceGroupsApart": false, "weights": {"sameUser": {"full":
// 0.8, "halfMinutes": 480, "rarity": 3}}}. What is left out is as in
// DefaultPolicy. An unknown name, or a figure out of its range, is an Error of
// CodeInvalid that names it.
func ParsePolicy(text []byte) (Policy, error) {
	p := DefaultPolicy()
	if len(text) > MaxPolicyBytes {
		return p, tocsin.Errorf(tocsin.CodeLimit, "a policy takes at most %d bytes", MaxPolicyBytes)
	}
	var in policyFile
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return p, tocsin.Errorf(tocsin.CodeInvalid, "this is no policy: %w", err)
	}
	if dec.More() {
		return p, tocsin.Errorf(tocsin.CodeInvalid, "this is no policy: there is more after it")
	}
	set := func(to *float64, from *float64) {
		if from != nil {
			*to = *from
		}
	}
	set(&p.Join, in.Join)
	set(&p.Merge, in.Merge)
	if in.WindowHours != nil {
		p.Window = time.Duration(math.Min(*in.WindowHours, 1e6) * float64(time.Hour))
	}
	if in.MaxAlerts != nil {
		p.MaxAlerts = *in.MaxAlerts
	}
	if in.MaxEntities != nil {
		p.MaxEntities = *in.MaxEntities
	}
	if in.GroupsApart != nil {
		p.GroupsApart = *in.GroupsApart
	}
	for _, sig := range slices.Sorted(maps.Keys(in.Weights)) {
		w, ok := p.Weights[sig]
		if !ok {
			return p, tocsin.Errorf(tocsin.CodeInvalid, "weights: there is no signal %q", sig)
		}
		f := in.Weights[sig]
		set(&w.Full, f.Full)
		set(&w.Rarity, f.Rarity)
		if f.HalfMinutes != nil {
			w.Half = time.Duration(math.Min(*f.HalfMinutes, 1e7) * float64(time.Minute))
		}
		p.Weights[sig] = w
	}
	return p, p.Check()
}

// Check reports the first figure that makes no sense, as an Error of CodeInvalid.
func (p *Policy) Check() error {
	bad := func(name string, v, from, to float64) error {
		if v >= from && v <= to {
			return nil
		}
		return tocsin.Errorf(tocsin.CodeInvalid, "%s is %g and must be between %g and %g", name, v, from, to)
	}
	checks := []error{bad("join", p.Join, 0.1, 10), bad("merge", p.Merge, p.Join, 20), bad("windowHours", p.Window.Hours(), 1, 90*24),
		bad("maxAlerts", float64(p.MaxAlerts), 1, 100_000), bad("maxEntities", float64(p.MaxEntities), 1, 100_000)}
	for _, sig := range slices.Sorted(maps.Keys(p.Weights)) {
		w := p.Weights[sig]
		checks = append(checks, bad("weights."+string(sig)+".full", w.Full, 0, 5), bad("weights."+string(sig)+".halfMinutes", w.Half.Minutes(), 0, 90*24*60),
			bad("weights."+string(sig)+".rarity", w.Rarity, 0, 10_000))
	}
	for _, err := range checks {
		if err != nil {
			return err
		}
	}
	return nil
}

// File is the policy as ParsePolicy reads it.
func (p Policy) File() json.RawMessage {
	hours := p.Window.Hours()
	out := policyFile{Join: &p.Join, Merge: &p.Merge, WindowHours: &hours, MaxAlerts: &p.MaxAlerts, MaxEntities: &p.MaxEntities, GroupsApart: &p.GroupsApart, Weights: map[Signal]weightFile{}}
	for sig, w := range p.Weights {
		half := w.Half.Minutes()
		out.Weights[sig] = weightFile{&w.Full, &half, &w.Rarity}
	}
	raw, err := json.Marshal(out)
	if err != nil {
		panic(err) // plain numbers only, which Check has seen
	}
	return raw
}
