package api

import (
	"net/http"
	"reflect"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/intake"
)

// route is one line of the table that everything is made of: the mux, the
// permission check, openapi.json and the tests that walk it. A route without a
// verb must say in public why nobody has to sign in for it.
type route struct {
	id     string // operationId
	method string
	path   string // pattern of http.ServeMux, without the method
	verb   tocsin.Verb
	public string
	doc    string
	tag    string

	params []param
	in     reflect.Type // JSON body; nil for none
	inType string       // content type of a body that is not JSON
	out    reflect.Type // JSON answer; nil for none
	outIs  string       // content type of an answer that is not JSON
	status int          // of success; 0 for 200

	handle func(*API, http.ResponseWriter, *http.Request) error

	limit   int64   // largest body in bytes; 0 for maxBody
	stream  bool    // the body or the answer may take long: no total time limit
	events  bool    // the body is telemetry: Config.MaxEventsBytes, may be gzip
	whole   bool    // speaks of the tenant as a whole: not for who is limited to device groups
	noCSRF  string  // why a session needs no CSRF token here
	slow    bool    // clients of Defender's older interface: at its pace, Config.Defender
	dialect dialect // whose error bodies the clients of this route read
}

// param is one query parameter, or one of the path when in is "path".
type param struct {
	name, in, kind, doc string
}

// maxBody is the largest JSON body, in bytes.
const maxBody = 1 << 20

var listParams = []param{
	{"$filter", "query", "string", "OData filter over the properties of the allowlist"},
	{"$orderby", "query", "string", "properties with asc or desc"},
	{"$top", "query", "integer", "page size, 50 when absent, at most 1000"},
	{"$skip", "query", "integer", "how many to leave out"},
	{"$skiptoken", "query", "string", "opaque; from @odata.nextLink"},
	{"$count", "query", "boolean", "also count all matches"},
	{"$search", "query", "string", "text in names, ids and entities"},
	{"$select", "query", "string", "properties to answer with"},
}

func with(ps []param, more ...param) []param { return append(append([]param{}, ps...), more...) }

func query(name, kind, doc string) param { return param{name, "query", kind, doc} }

var expandAlerts = query("$expand", "string", "alerts")

func is[T any]() reflect.Type { return reflect.TypeFor[T]() }

// routes is the table. Its order is the order of openapi.json.
var routes = concat(
	graphRoutes,
	facetRoutes,
	rearrangeRoutes, relatedRoutes, correlationRoutes, chainRoutes,
	bulkRoutes,
	groupRoutes,
	taskRoutes,
	presenceRoutes,
	similarRoutes,
	manualRoutes,
	graphHuntingRoutes,
	sessionRoutes,
	caseRoutes, recordRoutes,
	exportRoutes,
	keptRoutes,
	huntingRoutes,
	advancedRoutes,
	defenderRoutes,
	kustoRoutes,
	savedRoutes,
	telemetryRoutes,
	hecRoutes,
	elasticRoutes,
	adminRoutes, deviceRoutes, scoringRoutes,
	systemRoutes,
)

