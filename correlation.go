package tocsin

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// CorrelationChoice says whether the alerts of a rule are joined by what they
// share with others.
type CorrelationChoice string

const (
	CorrelationDefault  CorrelationChoice = "default" // as the tenant has it
	CorrelationEnabled  CorrelationChoice = "enabled"
	CorrelationDisabled CorrelationChoice = "disabled"
)

// CorrelationChoices lists the choices.
var CorrelationChoices = []CorrelationChoice{CorrelationDefault, CorrelationEnabled, CorrelationDisabled}

// CorrelationMark is the choice that a description makes by beginning with
// #INC_CORR# or #DONT_CORR#, in any case; CorrelationDefault when it does not.
// Anywhere else in the text the marks mean nothing.
func CorrelationMark(description string) CorrelationChoice {
	for mark, choice := range map[string]CorrelationChoice{"#inc_corr#": CorrelationEnabled, "#dont_corr#": CorrelationDisabled} {
		if len(description) >= len(mark) && strings.EqualFold(description[:len(mark)], mark) {
			return choice
		}
	}
	return CorrelationDefault
}

// GroupingMode is what a rule that does not correlate puts into one incident.
type GroupingMode string

const (
	GroupNone     GroupingMode = "alert"    // each alert has an incident of its own
	GroupEntities GroupingMode = "entities" // alerts whose entities are all equal
	GroupRule     GroupingMode = "rule"     // all alerts of the rule
	GroupChosen   GroupingMode = "chosen"   // alerts whose chosen entities and details are equal
)

// GroupingModes lists the modes.
var GroupingModes = []GroupingMode{GroupNone, GroupEntities, GroupRule, GroupChosen}

const (
	// MinGroupMinutes and MaxGroupMinutes bound the time frame of a grouping.
	MinGroupMinutes, MaxGroupMinutes = 5, 7 * 24 * 60
	// MaxGroupedAlerts is how many alerts a grouping puts into one incident;
	// the next one begins another with the same details.
	MaxGroupedAlerts = 150
	// MaxRuleSettings is how many rules of a tenant may have settings.
	MaxRuleSettings = 5000
	// MaxExclusions is how many exclusions a tenant may have.
	MaxExclusions = 1000
)

// RuleGrouping is how alerts of a rule that does not correlate are grouped.
type RuleGrouping struct {
	Mode GroupingMode `json:"mode"`
	// Entities and Details are what GroupChosen compares: types of entities, and
	// names of custom details.
	Entities []EntityType `json:"entities,omitempty"`
	Details  []string     `json:"details,omitempty"`
	// Minutes is how long after the last alert of an incident another joins it.
	Minutes int `json:"minutes,omitempty"`
	// Reopen opens a closed incident again for an alert of its group.
	Reopen bool `json:"reopen,omitempty"`
}

// RuleCorrelation is what a tenant has set for one rule, by its detector id.
type RuleCorrelation struct {
	DetectorID  string            `json:"detectorId"`
	Correlation CorrelationChoice `json:"correlation"`
	Grouping    RuleGrouping      `json:"grouping"`
	ChangedBy   string            `json:"changedBy,omitempty"`
	Changed     time.Time         `json:"changed,omitzero"`
}

// Check fills defaults and reports what is wrong, as an Error of CodeInvalid.
func (r *RuleCorrelation) Check() error {
	r.DetectorID = strings.TrimSpace(r.DetectorID)
	if r.Correlation == "" {
		r.Correlation = CorrelationDefault
	}
	g := &r.Grouping
	if g.Mode == "" {
		g.Mode = GroupNone
	}
	if g.Minutes == 0 {
		g.Minutes = 5 * 60
	}
	switch {
	case r.DetectorID == "" || utf8.RuneCountInString(r.DetectorID) > MaxTitleRunes:
		return Errorf(CodeInvalid, "a rule needs an id of at most %d characters", MaxTitleRunes)
	case !slices.Contains(CorrelationChoices, r.Correlation):
		return Errorf(CodeInvalid, "correlation is default, enabled or disabled, not %q", r.Correlation)
	case !slices.Contains(GroupingModes, g.Mode):
		return Errorf(CodeInvalid, "a grouping is by alert, entities, rule or chosen, not %q", g.Mode)
	case g.Minutes < MinGroupMinutes || g.Minutes > MaxGroupMinutes:
		return Errorf(CodeInvalid, "a grouping takes %d minutes to %d, not %d", MinGroupMinutes, MaxGroupMinutes, g.Minutes)
	case g.Mode == GroupChosen && len(g.Entities)+len(g.Details) == 0:
		return Errorf(CodeInvalid, "choose at least one type of entity or one detail to group by")
	case g.Mode != GroupChosen && len(g.Entities)+len(g.Details) > 0:
		return Errorf(CodeInvalid, "only a grouping by what is chosen names entities and details")
	case len(g.Entities) > 20 || len(g.Details) > 20:
		return Errorf(CodeLimit, "at most 20 types of entities and 20 details can be chosen")
	}
	for _, e := range g.Entities {
		if !slices.Contains(EntityTypes, e) {
			return Errorf(CodeInvalid, "unknown type of entity %q", e)
		}
	}
	for _, d := range g.Details {
		if d == "" || utf8.RuneCountInString(d) > 200 {
			return Errorf(CodeInvalid, "a detail has a name of at most 200 characters")
		}
	}
	return nil
}

