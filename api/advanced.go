package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/lake"
)

// The hunting of Defender's own interfaces, which are older than Graph's:
// advancedhunting of Defender XDR and advancedqueries of Defender for Endpoint.
var advancedRoutes = []route{
	{id: "advancedHunting", method: "POST", path: "/api/advancedhunting/run", verb: tocsin.VerbHunt, tag: "defender",
		doc: "Answers a hunting query, as Defender XDR does", in: is[advancedBody](), out: is[advancedHuntingAnswer](), handle: (*API).advancedHunting,
		limit: maxQueryBody, stream: true, dialect: defenderDialect},
	{id: "advancedQueries", method: "POST", path: "/api/advancedqueries/run", verb: tocsin.VerbHunt, tag: "defender",
		doc: "Answers a hunting query, as Defender for Endpoint does", in: is[advancedBody](), out: is[advancedAnswer](), handle: (*API).advancedQueries,
		limit: maxQueryBody, stream: true, dialect: defenderDialect},
}

type advancedBody struct {
	Query string `json:"Query"`
}

type advancedColumn struct {
	Name string `json:"Name"`
	Type string `json:"Type"`
}

type advancedAnswer struct {
	Schema  []advancedColumn `json:"Schema"`
	Results []map[string]any `json:"Results"`
}

type advancedHuntingAnswer struct {
	Stats   advancedStats    `json:"Stats"`
	Schema  []advancedColumn `json:"Schema"`
	Results []map[string]any `json:"Results"`
}

type advancedStats struct {
	ExecutionTime float64           `json:"ExecutionTime"`
	Resources     advancedResources `json:"resource_usage"`
	Datasets      []advancedDataset `json:"dataset_statistics"`
}

type advancedResources struct {
	Cache  map[string]advancedCache `json:"cache"`
	CPU    map[string]string        `json:"cpu"`
	Memory map[string]int64         `json:"memory"`
}

type advancedCache struct {
	Hits   int64 `json:"hits"`
	Misses int64 `json:"misses"`
	Total  int64 `json:"total"`
}

type advancedDataset struct {
	Rows int64 `json:"table_row_count"`
	Size int64 `json:"table_size"`
}

const (
	advancedHuntTime  = 3 * time.Minute
	advancedQueryTime = 200 * time.Second
	advancedBytes     = 124 << 20 // of Defender for Endpoint
)

func (a *API) advancedHunting(w http.ResponseWriter, r *http.Request) error {
	return a.advanced(w, r, lake.HuntOptions{Timeout: advancedHuntTime}, true)
}

func (a *API) advancedQueries(w http.ResponseWriter, r *http.Request) error {
	return a.advanced(w, r, lake.HuntOptions{Timeout: advancedQueryTime, MaxBytes: advancedBytes}, false)
}

func (a *API) advanced(w http.ResponseWriter, r *http.Request, opts lake.HuntOptions, withStats bool) error {
	var b advancedBody
	if err := decodeBody(r, &b); err != nil {
		return err
	}
	if strings.TrimSpace(b.Query) == "" {
		return &httpError{status: http.StatusBadRequest, code: "MissingRequiredParameter", err: tocsin.Errorf(tocsin.CodeInvalid, "the property \"Query\" is missing or empty")}
	}
	opts.Interface = huntDoor(r)
	var rows objectRows
	stats, err := a.runHunt(r.Context(), b.Query, opts, &rows)
	if err != nil {
		return err
	}
	if rows.cutBySize(stats) {
		return tooLargeResult()
	}
	buf := []byte{'{'}
	if withStats {
		text, err := json.Marshal(advancedStatsOf(stats))
		if err != nil {
			return err
		}
		buf = append(append(append(buf, `"Stats":`...), text...), ',')
	}
	schema := make([]advancedColumn, len(rows.columns))
	for i, c := range rows.columns {
		schema[i] = advancedColumn{c.Name, netType(c.Type)}
	}
	text, err := json.Marshal(schema)
	if err != nil {
		return err
	}
	buf = append(append(append(buf, `"Schema":`...), text...), `,"Results":[`...)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	return rows.write(w, buf)
}

func advancedStatsOf(s lake.HuntStats) advancedStats {
	cpu := kql.TextOf(kql.TimeSpanOf(s.CPU.Nanoseconds() / 100))
	return advancedStats{ExecutionTime: s.Elapsed.Seconds(), Datasets: []advancedDataset{{s.Rows, s.Bytes}}, Resources: advancedResources{
		Cache: map[string]advancedCache{"memory": {}, "disk": {}}, CPU: map[string]string{"user": cpu, "kernel": "00:00:00", "total cpu": cpu},
		Memory: map[string]int64{"peak_per_node": 0}}}
}

// defenderBody is the error of Defender's interfaces; target is what support
// would ask for.
func defenderBody(r *http.Request, status int, err error) any {
	code := map[int]string{http.StatusBadRequest: "BadRequest", http.StatusUnauthorized: "Unauthorized", http.StatusForbidden: "Forbidden",
		http.StatusNotFound: "NotFound", http.StatusTooManyRequests: "TooManyRequests", http.StatusRequestEntityTooLarge: "InvalidRequestBody",
		http.StatusUnsupportedMediaType: "InvalidRequestBody", http.StatusGatewayTimeout: "GatewayTimeout", http.StatusServiceUnavailable: "ServiceUnavailable"}[status]
	var he *httpError
	if errors.As(err, &he) && (he.code == "MissingRequiredParameter" || he.code == "ODataError") {
		code = he.code
	}
	if code == "" {
		code = "InternalServerError"
	}
	return map[string]any{"error": map[string]any{"code": code, "message": huntMessage(err), "target": "|" + requestID(r) + "."}}
}
