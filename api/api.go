package api

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/auth"
	"github.com/tocsinhq/tocsin/cases"
	"github.com/tocsinhq/tocsin/intake"
	"github.com/tocsinhq/tocsin/lake"
)

// Feed is the record of changes; *store.Store is one.
type Feed interface {
	Changes(ctx context.Context, after int64, limit int) ([]tocsin.Change, error)
	Head(ctx context.Context) (int64, error)
	Watch() (<-chan struct{}, func())
	Record(ctx context.Context, q tocsin.RecordQuery) ([]tocsin.Change, int64, error)
	ExportRecord(ctx context.Context, q tocsin.RecordQuery, w io.Writer) (int64, error)
	CheckChain(ctx context.Context, marks ...tocsin.Mark) (tocsin.Chain, *tocsin.Fault, error)
	NoteExport(ctx context.Context, filter string) error
}

// Telemetry is what is read of the lake; *lake.Lake is one.
type Telemetry interface {
	Counts(ctx context.Context) (map[string]int64, error)
	QuarantineSummary(ctx context.Context) ([]lake.ReasonCount, error)
	Quarantine(ctx context.Context, limit int) ([]lake.Quarantined, error)
	Rows(ctx context.Context, refs []tocsin.RowRef) ([]map[string]any, error)
}

// Receiver takes telemetry; *intake.Intake is one. Bodies are decompressed and
// bounded already; the receiver reads them as a stream, and bounds them once
// more by its own measure. What is wrong with single records is part of the
// result; beside an error of Events its counts are of what was stored.
type Receiver interface {
	// Events takes NDJSON rows of one hunting table, EventsMixed of the table
	// that each row names in $table.
	Events(ctx context.Context, table string, body io.Reader, opts intake.EventsOptions) (intake.EventsResult, error)
	EventsMixed(ctx context.Context, body io.Reader, opts intake.EventsOptions) (intake.EventsResult, error)
	// HEC takes Splunk HEC events, HECRaw plain lines, Bulk an Elastic _bulk
	// body. Their replies are right for the sender beside an error, too.
	HEC(ctx context.Context, body io.Reader, opts intake.HECOptions) (intake.HECReply, error)
	HECRaw(ctx context.Context, body io.Reader, opts intake.HECOptions) (intake.HECReply, error)
	Bulk(ctx context.Context, body io.Reader, opts intake.BulkOptions) (intake.BulkReply, error)
}

// Rules are the detection rules.
type Rules interface {
	Counts(ctx context.Context) (RuleCounts, error)
	List(ctx context.Context) ([]RuleInfo, error)
	// SetEnabled is an error of CodeNotFound for an unknown id.
	SetEnabled(ctx context.Context, id string, enabled bool) (RuleInfo, error)
	// Import reads a zip file of Sigma rules.
	Import(ctx context.Context, zip io.ReaderAt, size int64) (RulesImported, error)
}

// RuleCounts says how the rules stand.
type RuleCounts struct {
	Enabled     int `json:"enabled"`
	Loaded      int `json:"loaded"`
	Unsupported int `json:"unsupported"`
	Failed      int `json:"failed"`
}

// RuleInfo is one rule.
type RuleInfo struct {
	ID         string   `json:"id"`
	Title      string   `json:"title"`
	Level      string   `json:"level"`
	Status     string   `json:"status"`
	LogSource  string   `json:"logSource"`
	Tags       []string `json:"tags"`
	Enabled    bool     `json:"enabled"`
	BuiltIn    bool     `json:"builtIn"`
	SourcePath string   `json:"sourcePath"`
}

// RulesImported says what an import of rules did.
type RulesImported struct {
	Loaded      int               `json:"loaded"`
	Updated     int               `json:"updated"`
	Unsupported map[string]int    `json:"unsupported"` // by feature
	Failed      map[string]string `json:"failed"`      // path to reason, the first ones
	FailedCount int               `json:"failedCount"`
}

