package api

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/tocsinhq/tocsin/intake"
)

// Splunk's HTTP event collector, as far as shippers use it.

const hecDoc = "Splunk HTTP event collector"

var hecRoutes = []route{
	{id: "hecDefault", method: "POST", path: "/services/collector", verb: intakeWrite, tag: "telemetry", doc: hecDoc + ": events",
		inType: "application/json", out: is[hecAnswer](), handle: (*API).hecEvents, events: true, stream: true, dialect: hecDialect},
	{id: "hecEvent", method: "POST", path: "/services/collector/event", verb: intakeWrite, tag: "telemetry", doc: hecDoc + ": events",
		inType: "application/json", out: is[hecAnswer](), handle: (*API).hecEvents, events: true, stream: true, dialect: hecDialect},
	{id: "hecEventVersion", method: "POST", path: "/services/collector/event/1.0", verb: intakeWrite, tag: "telemetry", doc: hecDoc + ": events",
		inType: "application/json", out: is[hecAnswer](), handle: (*API).hecEvents, events: true, stream: true, dialect: hecDialect},
	{id: "hecRaw", method: "POST", path: "/services/collector/raw", verb: intakeWrite, tag: "telemetry", doc: hecDoc + ": plain lines",
		inType: "text/plain", out: is[hecAnswer](), handle: (*API).hecRaw, events: true, stream: true, dialect: hecDialect},
	{id: "hecHealth", method: "GET", path: "/services/collector/health", public: "shippers ask it before they have a token; it tells nothing but up or not",
		tag: "telemetry", doc: hecDoc + ": health", out: is[hecAnswer](), handle: (*API).hecHealth, dialect: hecDialect},
}

type hecAnswer struct {
	Text         string `json:"text"`
	Code         int    `json:"code"`
	InvalidEvent *int   `json:"invalid-event-number,omitempty"`
}

func (a *API) hecEvents(w http.ResponseWriter, r *http.Request) error { return a.hec(w, r, false) }
func (a *API) hecRaw(w http.ResponseWriter, r *http.Request) error    { return a.hec(w, r, true) }

func (a *API) hec(w http.ResponseWriter, r *http.Request, raw bool) error {
	if a.cfg.Intake == nil {
		return missing("intake")
	}
	params, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		params = url.Values{}
	}
	for name := range params {
		// A token in the address ends up in the logs of every proxy.
		if strings.EqualFold(name, "token") {
			params.Del(name)
		}
	}
	take := a.cfg.Intake.HEC
	if raw {
		take = a.cfg.Intake.HECRaw
	}
	reply, err := take(r.Context(), r.Body, intake.HECOptions{Host: params.Get("host"), Source: params.Get("source"), Sourcetype: params.Get("sourcetype")})
	if err != nil {
		a.deliveryFailed(r, err)
		if tooLarge(err) {
			return bodyError(err)
		}
	}
	return writeJSON(w, reply.Status, hecAnswer{Text: reply.Text, Code: reply.Code, InvalidEvent: reply.Invalid})
}

func (a *API) hecHealth(w http.ResponseWriter, r *http.Request) error {
	if a.ready(r) != nil {
		return writeJSON(w, http.StatusServiceUnavailable, hecAnswer{Text: "HEC is unhealthy", Code: 18})
	}
	return writeJSON(w, http.StatusOK, hecAnswer{Text: "HEC is healthy", Code: 17})
}
