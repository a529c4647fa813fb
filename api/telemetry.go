package api

import (
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/intake"
)

type intakeAnswer struct {
	Tables      []tableRows `json:"tables"`
	Rows        int64       `json:"rows"`
	Quarantined int64       `json:"quarantined"`
	Rules       RuleCounts  `json:"rules"`
}

type tableRows struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
}

type quarantineAnswer struct {
	Total   int64              `json:"total"`
	Reasons []quarantineReason `json:"reasons"`
	Recent  []quarantineRecord `json:"recent"`
}

type quarantineReason struct {
	Reason string     `json:"reason"`
	Count  int64      `json:"count"`
	Last   *time.Time `json:"last"`
}

type quarantineRecord struct {
	At     *time.Time `json:"at"`
	Source string     `json:"source"`
	Item   string     `json:"item"`
	Reason string     `json:"reason"`
}

type rowAnswer struct {
	Row map[string]any `json:"row"`
}

func (a *API) postEvents(w http.ResponseWriter, r *http.Request) error {
	if a.cfg.Intake == nil {
		return missing("intake")
	}
	who := whoIs(r)
	once, err := deliveryOf(r, who)
	if err != nil {
		return err
	}
	opts := intake.EventsOptions{Once: once, Source: "http " + who.UserName}
	var res intake.EventsResult
	if table := r.PathValue("table"); table != "" {
		res, err = a.cfg.Intake.Events(r.Context(), table, r.Body, opts)
	} else {
		res, err = a.cfg.Intake.EventsMixed(r.Context(), r.Body, opts)
	}
	if err != nil {
		return intakeError(err)
	}
	if res.Errors == nil {
		res.Errors = []intake.LineError{}
	}
	return writeJSON(w, http.StatusOK, res)
}

// deliveryOf reads the Idempotency-Key header, with which a sender may safely
// repeat a body whose answer it did not get; "" without one. The name is unique
// among all senders.
func deliveryOf(r *http.Request, who tocsin.Principal) (string, error) {
	key := r.Header.Get("Idempotency-Key")
	if key == "" {
		return "", nil
	}
	if !deliveryName.MatchString(key) {
		return "", tocsin.Errorf(tocsin.CodeInvalid, "Idempotency-Key takes up to 128 letters, digits and . _ : -")
	}
	return who.Tenant + "/" + who.ID + "/" + key, nil
}

var deliveryName = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`)

// intakeError gives a body that broke off or grew too large the answer that it
// has everywhere else; what the receiver says with a code of its own stays.
func intakeError(err error) error {
	if tocsin.CodeOf(err) != tocsin.CodeInternal {
		return err
	}
	if tooLarge(err) {
		return bodyError(err)
	}
	return err
}

// deliveryFailed notes why a delivery was refused as a whole: the sender gets
// an answer in its own product's words, which say less.
func (a *API) deliveryFailed(r *http.Request, err error) {
	level := slog.LevelInfo
	if tocsin.CodeOf(err) == tocsin.CodeInternal {
		level = slog.LevelError
	}
	a.log.LogAttrs(r.Context(), level, "delivery refused", slog.String("requestId", requestID(r)), slog.String("path", r.URL.Path), slog.Any("err", err))
}

func (a *API) intake(w http.ResponseWriter, r *http.Request) error {
	if a.cfg.Lake == nil {
		return missing("telemetry")
	}
	counts, err := a.cfg.Lake.Counts(r.Context())
	if err != nil {
		return err
	}
	out := intakeAnswer{Tables: []tableRows{}}
	for name, n := range counts {
		out.Tables = append(out.Tables, tableRows{name, n})
		out.Rows += n
	}
	slices.SortFunc(out.Tables, func(x, y tableRows) int { return strings.Compare(x.Name, y.Name) })
	reasons, err := a.cfg.Lake.QuarantineSummary(r.Context())
	if err != nil {
		return err
	}
	for _, q := range reasons {
		out.Quarantined += q.Count
	}
	if a.cfg.Rules != nil {
		if out.Rules, err = a.cfg.Rules.Counts(r.Context()); err != nil {
			return err
		}
	}
	return writeJSON(w, http.StatusOK, out)
}

// quarantineRecent is how many refused records are listed.
const quarantineRecent = 100

func (a *API) quarantine(w http.ResponseWriter, r *http.Request) error {
	if a.cfg.Lake == nil {
		return missing("telemetry")
	}
	reasons, err := a.cfg.Lake.QuarantineSummary(r.Context())
	if err != nil {
		return err
	}
	recent, err := a.cfg.Lake.Quarantine(r.Context(), quarantineRecent)
	if err != nil {
		return err
	}
	out := quarantineAnswer{Reasons: []quarantineReason{}, Recent: []quarantineRecord{}}
	for _, q := range reasons {
		out.Total += q.Count
		out.Reasons = append(out.Reasons, quarantineReason{q.Reason, q.Count, moment(q.Last)})
	}
	for _, q := range recent {
		out.Recent = append(out.Recent, quarantineRecord{moment(q.At), q.Source, q.Item, q.Reason})
	}
	return writeJSON(w, http.StatusOK, out)
}

func (a *API) row(w http.ResponseWriter, r *http.Request) error {
	if a.cfg.Lake == nil {
		return missing("telemetry")
	}
	q := r.URL.Query()
	ref := tocsin.RowRef{Table: q.Get("table"), DeviceID: q.Get("deviceId"), ReportID: q.Get("reportId")}
	if ref.Table == "" {
		return tocsin.Errorf(tocsin.CodeInvalid, "table is missing")
	}
	if ts := q.Get("ts"); ts != "" {
		t, err := time.Parse(time.RFC3339Nano, ts)
		if err != nil {
			return tocsin.Errorf(tocsin.CodeInvalid, "ts is a time such as 2026-11-05T08:30:00Z")
		}
		ref.Time = t.UTC()
	}
	rows, err := a.cfg.Lake.Rows(r.Context(), []tocsin.RowRef{ref})
	if err != nil {
		return err
	}
	if len(rows) == 0 || rows[0] == nil {
		return tocsin.Errorf(tocsin.CodeNotFound, "this row is not stored any more")
	}
	return writeJSON(w, http.StatusOK, rowAnswer{rows[0]})
}
