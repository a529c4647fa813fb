package tocsin

import (
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Device is a host that alerts have spoken of.
type Device struct {
	ID     int64  `json:"id"`
	Name   string `json:"name"`             // the fullest name that is known
	Domain string `json:"domain,omitempty"` // what follows the first label of a full name
	// OSPlatform is as the source spells it: "Windows11", "Linux".
	OSPlatform string    `json:"osPlatform,omitempty"`
	Tags       []string  `json:"tags,omitempty"`
	Group      int64     `json:"group"` // UngroupedDevices when no rule matches
	FirstSeen  time.Time `json:"firstSeen"`
	LastSeen   time.Time `json:"lastSeen"`
}

// UngroupedDevices is the group of the devices that no rule matches. It has no
// row of its own and cannot be changed.
const (
	UngroupedDevices     int64 = 0
	UngroupedDevicesName       = "Ungrouped devices"
)

// RemediationLevel is how far automation may go on the devices of a group.
type RemediationLevel string

const (
	RemediationFull         RemediationLevel = "full"         // remediate automatically
	RemediationSemiAll      RemediationLevel = "semiAll"      // approval for every folder
	RemediationSemiCore     RemediationLevel = "semiCore"     // approval for the folders of the operating system
	RemediationSemiNonTemp  RemediationLevel = "semiNonTemp"  // approval for all but temporary folders
	RemediationNoAutomation RemediationLevel = "noAutomation" // no automated response
)

// RemediationLevels lists every level, the furthest going first.
var RemediationLevels = []RemediationLevel{RemediationFull, RemediationSemiAll, RemediationSemiCore, RemediationSemiNonTemp, RemediationNoAutomation}

// DeviceField is what a condition of a device group looks at.
type DeviceField string

const (
	DeviceFieldName   DeviceField = "name"
	DeviceFieldDomain DeviceField = "domain"
	DeviceFieldOS     DeviceField = "osPlatform"
	DeviceFieldTag    DeviceField = "tag"
)

// DeviceFields lists every field.
var DeviceFields = []DeviceField{DeviceFieldName, DeviceFieldDomain, DeviceFieldOS, DeviceFieldTag}

// DeviceOperator is how a condition compares.
type DeviceOperator string

const (
	DeviceEquals     DeviceOperator = "equals"
	DeviceStartsWith DeviceOperator = "startsWith"
	DeviceEndsWith   DeviceOperator = "endsWith"
	DeviceContains   DeviceOperator = "contains"
)

// DeviceOperators lists every operator.
var DeviceOperators = []DeviceOperator{DeviceEquals, DeviceStartsWith, DeviceEndsWith, DeviceContains}

// DeviceCondition is one test of a device, ignoring case. A device without the
// property does not pass it; of tags one is enough.
type DeviceCondition struct {
	Field    DeviceField    `json:"field"`
	Operator DeviceOperator `json:"operator"`
	Value    string         `json:"value"`
}

// DeviceRule puts devices into a group: all of its conditions must hold, or
// with Any one of them.
type DeviceRule struct {
	Any        bool              `json:"any"`
	Conditions []DeviceCondition `json:"conditions"`
}

// DeviceGroup is a named set of devices, chosen by rule. The groups of a tenant
// have an order: a device belongs to the first whose rule it matches.
type DeviceGroup struct {
	ID          int64            `json:"id"`
	Rank        int              `json:"rank"` // from 1, the first to be asked
	Name        string           `json:"name"`
	Description string           `json:"description,omitempty"`
	Rule        DeviceRule       `json:"rule"`
	Level       RemediationLevel `json:"remediationLevel"`
	Updated     time.Time        `json:"updated"`
	Devices     int64            `json:"devices"` // how many belong to it; counted when read
}

// Limits of device groups.
const (
	MaxDeviceGroups     = 500
	MaxDeviceConditions = 50
	maxGroupNameRunes   = 100
	maxConditionRunes   = 256
)

// Normalize trims texts and fills in the default level.
func (g *DeviceGroup) Normalize() {
	g.Name, g.Description = strings.Join(strings.Fields(g.Name), " "), strings.TrimSpace(g.Description)
	if g.Level == "" {
		g.Level = RemediationFull
	}
	for i := range g.Rule.Conditions {
		g.Rule.Conditions[i].Value = strings.TrimSpace(g.Rule.Conditions[i].Value)
	}
}

// Validate reports what makes the group unusable, as an Error of CodeInvalid or
// CodeLimit.
func (g *DeviceGroup) Validate() error {
	switch {
	case g.Name == "":
		return Errorf(CodeInvalid, "a device group needs a name")
	case utf8.RuneCountInString(g.Name) > maxGroupNameRunes:
		return Errorf(CodeLimit, "the name of a device group takes at most %d characters", maxGroupNameRunes)
	case strings.EqualFold(g.Name, UngroupedDevicesName):
		return Errorf(CodeInvalid, "%q is the name of what no group takes", UngroupedDevicesName)
	case utf8.RuneCountInString(g.Description) > MaxCommentRunes:
		return Errorf(CodeLimit, "a description takes at most %d characters", MaxCommentRunes)
	case !slices.Contains(RemediationLevels, g.Level):
		return Errorf(CodeInvalid, "unknown remediation level %q", g.Level)
	}
	return g.Rule.Validate()
}

// Validate reports what makes the rule unusable, as an Error of CodeInvalid or
// CodeLimit.
func (r *DeviceRule) Validate() error {
	if len(r.Conditions) == 0 {
		return Errorf(CodeInvalid, "the rule of a device group needs a condition")
	}
	if len(r.Conditions) > MaxDeviceConditions {
		return Errorf(CodeLimit, "the rule of a device group takes at most %d conditions", MaxDeviceConditions)
	}
	for _, c := range r.Conditions {
		switch {
		case !slices.Contains(DeviceFields, c.Field):
			return Errorf(CodeInvalid, "unknown property %q of a device", c.Field)
		case !slices.Contains(DeviceOperators, c.Operator):
			return Errorf(CodeInvalid, "unknown comparison %q", c.Operator)
		case c.Value == "":
			return Errorf(CodeInvalid, "a condition needs a value")
		case utf8.RuneCountInString(c.Value) > maxConditionRunes:
			return Errorf(CodeLimit, "the value of a condition takes at most %d characters", maxConditionRunes)
		}
	}
	return nil
}

// Matches reports whether the rule takes the device.
func (r *DeviceRule) Matches(d *Device) bool {
	for _, c := range r.Conditions {
		if c.matches(d) == r.Any {
			return r.Any
		}
	}
	return !r.Any && len(r.Conditions) > 0
}

func (c *DeviceCondition) matches(d *Device) bool {
	switch c.Field {
	case DeviceFieldName:
		// A full name also answers to its short form.
		return c.compare(d.Name) || c.Operator != DeviceContains && c.compare(ShortHost(d.Name))
	case DeviceFieldDomain:
		return c.compare(d.Domain)
	case DeviceFieldOS:
		return c.compare(d.OSPlatform)
	case DeviceFieldTag:
		return slices.ContainsFunc(d.Tags, c.compare)
	}
	return false
}

func (c *DeviceCondition) compare(have string) bool {
	if have == "" {
		return false
	}
	have, want := strings.ToLower(have), strings.ToLower(c.Value)
	switch c.Operator {
	case DeviceEquals:
		return have == want
	case DeviceStartsWith:
		return strings.HasPrefix(have, want)
	case DeviceEndsWith:
		return strings.HasSuffix(have, want)
	case DeviceContains:
		return strings.Contains(have, want)
	}
	return false
}

// GroupOf is the group of a device: the first of the groups, in their order,
// whose rule takes it.
func GroupOf(groups []DeviceGroup, d *Device) int64 {
	for i := range groups {
		if groups[i].Rule.Matches(d) {
			return groups[i].ID
		}
	}
	return UngroupedDevices
}

// Seen is one device as an alert speaks of it: the keys that name it, and what
// the alert says of it.
type Seen struct {
	Keys   []string // as EntityKey.ID of DeviceKeys; at least one
	Device Device   // Name, Domain, OSPlatform, Tags
}

// HostKeys are the keys of the devices that the evidence is, or hangs on: none
// for an address, a person or a mail.
func (e *Evidence) HostKeys() (keys []string) {
	var ks []EntityKey
	if e.Entity() == EntityDevice {
		ks = e.Keys()
	} else {
		ks = DeviceKeys(e.Device, e.Str("mdeDeviceId"))
		if e.Type == EvHostSession {
			ks = append(ks, DeviceKeys(e.Str("host.deviceDnsName"), e.Str("host.mdeDeviceId"))...)
		}
	}
	for _, k := range ks {
		keys = append(keys, k.ID)
	}
	return keys
}

// Devices are the devices that the alert speaks of, each once.
func (a *Alert) Devices() (out []Seen) {
	for i := range a.Evidence {
		e := &a.Evidence[i]
		keys := e.HostKeys()
		if len(keys) == 0 {
			continue
		}
		d := e.hostFacts()
		at := slices.IndexFunc(out, func(s Seen) bool {
			return slices.ContainsFunc(s.Keys, func(k string) bool { return slices.Contains(keys, k) })
		})
		if at < 0 {
			out = append(out, Seen{Keys: keys, Device: d})
			continue
		}
		s := &out[at]
		for _, k := range keys {
			if !slices.Contains(s.Keys, k) {
				s.Keys = append(s.Keys, k)
			}
		}
		s.Device.Learn(&d)
	}
	return out
}

func (e *Evidence) hostFacts() Device {
	name := e.Device
	var d Device
	if e.Entity() == EntityDevice {
		if name = e.Str("deviceDnsName"); name == "" {
			name = e.Str("hostName")
		}
		d.OSPlatform, d.Domain = clean(e.Str("osPlatform")), strings.ToLower(clean(e.Str("ntDomain")))
		d.Tags = e.Tags
	}
	if name == "" {
		name = e.Str("mdeDeviceId")
	}
	d.Name = strings.TrimSuffix(clean(name), ".")
	if _, err := netip.ParseAddr(d.Name); err != nil {
		if _, domain, ok := strings.Cut(d.Name, "."); ok {
			d.Domain = strings.ToLower(domain)
		}
	}
	return d
}

// Learn takes in what another mention of the device says of it, and reports
// whether anything is new.
func (d *Device) Learn(more *Device) (changed bool) {
	if more.Name != "" && (d.Name == "" || !strings.EqualFold(more.Name, d.Name) && betterName(more.Name, d.Name)) {
		d.Name, changed = more.Name, true
	}
	if more.Domain != "" && more.Domain != d.Domain && (d.Domain == "" || strings.Count(more.Domain, ".") > strings.Count(d.Domain, ".")) {
		d.Domain, changed = more.Domain, true
	}
	if more.OSPlatform != "" && more.OSPlatform != d.OSPlatform {
		d.OSPlatform, changed = more.OSPlatform, true
	}
	for _, t := range more.Tags {
		if len(d.Tags) < MaxTags && t != "" && !slices.Contains(d.Tags, t) {
			d.Tags, changed = append(slices.Clip(d.Tags), t), true
		}
	}
	return changed
}
