package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/tocsinhq/tocsin"
)

const (
	// streamBatch is how many changes are read at a time, streamBacklog how far
	// behind a reader may resume before it is told to read everything anew.
	streamBatch   = 500
	streamBacklog = 20_000
	// streamsEach is how many streams one principal may have open: a person
	// with many tabs.
	streamsEach = 20
	// writeTimeout bounds one write: a reader that does not read loses its stream.
	writeTimeout = 10 * time.Second
)

// streams counts open change streams, all and by principal.
type streams struct {
	most int
	mu   sync.Mutex
	all  int
	by   map[string]int
}

func newStreams(most int) *streams { return &streams{most: most, by: map[string]int{}} }

func (s *streams) enter(who string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= s.most || s.by[who] >= streamsEach {
		return false
	}
	s.all++
	s.by[who]++
	return true
}

func (s *streams) leave(who string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.by[who]--; s.by[who] <= 0 {
		delete(s.by, who)
	}
}

// nounVerbs says who may know that something of a noun changed. What is not
// here needs the right to read the audit log.
var nounVerbs = map[string]tocsin.Verb{
	"incident": tocsin.VerbIncidentRead,
	"alert":    tocsin.VerbAlertRead,
	"rule":     tocsin.VerbRuleRead,
	"intake":   tocsin.VerbIntakeRead,
	"import":   tocsin.VerbIntakeRead,
}

func verbOfNoun(noun string) tocsin.Verb {
	if v, ok := nounVerbs[noun]; ok {
		return v
	}
	return tocsin.VerbAuditRead
}

// changeEvent tells that something changed, never what it says now: the reader
// asks for it, and is checked again.
type changeEvent struct {
	Seq     int64     `json:"seq"`
	Kind    string    `json:"kind"`
	Noun    string    `json:"noun"`
	ID      string    `json:"id"`
	Version int64     `json:"version"`
	At      time.Time `json:"at"`
}

// changes streams the record as server-sent events until the client leaves,
// stops reading, or may no longer read.
func (a *API) changes(w http.ResponseWriter, r *http.Request) error {
	after, resume, err := resumePoint(r)
	if err != nil {
		return err
	}
	who := whoIs(r)
	key := who.Tenant + "/" + who.ID
	if !a.streams.enter(key) {
		return tooMany(30*time.Second, "too many change streams are open")
	}
	defer a.streams.leave(key)
	a.meter.streams.Inc()
	defer a.meter.streams.Dec()
	// Watching begins before the head is read, so that no change falls between.
	wake, stop := a.cfg.Feed.Watch()
	defer stop()
	head, err := a.cfg.Feed.Head(r.Context())
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	s := &stream{a: a, w: w, rc: http.NewResponseController(w), r: r, who: who, at: after}
	if !resume || after > head || head-after > streamBacklog {
		s.at = head
	}
	first := fmt.Sprintf("retry: 2000\n: at %d\n\n", s.at)
	if resume && s.at != after {
		first += fmt.Sprintf("id: %d\nevent: reset\ndata: {\"seq\":%d}\n\n", s.at, s.at)
	}
	if err := s.write(first); err != nil {
		return nil
	}
	s.follow(r.Context(), wake)
	return nil
}

// resumePoint is the last sequence that the client has: of the header that
// browsers send by themselves, else of the query.
func resumePoint(r *http.Request) (int64, bool, error) {
	v := r.Header.Get("Last-Event-ID")
	if v == "" {
		v = r.URL.Query().Get("after")
	}
	if v == "" {
		return 0, false, nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 0 {
		return 0, false, tocsin.Errorf(tocsin.CodeInvalid, "after is the sequence number of the last change seen")
	}
	return n, true, nil
}

type stream struct {
	a   *API
	w   http.ResponseWriter
	rc  *http.ResponseController
	r   *http.Request
	who tocsin.Principal
	at  int64
}

func (s *stream) write(text string) error {
	_ = s.rc.SetWriteDeadline(time.Now().Add(writeTimeout)) // not every connection has deadlines
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.rc.Flush()
}

func (s *stream) follow(ctx context.Context, wake <-chan struct{}) {
	beat := time.NewTicker(s.a.cfg.Heartbeat)
	defer beat.Stop()
	checked := time.Now()
	for {
		// A commit wakes every stream; asking again who is there for each would
		// cost more than the changes, so that is done once a second and with
		// every heartbeat.
		if time.Since(checked) > time.Second {
			if !s.allowed() {
				return
			}
			checked = time.Now()
		}
		if !s.send(ctx) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case _, ok := <-wake:
			if !ok {
				return
			}
		case <-beat.C:
			if !s.allowed() || s.write(": still here\n\n") != nil {
				return
			}
			checked = time.Now()
		}
	}
}

// allowed asks again whether the reader may read: sessions end, tokens are
// revoked, roles are taken away.
func (s *stream) allowed() bool {
	who, err := s.a.cfg.Auth.Recheck(s.r)
	if err != nil || who.ID != s.who.ID || tocsin.Allow(who, tocsin.VerbIncidentRead) != nil {
		_ = s.write("event: bye\ndata: {}\n\n")
		return false
	}
	s.who = who
	return true
}

// send writes what happened since the last time.
func (s *stream) send(ctx context.Context) bool {
	for {
		// In the name of who the reader is by now: what they may see can change
		// while the stream is open.
		as := tocsin.WithPrincipal(ctx, s.who)
		head := s.at
		if s.who.Scoped() {
			var err error
			if head, err = s.a.cfg.Feed.Head(as); err != nil {
				return false
			}
		}
		batch, err := s.a.cfg.Feed.Changes(as, s.at, streamBatch)
		if err != nil {
			return false // the client comes back and resumes
		}
		out := ""
		for i := range batch {
			c := &batch[i]
			s.at = c.Seq
			if !tocsin.Can(s.who, verbOfNoun(c.Noun)) {
				continue
			}
			data, err := json.Marshal(changeEvent{c.Seq, c.Kind, c.Noun, c.ID, c.Version, c.At})
			if err != nil {
				continue
			}
			out += fmt.Sprintf("id: %d\nevent: change\ndata: %s\n\n", c.Seq, data)
		}
		if out != "" && s.write(out) != nil {
			return false
		}
		if len(batch) < streamBatch {
			// What was left out of the lines need not be looked at again.
			s.at = max(s.at, head)
			return true
		}
	}
}
