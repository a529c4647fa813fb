package api

import (
	"net/http"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/intake"
)

// What Filebeat, Winlogbeat and other clients of Elasticsearch ask before and
// while they send: who are you, which licence, do templates and policies exist
// (yes, nothing to set up), and _bulk.

const intakeWrite = tocsin.VerbIntakeWrite

var elasticRoutes = []route{
	elastic("elasticInfo", "GET", "/elastic/{$}", "product and version", (*API).elasticInfo),
	elastic("elasticLicense", "GET", "/elastic/_license", "licence", (*API).elasticLicense),
	elastic("elasticXPack", "GET", "/elastic/_xpack", "features", (*API).elasticXPack),
	elastic("elasticTemplate", "GET", "/elastic/_template/{name}", "whether a template exists", (*API).elasticExists),
	elastic("elasticIndexTemplate", "GET", "/elastic/_index_template/{name}", "whether an index template exists", (*API).elasticExists),
	elastic("elasticPolicy", "GET", "/elastic/_ilm/policy/{name}", "whether a policy exists", (*API).elasticExists),
	elastic("elasticAlias", "GET", "/elastic/_alias/{name}", "whether an alias exists", (*API).elasticExists),
	elastic("elasticPipeline", "GET", "/elastic/_ingest/pipeline/{name}", "whether a pipeline exists", (*API).elasticExists),
	elastic("elasticDataStream", "GET", "/elastic/_data_stream/{name}", "whether a data stream exists", (*API).elasticExists),
	elasticPut("elasticPutDataStream", "/elastic/_data_stream/{name}"),
	elasticPut("elasticPutTemplate", "/elastic/_template/{name}"),
	elasticPut("elasticPutIndexTemplate", "/elastic/_index_template/{name}"),
	elasticPut("elasticPutPolicy", "/elastic/_ilm/policy/{name}"),
	elasticPut("elasticPutIndex", "/elastic/{index}"),
	elasticBulk("elasticBulk", "POST", "/elastic/_bulk"),
	elasticBulk("elasticBulkPut", "PUT", "/elastic/_bulk"),
	elasticBulk("elasticIndexBulk", "POST", "/elastic/{index}/_bulk"),
}

func elastic(id, method, path, doc string, handle func(*API, http.ResponseWriter, *http.Request) error) route {
	return route{id: id, method: method, path: path, verb: intakeWrite, tag: "telemetry", doc: "Elastic clients: " + doc, outIs: "application/json",
		handle: handle, dialect: elasticDialect}
}

func elasticPut(id, path string) route {
	rt := elastic(id, "PUT", path, "set-up, acknowledged and not kept", (*API).elasticAck)
	rt.inType = "application/json"
	return rt
}

func elasticBulk(id, method, path string) route {
	rt := elastic(id, method, path, "_bulk", (*API).elasticBulk)
	rt.inType, rt.events, rt.stream = "application/x-ndjson", true, true
	return rt
}

// elasticVersion is the version that clients are told: new enough for every
// Beat in use, none of which sends to a server older than itself.
const elasticVersion = "8.19.0"

func elasticJSON(w http.ResponseWriter, status int, v any) error {
	w.Header().Set("X-Elastic-Product", "Elasticsearch") // clients refuse a server without it
	return writeJSON(w, status, v)
}

func (a *API) elasticInfo(w http.ResponseWriter, r *http.Request) error {
	return elasticJSON(w, http.StatusOK, map[string]any{
		"name": "tocsin", "cluster_name": "tocsin", "cluster_uuid": a.cfg.TenantID,
		"version": map[string]any{"number": elasticVersion, "build_flavor": "default", "lucene_version": "9.12.0",
			"minimum_wire_compatibility_version": "7.17.0", "minimum_index_compatibility_version": "7.0.0"},
		"tagline": "You Know, for Search",
	})
}

func (a *API) elasticLicense(w http.ResponseWriter, r *http.Request) error {
	return elasticJSON(w, http.StatusOK, map[string]any{"license": map[string]any{"status": "active", "uid": a.cfg.TenantID, "type": "basic", "mode": "basic"}})
}

func (a *API) elasticXPack(w http.ResponseWriter, r *http.Request) error {
	return elasticJSON(w, http.StatusOK, map[string]any{
		"license":  map[string]any{"status": "active", "type": "basic", "mode": "basic"},
		"features": map[string]any{"ilm": map[string]any{"available": false, "enabled": false}},
	})
}

// elasticExists says yes to whatever is asked for, so that clients set up
// nothing.
func (a *API) elasticExists(w http.ResponseWriter, r *http.Request) error {
	return elasticJSON(w, http.StatusOK, map[string]any{r.PathValue("name"): map[string]any{}})
}

func (a *API) elasticAck(w http.ResponseWriter, r *http.Request) error {
	if _, err := readBody(r); err != nil {
		return err
	}
	return elasticJSON(w, http.StatusOK, map[string]any{"acknowledged": true})
}

func (a *API) elasticBulk(w http.ResponseWriter, r *http.Request) error {
	if a.cfg.Intake == nil {
		return missing("intake")
	}
	reply, err := a.cfg.Intake.Bulk(r.Context(), r.Body, intake.BulkOptions{Index: r.PathValue("index")})
	if err != nil {
		a.deliveryFailed(r, err)
		if tooLarge(err) {
			return bodyError(err)
		}
	}
	return elasticJSON(w, reply.HTTP, reply)
}
