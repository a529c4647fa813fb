package app

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/auth"
	"github.com/tocsinhq/tocsin/cases"
	"github.com/tocsinhq/tocsin/correlate"
	"github.com/tocsinhq/tocsin/detect"
	"github.com/tocsinhq/tocsin/intake"
)

// The names that the command line needs, so that it knows only this package.
type (
	ImportProgress = intake.Progress
	ImportSummary  = intake.Summary
	RuleReport     = detect.Report
	Secret         = tocsin.Secret
)

// Import reads files, folders and archives; see intake.Import.
func (a *App) Import(ctx context.Context, paths []string, progress func(ImportProgress)) (ImportSummary, error) {
	return a.intake.Import(a.system(ctx), paths, progress)
}

// Totals are what the portal holds.
type Totals struct {
	Rows        map[string]int64 `json:"rows"`
	Alerts      int64            `json:"alerts"`
	Incidents   int64            `json:"incidents"`
	Quarantined int64            `json:"quarantined"`
}

// Totals counts what the portal holds, redirected incidents left out.
func (a *App) Totals(ctx context.Context) (Totals, error) {
	ctx = a.system(ctx)
	rows, err := a.lake.Counts(ctx)
	if err != nil {
		return Totals{}, err
	}
	t := Totals{Rows: rows}
	al, err := a.cases.Alerts(ctx, tocsin.Query{Top: 1, Count: true})
	if err != nil {
		return Totals{}, err
	}
	in, err := a.cases.Incidents(ctx, tocsin.Query{Top: 1, Count: true})
	if err != nil {
		return Totals{}, err
	}
	t.Alerts, t.Incidents = al.Total, in.Total
	q, err := a.lake.QuarantineSummary(ctx)
	if err != nil {
		return Totals{}, err
	}
	for _, r := range q {
		t.Quarantined += r.Count
	}
	return t, nil
}

// Token is a credential that was just made; its secret is shown this once.
type Token struct {
	ClientID string
	Secret   tocsin.Secret
	Expires  time.Time
}

// Roles are the roles that a token may hold.
func Roles() []string {
	out := make([]string, len(tocsin.AssignableRoles))
	for i, r := range tocsin.AssignableRoles {
		out[i] = string(r)
	}
	return out
}

// CreateToken makes an API token, or with client an OAuth2 client.
func (a *App) CreateToken(ctx context.Context, name, role string, life time.Duration, client bool) (Token, error) {
	if !tocsin.ValidRole(tocsin.Role(role)) {
		return Token{}, tocsin.Errorf(tocsin.CodeInvalid, "there is no role %q", role)
	}
	tok, secret, err := a.auth.CreateToken(a.system(ctx), auth.NewToken{Name: name, Roles: []tocsin.Role{tocsin.Role(role)}, Expires: a.cfg.Now().Add(life), Client: client})
	if err != nil {
		return Token{}, err
	}
	return Token{ClientID: tok.ClientID, Secret: secret, Expires: tok.Expires}, nil
}

// Correlate reads a labelled alert stream and writes the grouping, one line
// {"id","incident"} each; why, unless nil, gets the reasons.
func Correlate(r io.Reader, out, why io.Writer) error {
	alerts, err := correlate.ReadBenchmark(r)
	if err != nil {
		return err
	}
	for _, p := range correlate.Replay(alerts, correlate.DefaultPolicy()) {
		if _, err := fmt.Fprintf(out, "{\"id\":%q,\"incident\":\"%d\"}\n", p.AlertID, p.IncidentID); err != nil {
			return err
		}
		if why != nil {
			fmt.Fprintf(why, "%s -> %d: %s\n", p.AlertID, p.IncidentID, p.Why)
		}
	}
	return nil
}

// accept hands alerts to the cases; it is the end of the outbox.
func (a *App) accept(ctx context.Context, alerts []tocsin.Alert) ([]cases.Accepted, error) {
	return a.cases.Accept(a.system(ctx), alerts)
}