// Config is what the API speaks for. Auth, Cases and Feed are needed; a part
// that is nil answers 503.
type Config struct {
	Auth   *auth.Auth
	Cases  *cases.Cases
	Feed   Feed
	Lake   Telemetry
	Intake Receiver
	Rules  Rules
	// Kept holds people's filters and preferences.
	Kept Keeper
	// Hunting is the way to ask queries of the telemetry.
	Hunting *Hunter
	// Presence is who looks at which incident; nil keeps it in memory.
	Presence Presence
	// Portal answers every path that is not the API's; nil is 404.
	Portal http.Handler
	// Metrics is what /metrics shows; the API adds its own to it.
	Metrics *prometheus.Registry
	Log     *slog.Logger
	Now     func() time.Time
	// PublicURL is where clients reach the portal ("https://soc.example"); ""
	// takes it from each request.
	PublicURL  string
	TenantID   string
	TenantName string
	Version    string
	// MaxEventsBytes is the largest telemetry body after decompression; 2 GiB when 0.
	MaxEventsBytes int64
	// MaxStreams is how many change streams may be open at once; 512 when 0.
	MaxStreams int
	// Heartbeat is how often an idle change stream says that it lives, and
	// checks that its reader may still read; 15 s when 0.
	Heartbeat time.Duration
	// RatePerSecond and RateBurst bound the calls of one principal; 100 and
	// 1,000 when 0.
	RatePerSecond, RateBurst float64
	// Clients bounds the calls of one token or client beside that, on every
	// route but those for telemetry; the zero value does not. Defender bounds
	// those to the older interface of Defender's incidents and alerts; 50 a
	// minute and 1,500 an hour when zero, which is what its clients know.
	Clients, Defender Pace
	// Ready is asked by /healthz; nil is always ready.
	Ready func(ctx context.Context) error
}

// API is the http.Handler of the whole server.
type API struct {
	cfg     Config
	log     *slog.Logger
	now     func() time.Time
	mux     *http.ServeMux
	limits  *limiter
	clients paced
	slow    paced
	meter   *meter
	streams *streams
}

// New makes the handler.
func New(cfg Config) *API {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Presence == nil {
		cfg.Presence = NewPresence(cfg.Now)
	}
	if cfg.MaxEventsBytes == 0 {
		cfg.MaxEventsBytes = 2 << 30
	}
	if cfg.MaxStreams == 0 {
		cfg.MaxStreams = 512
	}
	if cfg.Heartbeat == 0 {
		cfg.Heartbeat = 15 * time.Second
	}
	if cfg.RatePerSecond == 0 {
		cfg.RatePerSecond, cfg.RateBurst = 100, 1000
	}
	if cfg.Defender == (Pace{}) {
		cfg.Defender = Pace{PerMinute: 50, PerHour: 1500}
	}
	if cfg.TenantID == "" {
		cfg.TenantID = tocsin.DefaultTenant
	}
	if cfg.TenantName == "" {
		cfg.TenantName = cfg.TenantID
	}
	if cfg.Metrics == nil {
		cfg.Metrics = prometheus.NewRegistry()
	}
	cfg.PublicURL = strings.TrimSuffix(cfg.PublicURL, "/")
	a := &API{cfg: cfg, log: cfg.Log, now: cfg.Now, mux: http.NewServeMux(),
		limits: newLimiter(cfg.RatePerSecond, cfg.RateBurst), clients: newPaced(cfg.Clients), slow: newPaced(cfg.Defender), meter: newMeter(cfg.Metrics), streams: newStreams(cfg.MaxStreams)}
	for i := range routes {
		rt := &routes[i]
		a.mux.Handle(rt.method+" "+rt.path, a.serve(rt))
	}
	return a
}

// base is scheme and host as the client sees them, for the links in answers.
// They come from the request, and so from the client itself, unless configured;
// a host that could not be one is not repeated.
func (a *API) base(r *http.Request) string {
	if a.cfg.PublicURL != "" {
		return a.cfg.PublicURL
	}
	host := r.Host
	for _, c := range []byte(host) {
		ok := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(".-_:[]", c) >= 0
		if !ok {
			host = ""
			break
		}
	}
	if host == "" || len(host) > 255 {
		host = "localhost"
	}
	if a.cfg.Auth.Secure(r) {
		return "https://" + host
	}
	return "http://" + host
}

func (a *API) view(r *http.Request) view {
	v := view{base: a.base(r)}
	for _, prefer := range r.Header.Values("Prefer") {
		if strings.Contains(strings.ToLower(prefer), "include-unknown-enum-members") {
			v.all = true
		}
	}
	return v
}