func concat(groups ...[]route) []route {
	var all []route
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

var graphRoutes = []route{
	{id: "listIncidents", method: "GET", path: "/v1.0/security/incidents", verb: tocsin.VerbIncidentRead, tag: "graph",
		doc: "Lists incidents, newest first", params: with(listParams, expandAlerts), out: is[graphPage[graphIncident]](), handle: (*API).listIncidents},
	{id: "getIncident", method: "GET", path: "/v1.0/security/incidents/{id}", verb: tocsin.VerbIncidentRead, tag: "graph",
		doc: "Reads one incident", params: []param{expandAlerts, query("$select", "string", "properties to answer with")}, out: is[graphIncident](), handle: (*API).getIncident},
	{id: "updateIncident", method: "PATCH", path: "/v1.0/security/incidents/{id}", verb: tocsin.VerbIncidentWrite, tag: "graph",
		doc: "Changes the properties that are given; with If-Match only if nobody else changed the same ones since that version",
		in:  is[incidentPatch](), out: is[graphIncident](), handle: (*API).patchIncident},
	{id: "commentIncident", method: "POST", path: "/v1.0/security/incidents/{id}/comments", verb: tocsin.VerbIncidentWrite, tag: "graph",
		doc: "Adds a comment and answers with all of them", in: is[commentBody](), out: is[graphPage[graphComment]](), handle: (*API).commentIncident},
	{id: "listAlerts", method: "GET", path: "/v1.0/security/alerts_v2", verb: tocsin.VerbAlertRead, tag: "graph",
		doc: "Lists alerts, newest first", params: listParams, out: is[graphPage[graphAlert]](), handle: (*API).listAlerts},
	{id: "getAlert", method: "GET", path: "/v1.0/security/alerts_v2/{id}", verb: tocsin.VerbAlertRead, tag: "graph",
		doc: "Reads one alert", params: []param{query("$select", "string", "properties to answer with")}, out: is[graphAlert](), handle: (*API).getAlert},
	{id: "updateAlert", method: "PATCH", path: "/v1.0/security/alerts_v2/{id}", verb: tocsin.VerbAlertWrite, tag: "graph",
		doc: "Changes the properties that are given", in: is[alertPatch](), out: is[graphAlert](), handle: (*API).patchAlert},
	{id: "commentAlert", method: "POST", path: "/v1.0/security/alerts_v2/{id}/comments", verb: tocsin.VerbAlertWrite, tag: "graph",
		doc: "Adds a comment and answers with all of them", in: is[commentBody](), out: is[graphPage[graphComment]](), handle: (*API).commentAlert},
	{id: "batch", method: "POST", path: "/v1.0/$batch", verb: tocsin.VerbSession, tag: "graph",
		doc: "Up to 20 requests in one, each with its own answer and its own permission", in: is[batchBody](), out: is[batchAnswer](), handle: (*API).batch},
}

var sessionRoutes = []route{
	{id: "token", method: "POST", path: "/{tenant}/oauth2/v2.0/token", public: "the client proves itself with its secret in the body", tag: "session",
		doc: "OAuth 2.0 client credentials: client id and secret for a bearer token", inType: "application/x-www-form-urlencoded",
		out: is[tokenAnswer](), handle: (*API).oauthToken, limit: 16 << 10, noCSRF: "takes no cookie", dialect: oauthDialect},
	{id: "signIn", method: "POST", path: "/api/v1/session", public: "signing in", tag: "session",
		doc: "Signs in with name and password and sets the session cookie", in: is[signInBody](), out: is[sessionAnswer](), handle: (*API).signIn,
		limit: 16 << 10, noCSRF: "there is no session yet; the page's origin is checked"},
	{id: "getSession", method: "GET", path: "/api/v1/session", verb: tocsin.VerbSession, tag: "session",
		doc: "Who is signed in, with permissions and the CSRF token", out: is[sessionAnswer](), handle: (*API).getSession},
	{id: "signOut", method: "DELETE", path: "/api/v1/session", verb: tocsin.VerbSession, tag: "session",
		doc: "Ends the session", status: http.StatusNoContent, handle: (*API).signOut},
	{id: "changePassword", method: "POST", path: "/api/v1/session/password", verb: tocsin.VerbSession, tag: "session",
		doc: "Changes one's own password and ends all other sessions", in: is[passwordBody](), status: http.StatusNoContent,
		handle: (*API).changePassword, limit: 16 << 10},
}

var caseRoutes = []route{
	{id: "incidentSummary", method: "GET", path: "/api/v1/incidents/summary", verb: tocsin.VerbIncidentRead, tag: "cases",
		doc: "Alerts and incidents of the last 24 hours, open incidents by severity", out: is[summaryAnswer](), handle: (*API).summary},
	{id: "listTags", method: "GET", path: "/api/v1/tags", verb: tocsin.VerbIncidentRead, tag: "cases",
		doc: "Tags in use", params: []param{query("q", "string", "beginning of the tag")}, out: is[valueOf[string]](), handle: (*API).tags},
	{id: "listPeople", method: "GET", path: "/api/v1/users", verb: tocsin.VerbUserRead, tag: "cases",
		doc: "Names for assignment", params: []param{query("q", "string", "part of a name")}, out: is[valueOf[person]](), handle: (*API).people},
	{id: "streamChanges", method: "GET", path: "/api/v1/changes", verb: tocsin.VerbIncidentRead, tag: "cases",
		doc: "What changes, as server-sent events; resumes behind Last-Event-ID", params: []param{query("after", "integer", "sequence number of the last change seen")},
		outIs: "text/event-stream", handle: (*API).changes, stream: true},
}

var telemetryRoutes = []route{
	{id: "postEvents", method: "POST", path: "/api/v1/events", verb: tocsin.VerbIntakeWrite, tag: "telemetry",
		doc: "Takes NDJSON rows of hunting tables; each names its table in $table", inType: "application/x-ndjson",
		out: is[intake.EventsResult](), handle: (*API).postEvents, events: true, stream: true},
	{id: "postTableEvents", method: "POST", path: "/api/v1/events/{table}", verb: tocsin.VerbIntakeWrite, tag: "telemetry",
		doc: "Takes NDJSON rows of one hunting table", inType: "application/x-ndjson",
		out: is[intake.EventsResult](), handle: (*API).postEvents, events: true, stream: true},
	{id: "getIntake", method: "GET", path: "/api/v1/intake", verb: tocsin.VerbIntakeRead, tag: "telemetry",
		doc: "Rows per table, refused records, rules", out: is[intakeAnswer](), handle: (*API).intake},
	{id: "getQuarantine", method: "GET", path: "/api/v1/quarantine", verb: tocsin.VerbIntakeRead, tag: "telemetry",
		doc: "Records that no table took, by reason, and the latest of them", out: is[quarantineAnswer](), handle: (*API).quarantine},
	{id: "getRow", method: "GET", path: "/api/v1/rows", verb: tocsin.VerbEventRead, tag: "telemetry",
		doc: "The event row behind an alert", params: []param{query("table", "string", "hunting table"), query("ts", "string", "its time"),
			query("deviceId", "string", "its device"), query("reportId", "string", "its report id")}, out: is[rowAnswer](), handle: (*API).row},
}

var adminRoutes = []route{
	{id: "listTokens", method: "GET", path: "/api/v1/tokens", verb: tocsin.VerbTokenManage, tag: "admin",
		doc: "API tokens and OAuth clients, without their secrets", out: is[valueOf[tokenInfo]](), handle: (*API).listTokens},
	{id: "createToken", method: "POST", path: "/api/v1/tokens", verb: tocsin.VerbTokenManage, tag: "admin",
		doc: "Makes an API token or an OAuth client; its secret is in this answer and never again", in: is[newTokenBody](), out: is[newTokenAnswer](),
		status: http.StatusCreated, handle: (*API).createToken},
	{id: "revokeToken", method: "DELETE", path: "/api/v1/tokens/{id}", verb: tocsin.VerbTokenManage, tag: "admin",
		doc: "Ends a token or client at once", status: http.StatusNoContent, handle: (*API).revokeToken},
	{id: "listUsers", method: "GET", path: "/api/v1/admin/users", verb: tocsin.VerbUserManage, tag: "admin",
		doc: "Accounts", out: is[valueOf[userInfo]](), handle: (*API).listUsers},
	{id: "createUser", method: "POST", path: "/api/v1/admin/users", verb: tocsin.VerbUserManage, tag: "admin",
		doc: "Makes an account; without a password one is generated and is in this answer only", in: is[newUserBody](), out: is[newUserAnswer](),
		status: http.StatusCreated, handle: (*API).createUser},
	{id: "updateUser", method: "PATCH", path: "/api/v1/admin/users/{id}", verb: tocsin.VerbUserManage, tag: "admin",
		doc: "Changes name, roles or password of an account, or disables it", in: is[userPatchBody](), out: is[newUserAnswer](), handle: (*API).updateUser},
	{id: "listRules", method: "GET", path: "/api/v1/rules", verb: tocsin.VerbRuleRead, tag: "admin",
		doc: "Detection rules", out: is[valueOf[RuleInfo]](), handle: (*API).listRules},
	{id: "updateRule", method: "PATCH", path: "/api/v1/rules/{id}", verb: tocsin.VerbRuleManage, tag: "admin",
		doc: "Enables or disables a rule", in: is[rulePatchBody](), out: is[RuleInfo](), handle: (*API).updateRule},
	{id: "importRules", method: "POST", path: "/api/v1/rules/import", verb: tocsin.VerbRuleManage, tag: "admin",
		doc: "Imports Sigma rules from a zip file", inType: "application/zip", out: is[RulesImported](), handle: (*API).importRules, limit: 64 << 20},
}

var systemRoutes = []route{
	{id: "openapi", method: "GET", path: "/api/v1/openapi.json", verb: tocsin.VerbSession, tag: "system",
		doc: "This description", outIs: "application/json", handle: (*API).openapi},
	{id: "health", method: "GET", path: "/healthz", public: "load balancers ask it; it tells nothing but up or not", tag: "system",
		doc: "Whether the server can answer", out: is[healthAnswer](), handle: (*API).health},
	{id: "metrics", method: "GET", path: "/metrics", verb: tocsin.VerbIntakeRead, tag: "system",
		doc: "Measurements in Prometheus' text format", outIs: "text/plain", handle: (*API).metrics},
}
