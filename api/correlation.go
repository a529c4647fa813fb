package api

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/tocsinhq/tocsin"
)

type exclusionBody struct {
	Type        string     `json:"type"`
	Value       string     `json:"value"`
	DetectorID  string     `json:"detectorId,omitempty"`
	DeviceGroup string     `json:"deviceGroup,omitempty"`
	Tactic      string     `json:"tactic,omitempty"`
	Reason      string     `json:"reason"`
	Expires     *time.Time `json:"expires,omitempty"`
}

type exclusionsAnswer struct {
	Value       []tocsin.Exclusion           `json:"value"`
	Suggestions []tocsin.ExclusionSuggestion `json:"suggestions"`
}

func (a *API) listExclusions(w http.ResponseWriter, r *http.Request) error {
	have, suggested, err := a.cfg.Cases.Exclusions(r.Context())
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, exclusionsAnswer{some(have), some(suggested)})
}

// some is a list that is empty and not null when there is nothing in it.
func some[T any](in []T) []T {
	if in == nil {
		return []T{}
	}
	return in
}

func (a *API) createExclusion(w http.ResponseWriter, r *http.Request) error {
	var in exclusionBody
	if err := decodeBody(r, &in); err != nil {
		return err
	}
	x, err := a.cfg.Cases.AddExclusion(r.Context(), in.exclusion())
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, x)
}

func (in *exclusionBody) exclusion() tocsin.Exclusion {
	x := tocsin.Exclusion{Type: tocsin.EntityType(in.Type), Value: in.Value, DetectorID: in.DetectorID, DeviceGroup: in.DeviceGroup, Tactic: in.Tactic, Reason: in.Reason}
	if in.Expires != nil {
		x.Expires = in.Expires.UTC()
	}
	return x
}

func (a *API) deleteExclusion(w http.ResponseWriter, r *http.Request) error {
	if err := a.cfg.Cases.RemoveExclusion(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// correlationAnswer is how correlation is set.
type correlationAnswer struct {
	// Default is what rules do that say nothing about it.
	Default tocsin.CorrelationChoice `json:"default"`
	// Policy holds the weights and bounds in force, OwnPolicy says that they are
	// not those that come with the program.
	Policy    correlationPolicy        `json:"policy"`
	OwnPolicy bool                     `json:"ownPolicy"`
	Rules     []tocsin.RuleCorrelation `json:"rules"`
}

type correlationPolicy map[string]any

func (a *API) getCorrelation(w http.ResponseWriter, r *http.Request) error {
	s, err := a.cfg.Cases.CorrelationSettings(r.Context())
	if err != nil {
		return err
	}
	out := correlationAnswer{Default: s.Default, OwnPolicy: s.Own, Rules: some(s.Rules)}
	if out.Policy, err = decodePolicy(s.Policy.File()); err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, out)
}

func decodePolicy(raw []byte) (p correlationPolicy, err error) {
	err = json.Unmarshal(raw, &p)
	return p, err
}

type correlationPatch struct {
	Default string `json:"default"`
}

func (a *API) patchCorrelation(w http.ResponseWriter, r *http.Request) error {
	var in correlationPatch
	if err := decodeBody(r, &in); err != nil {
		return err
	}
	if err := a.cfg.Cases.SetCorrelationDefault(r.Context(), tocsin.CorrelationChoice(in.Default)); err != nil {
		return err
	}
	return a.getCorrelation(w, r)
}

func (a *API) putCorrelationPolicy(w http.ResponseWriter, r *http.Request) error {
	raw, err := readBody(r)
	if err != nil {
		return err
	}
	if len(raw) == 0 {
		return tocsin.Errorf(tocsin.CodeInvalid, "a policy is a JSON object")
	}
	if err := a.cfg.Cases.SetPolicy(r.Context(), raw); err != nil {
		return err
	}
	return a.getCorrelation(w, r)
}

func (a *API) resetCorrelationPolicy(w http.ResponseWriter, r *http.Request) error {
	if err := a.cfg.Cases.SetPolicy(r.Context(), nil); err != nil {
		return err
	}
	return a.getCorrelation(w, r)
}

type ruleCorrelationBody struct {
	DetectorID  string              `json:"detectorId"`
	Correlation string              `json:"correlation"`
	Grouping    tocsin.RuleGrouping `json:"grouping,omitempty"`
}

func (a *API) putRuleCorrelation(w http.ResponseWriter, r *http.Request) error {
	var in ruleCorrelationBody
	if err := decodeBody(r, &in); err != nil {
		return err
	}
	out, err := a.cfg.Cases.SetRuleCorrelation(r.Context(), tocsin.RuleCorrelation{DetectorID: in.DetectorID, Correlation: tocsin.CorrelationChoice(in.Correlation), Grouping: in.Grouping})
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, out)
}

