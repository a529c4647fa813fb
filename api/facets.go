package api

import (
	"net/http"
	"strings"

	"github.com/tocsinhq/tocsin"
)

var facetParams = []param{
	{"$filter", "query", "string", "OData filter over the properties of the allowlist"},
	{"$search", "query", "string", "text in names, ids and entities"},
	{"properties", "query", "string", "whose values to count, separated by commas; at most 20"},
}

var facetRoutes = []route{
	{id: "incidentFacets", method: "GET", path: "/api/v1/incidents/facets", verb: tocsin.VerbIncidentRead, tag: "cases",
		doc: "How many incidents have each value of some properties, under the filter in force on the others", params: facetParams,
		out: is[facetsAnswer](), handle: (*API).incidentFacets},
	{id: "alertFacets", method: "GET", path: "/api/v1/alerts/facets", verb: tocsin.VerbAlertRead, tag: "cases",
		doc: "How many alerts have each value of some properties, under the filter in force on the others", params: facetParams,
		out: is[facetsAnswer](), handle: (*API).alertFacets},
}

type facetsAnswer struct {
	Facets map[string][]tocsin.FacetCount `json:"facets"`
}

// The properties that are counted when none are named.
const (
	incidentFacetNames = "status,severity,assignedTo,classification,tocsin/serviceSources,tocsin/categories,customTags,systemTags"
	alertFacetNames    = "status,severity,assignedTo,classification,serviceSource,detectionSource,category"
)

func (a *API) incidentFacets(w http.ResponseWriter, r *http.Request) error {
	q, names, err := parseFacets(r, incidentProperties, incidentFacetNames)
	if err != nil {
		return err
	}
	out, err := a.cfg.Cases.IncidentFacets(r.Context(), q, names)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, facetsAnswer{notNull(out)})
}

func (a *API) alertFacets(w http.ResponseWriter, r *http.Request) error {
	q, names, err := parseFacets(r, alertProperties, alertFacetNames)
	if err != nil {
		return err
	}
	out, err := a.cfg.Cases.AlertFacets(r.Context(), q, names)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, facetsAnswer{notNull(out)})
}

// notNull has a property that nothing has a value of as an empty list.
func notNull(m map[string][]tocsin.FacetCount) map[string][]tocsin.FacetCount {
	for k, v := range m {
		if v == nil {
			m[k] = []tocsin.FacetCount{}
		}
	}
	return m
}

// parseFacets reads the question; the allowlist of properties is that of the
// filter, and what of it can be counted the store knows.
func parseFacets(r *http.Request, allowed properties, names string) (q tocsin.Query, list []string, err error) {
	values := r.URL.Query()
	if s := values.Get("properties"); s != "" {
		names = s
	}
	values.Del("properties")
	bare := *r
	u := *r.URL
	u.RawQuery = values.Encode()
	bare.URL = &u
	o, err := parseList(&bare, allowed, nil)
	if err != nil {
		return q, nil, err
	}
	for _, name := range strings.Split(names, ",") {
		name = strings.TrimSpace(name)
		if _, ok := allowed.find(name); !ok {
			return q, nil, tocsin.Errorf(tocsin.CodeInvalid, "there is no property %q to count", name)
		}
		list = append(list, name)
	}
	return o.query, list, nil
}
