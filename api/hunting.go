package api

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/lake"
)

// HuntEngine answers queries; *lake.Lake is one.
type HuntEngine interface {
	Hunt(ctx context.Context, src string, opts lake.HuntOptions, sink lake.HuntSink) (lake.HuntStats, error)
	CheckHunt(ctx context.Context, src string, opts lake.HuntOptions) (*kql.Bound, error)
	HuntCatalog(p tocsin.Principal, functions map[string]kql.FunctionDef) kql.Catalog
}

// HuntStore keeps the history and what people saved; *store.Store is one. All
// of it is of the tenant of ctx.
type HuntStore interface {
	// RecordHunt adds a query to the history, with its line in the record.
	RecordHunt(ctx context.Context, run tocsin.HuntRun) error
	// HuntHistory lists the latest queries, newest first: those of everybody, or
	// of one user when userID is not empty.
	HuntHistory(ctx context.Context, userID string, limit int) ([]tocsin.HuntRun, error)
	// SavedQueries lists what the principal saved and what is shared with it,
	// by name.
	SavedQueries(ctx context.Context) ([]tocsin.SavedQuery, error)
	// SaveQuery adds one, when its ID is empty, or changes it; others' only with
	// manage, and then only shared ones.
	SaveQuery(ctx context.Context, q tocsin.SavedQuery, manage bool) (tocsin.SavedQuery, error)
	DeleteSavedQuery(ctx context.Context, id string, manage bool) error
}

// Hunter is the one way to ask a hunting query, for every door: it gives the
// query the functions that the principal of ctx saved or that are shared, and
// notes it in the history and the record, however it ends.
type Hunter struct {
	Engine HuntEngine
	Store  HuntStore
	Now    func() time.Time
	Log    *slog.Logger
}

// recordTime bounds writing the history after a query whose asker may be gone.
const recordTime = 10 * time.Second

// Run answers src, as lake.Hunt does, with opts.Interface naming the door. The
// error has its answer over HTTP with it (see huntProblem), and unwraps to what
// lake.Hunt returned.
func (h *Hunter) Run(ctx context.Context, src string, opts lake.HuntOptions, sink lake.HuntSink) (lake.HuntStats, error) {
	who, _ := tocsin.PrincipalFrom(ctx)
	if err := tocsin.Allow(who, tocsin.VerbHunt); err != nil {
		return lake.HuntStats{}, err
	}
	var err error
	if opts.Functions, err = h.Functions(ctx); err != nil {
		return lake.HuntStats{}, err
	}
	start, began := h.Now().UTC(), time.Now()
	stats, err := h.Engine.Hunt(ctx, src, opts, sink)
	err = h.problem(ctx, err)
	if stats.Elapsed == 0 {
		stats.Elapsed = time.Since(began)
	}
	run := tocsin.HuntRun{Time: start, Query: src, Elapsed: stats.Elapsed, CPU: stats.CPU, State: huntState(ctx, err), Resource: stats.Resource,
		Rows: stats.Rows, Interface: opts.Interface, User: who.UserName, UserID: who.ID, Tables: stats.Tables, From: opts.From, To: opts.To}
	if err != nil {
		run.Error = huntMessage(err)
	}
	h.record(ctx, run)
	return stats, err
}

// record writes the history. A query that was answered stays answered when
// that fails.
func (h *Hunter) record(ctx context.Context, run tocsin.HuntRun) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	if err := h.Store.RecordHunt(ctx, run); err != nil {
		h.Log.LogAttrs(ctx, slog.LevelError, "a hunting query is missing in the history", slog.String("user", run.User), slog.Any("err", err))
	}
}

// Check says what a query means to the principal of ctx, without running it.
func (h *Hunter) Check(ctx context.Context, src string, opts lake.HuntOptions) (*kql.Bound, error) {
	var err error
	if opts.Functions, err = h.Functions(ctx); err != nil {
		return nil, err
	}
	return h.Engine.CheckHunt(ctx, src, opts)
}

// Catalog is what the queries of the principal of ctx may name.
func (h *Hunter) Catalog(ctx context.Context) (kql.Catalog, error) {
	who, _ := tocsin.PrincipalFrom(ctx)
	functions, err := h.Functions(ctx)
	if err != nil {
		return nil, err
	}
	return h.Engine.HuntCatalog(who, functions), nil
}

// Functions are the saved functions that the principal of ctx may call. Its
// own come before a shared one of the same name.
func (h *Hunter) Functions(ctx context.Context) (map[string]kql.FunctionDef, error) {
	who, _ := tocsin.PrincipalFrom(ctx)
	saved, err := h.Store.SavedQueries(ctx)
	if err != nil {
		return nil, err
	}
	functions := map[string]kql.FunctionDef{}
	for _, q := range saved {
		if _, have := functions[q.Name]; q.Kind != tocsin.SavedFunctionKind || have && q.OwnerID != who.ID {
			continue
		}
		functions[q.Name] = functionDef(q)
	}
	return functions, nil
}

func functionDef(q tocsin.SavedQuery) kql.FunctionDef {
	return kql.FunctionDef{Name: q.Name, Text: "(" + bareParameters(q.Parameters) + ") {\n" + q.Text + "\n}", Doc: q.Description}
}

// bareParameters are parameters without the parentheses around them, which
// people write or leave out.
func bareParameters(text string) string {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "(") && strings.HasSuffix(text, ")") && closing(text) == len(text)-1 {
		return strings.TrimSpace(text[1 : len(text)-1])
	}
	return text
}

// closing is where the parenthesis closes that text opens with; -1 when it
// does not.
func closing(text string) int {
	depth, quote := 0, byte(0)
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quote != 0:
			if c == '\\' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

func huntState(ctx context.Context, err error) tocsin.HuntState {
	switch {
	case err == nil:
		return tocsin.HuntCompleted
	case errors.Is(err, lake.ErrHuntQuota), errors.Is(err, lake.ErrHuntBusy):
		return tocsin.HuntThrottled
	case ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)), errors.Is(err, errReaderGone):
		return tocsin.HuntCancelled
	}
	return tocsin.HuntFailed
}

// huntMessage is what the one who asked is told: of a bad query, its first
// mistake.
func huntMessage(err error) string {
	var diags *kql.Diagnostics
	if errors.As(err, &diags) {
		for _, d := range diags.List {
			if !d.Warning {
				return d.Msg
			}
		}
		return "the query is not valid"
	}
	return tocsin.Message(err)
}

func mayManage(p tocsin.Principal) bool { return tocsin.Can(p, tocsin.VerbRuleManage) }