// EntityTypes lists every type of entity.
var EntityTypes = []EntityType{EntityDevice, EntityUser, EntityProcess, EntityFile, EntityIP, EntityURL, EntityDomain, EntityMail, EntityMailCluster,
	EntityMailbox, EntityRegistry, EntityLogonSession, EntityOAuthApp, EntityCloudApp, EntityCloudResource, EntityGroup, EntityOther}

// Exclusion is a value on which alerts are never joined.
type Exclusion struct {
	ID    string     `json:"id"`
	Type  EntityType `json:"type"`
	Value string     `json:"value"` // as people write it
	// Where it holds: for alerts of one rule, with a device of one group, of one
	// tactic; empty for all.
	DetectorID  string    `json:"detectorId,omitempty"`
	DeviceGroup string    `json:"deviceGroup,omitempty"`
	Tactic      string    `json:"tactic,omitempty"`
	Reason      string    `json:"reason"`
	CreatedBy   string    `json:"createdBy"`
	Created     time.Time `json:"created"`
	Expires     time.Time `json:"expires,omitzero"` // zero: never
}

// Check reports what is wrong with an exclusion, as an Error of CodeInvalid.
func (x *Exclusion) Check(now time.Time) error {
	x.Value, x.Reason = strings.TrimSpace(x.Value), strings.TrimSpace(x.Reason)
	switch {
	case !slices.Contains(EntityTypes, x.Type):
		return Errorf(CodeInvalid, "unknown type of entity %q", x.Type)
	case x.Value == "" || utf8.RuneCountInString(x.Value) > 1000:
		return Errorf(CodeInvalid, "an exclusion needs a value of at most 1000 characters")
	case len(x.Keys()) == 0:
		return Errorf(CodeInvalid, "%q is no %s", x.Value, x.Type)
	case x.Reason == "" || utf8.RuneCountInString(x.Reason) > 1000:
		return Errorf(CodeInvalid, "an exclusion needs a reason of at most 1000 characters")
	case utf8.RuneCountInString(x.DetectorID) > MaxTitleRunes || utf8.RuneCountInString(x.DeviceGroup) > 200:
		return Errorf(CodeLimit, "the rule or the device group is too long")
	case x.Tactic != "" && TacticRank(x.Tactic) < 0:
		return Errorf(CodeInvalid, "unknown tactic %q", x.Tactic)
	case !x.Expires.IsZero() && !x.Expires.After(now):
		return Errorf(CodeInvalid, "the exclusion would have expired already")
	}
	return nil
}

// Keys are the canonical keys that the value stands for, so that any spelling
// of it is met; none when it is no value of its type.
func (x *Exclusion) Keys() []EntityKey {
	one := func(k EntityKey) []EntityKey {
		if k.IsZero() {
			return nil
		}
		return []EntityKey{k}
	}
	v := x.Value
	switch x.Type {
	case EntityDevice:
		return DeviceKeys(v, v)
	case EntityUser:
		domain, name, ok := strings.Cut(v, `\`)
		if !ok {
			domain, name = "", v
		}
		switch low := strings.ToLower(v); {
		case strings.HasPrefix(low, "s-1-"):
			return UserKeys("", "", "", v, "")
		case strings.Contains(v, "@"):
			return UserKeys(v, "", "", "", "")
		case !ok && strings.Count(v, "-") == 4 && len(v) == 36:
			return UserKeys("", "", "", "", v)
		}
		return UserKeys("", domain, name, "", "")
	case EntityIP:
		return one(IPKey(v))
	case EntityDomain:
		return one(DomainKey(v))
	case EntityURL:
		return URLKeys(v)[:1]
	case EntityFile:
		alg := map[int]string{64: "sha256:", 40: "sha1:", 32: "md5:"}[len(v)]
		if alg == "" || strings.Trim(strings.ToLower(v), "0123456789abcdef") != "" {
			return nil
		}
		return []EntityKey{{EntityFile, alg + strings.ToLower(v)}}
	}
	return []EntityKey{{x.Type, strings.ToLower(v)}, {x.Type, v}}
}

// InForce reports whether the exclusion holds at a time for alerts of a rule,
// with these tactics and device groups.
func (x *Exclusion) InForce(at time.Time, detectorID string, tactics, deviceGroups []string) bool {
	return (x.Expires.IsZero() || at.Before(x.Expires)) && (x.DetectorID == "" || x.DetectorID == detectorID) &&
		(x.Tactic == "" || slices.Contains(tactics, x.Tactic)) &&
		(x.DeviceGroup == "" || slices.ContainsFunc(deviceGroups, func(g string) bool { return strings.EqualFold(g, x.DeviceGroup) }))
}

// ExclusionSuggestion is a value on which people have cut incidents apart again
// and again.
type ExclusionSuggestion struct {
	Type  EntityType `json:"type"`
	Value string     `json:"value"`
	Cuts  int        `json:"cuts"`
	// Rearrangements are the splits and moves that say so, the newest first, at
	// most 20, Incidents those that they were done to.
	Rearrangements []int64   `json:"rearrangements"`
	Incidents      []int64   `json:"incidents"`
	Last           time.Time `json:"last"`
}
