package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tocsinhq/tocsin"
)

// PresenceLasts is how long somebody counts as present after the last sign.
const PresenceLasts = 30 * time.Second

// maxPresent is how many are kept of one thing; nobody reads a longer list.
const maxPresent = 100

// Presence knows who is looking at what. One process keeps it in memory;
// several can share one that asks elsewhere.
type Presence interface {
	// Touch says that somebody is there, and returns who else is, longest
	// there first.
	Touch(ctx context.Context, tenant, thing string, who Present) ([]Present, error)
	// Leave says that somebody is gone.
	Leave(ctx context.Context, tenant, thing string, who Present) error
}

// Present is somebody who looks at a thing, in one window of theirs.
type Present struct {
	UserName    string
	DisplayName string
	Client      string // the window
	Editing     bool
	Since       time.Time
}

type presenceKey struct{ tenant, thing, user, client string }

type seen struct {
	who  Present
	last time.Time
}

// memoryPresence is the presence of one process.
type memoryPresence struct {
	now func() time.Time
	mu  sync.Mutex
	at  map[presenceKey]seen
}

// NewPresence keeps presence in memory.
func NewPresence(now func() time.Time) Presence {
	return &memoryPresence{now: now, at: map[presenceKey]seen{}}
}

func (m *memoryPresence) Touch(_ context.Context, tenant, thing string, who Present) ([]Present, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	me := presenceKey{tenant, thing, who.UserName, who.Client}
	var others []Present
	for k, s := range m.at {
		switch {
		case now.Sub(s.last) > PresenceLasts:
			delete(m.at, k)
		case k.tenant == tenant && k.thing == thing && k != me:
			others = append(others, s.who)
		}
	}
	who.Since = now
	if had, ok := m.at[me]; ok {
		who.Since = had.who.Since
	}
	if len(others) < maxPresent {
		m.at[me] = seen{who, now}
	}
	slices.SortFunc(others, func(a, b Present) int {
		return cmp.Or(a.Since.Compare(b.Since), strings.Compare(a.UserName, b.UserName), strings.Compare(a.Client, b.Client))
	})
	return others, nil
}

func (m *memoryPresence) Leave(_ context.Context, tenant, thing string, who Present) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.at, presenceKey{tenant, thing, who.UserName, who.Client})
	return nil
}

type presenceBody struct {
	Client  string `json:"client,omitempty"`
	Editing bool   `json:"editing,omitempty"`
}

type presentAnswer struct {
	UserName    string    `json:"userName"`
	DisplayName string    `json:"displayName"`
	Editing     bool      `json:"editing"`
	Since       time.Time `json:"sinceDateTime"`
	Self        bool      `json:"self"` // another window of one's own
}

func (a *API) presentAt(r *http.Request) (thing string, who Present, err error) {
	p := whoIs(r)
	// Only who may read the incident learns who else does.
	if err := tocsin.Allow(p, tocsin.VerbIncidentRead); err != nil {
		return "", who, err
	}
	id, err := incidentID(r)
	if err != nil {
		return "", who, err
	}
	if _, err := a.cfg.Cases.Incident(r.Context(), id, false); err != nil {
		return "", who, err
	}
	return "incident/" + r.PathValue("id"), Present{UserName: p.UserName, DisplayName: cmp.Or(p.DisplayName, p.UserName)}, nil
}

func (a *API) touchPresence(w http.ResponseWriter, r *http.Request) error {
	var in presenceBody
	if err := decodeBody(r, &in); err != nil {
		return err
	}
	if len(in.Client) > 64 {
		return tocsin.Errorf(tocsin.CodeInvalid, "client is at most 64 characters long")
	}
	thing, me, err := a.presentAt(r)
	if err != nil {
		return err
	}
	me.Client, me.Editing = in.Client, in.Editing
	others, err := a.cfg.Presence.Touch(r.Context(), whoIs(r).Tenant, thing, me)
	if err != nil {
		return err
	}
	out := valueOf[presentAnswer]{Value: []presentAnswer{}}
	for _, o := range others {
		out.Value = append(out.Value, presentAnswer{o.UserName, o.DisplayName, o.Editing, o.Since, o.UserName == me.UserName})
	}
	return writeJSON(w, http.StatusOK, out)
}

func (a *API) leavePresence(w http.ResponseWriter, r *http.Request) error {
	thing, me, err := a.presentAt(r)
	if err != nil {
		return err
	}
	me.Client = r.URL.Query().Get("client")
	if err := a.cfg.Presence.Leave(r.Context(), whoIs(r).Tenant, thing, me); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// Being there changes nothing that is kept, so readers may say it; the handlers
// ask for the permission to read the incident.
var presenceRoutes = []route{
	{id: "touchPresence", method: "PUT", path: "/api/v1/incidents/{id}/presence", verb: tocsin.VerbSession, tag: "cases",
		doc: "Says that one looks at an incident, for 30 seconds, and answers who else does", in: is[presenceBody](), out: is[valueOf[presentAnswer]](), handle: (*API).touchPresence},
	{id: "leavePresence", method: "DELETE", path: "/api/v1/incidents/{id}/presence", verb: tocsin.VerbSession, tag: "cases",
		doc: "Says that one looks at an incident no more", params: []param{query("client", "string", "the window")}, status: http.StatusNoContent, handle: (*API).leavePresence},
}