var correlationRoutes = []route{
	{id: "getCorrelation", whole: true, method: "GET", path: "/api/v1/correlation", verb: tocsin.VerbRuleRead, tag: "correlation",
		doc: "How correlation is set: the default of rules, the weights and bounds, and the rules that differ", out: is[correlationAnswer](), handle: (*API).getCorrelation},
	{id: "updateCorrelation", method: "PATCH", path: "/api/v1/correlation", verb: tocsin.VerbCorrelation, tag: "correlation",
		doc: "Sets whether rules correlate that say nothing about it", in: is[correlationPatch](), out: is[correlationAnswer](), handle: (*API).patchCorrelation},
	{id: "putCorrelationPolicy", method: "PUT", path: "/api/v1/correlation/policy", verb: tocsin.VerbCorrelation, tag: "correlation",
		doc: "Sets weights and bounds; what is left out is as it comes with the program", in: is[correlationPolicy](), out: is[correlationAnswer](), handle: (*API).putCorrelationPolicy},
	{id: "resetCorrelationPolicy", method: "DELETE", path: "/api/v1/correlation/policy", verb: tocsin.VerbCorrelation, tag: "correlation",
		doc: "Goes back to the weights and bounds that come with the program", out: is[correlationAnswer](), handle: (*API).resetCorrelationPolicy},
	{id: "setRuleCorrelation", method: "PUT", path: "/api/v1/correlation/rules", verb: tocsin.VerbCorrelation, tag: "correlation",
		doc: "Sets whether the alerts of a rule correlate, and how they are grouped when they do not", in: is[ruleCorrelationBody](), out: is[tocsin.RuleCorrelation](), handle: (*API).putRuleCorrelation},
	{id: "dryRunCorrelation", method: "POST", path: "/api/v1/correlation/dryrun", verb: tocsin.VerbCorrelation, tag: "correlation",
		doc: "Tries changed weights, bounds and exclusions on the alerts of the last days, and says what would differ; changes nothing", in: is[dryRunBody](), out: is[dryRunAnswer](), handle: (*API).dryRun},
	{id: "listExclusions", whole: true, method: "GET", path: "/api/v1/correlation/exclusions", verb: tocsin.VerbIncidentRead, tag: "correlation",
		doc: "Values that never join alerts, and those that people's cuts suggest", out: is[exclusionsAnswer](), handle: (*API).listExclusions},
	{id: "createExclusion", method: "POST", path: "/api/v1/correlation/exclusions", verb: tocsin.VerbCorrelation, tag: "correlation",
		doc: "Keeps a value from joining alerts, for all or for a rule, a device group or a tactic", in: is[exclusionBody](), out: is[tocsin.Exclusion](),
		status: http.StatusCreated, handle: (*API).createExclusion},
	{id: "deleteExclusion", method: "DELETE", path: "/api/v1/correlation/exclusions/{id}", verb: tocsin.VerbCorrelation, tag: "correlation",
		doc: "Lets a value join alerts again", status: http.StatusNoContent, handle: (*API).deleteExclusion},
}
