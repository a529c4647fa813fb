package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tocsinhq/tocsin"
)

const changeColumns = `seq, tenant, at, actor_kind, actor_name, noun, noun_id, version, kind, summary, before, after, alert_id, prev, hash`

// MaxChanges is how many lines Changes returns at most.
const MaxChanges = 1000

func scanChange(rows *sql.Rows) (tocsin.Change, error) {
	var c tocsin.Change
	var at int64
	var before, after string
	err := rows.Scan(&c.Seq, &c.Tenant, &at, &c.Actor.Kind, &c.Actor.Name, &c.Noun, &c.ID, &c.Version, &c.Kind, &c.Summary, &before, &after, &c.AlertID, &c.Prev, &c.Hash)
	c.At = fromMicros(at)
	if before != "" {
		c.Before = json.RawMessage(before)
	}
	if after != "" {
		c.After = json.RawMessage(after)
	}
	return c, err
}

// Append adds a line to the record. It fills Seq, Tenant, At, Prev and Hash,
// and Actor when the caller left it empty, and returns the line as written.
func (tx *Tx) Append(c tocsin.Change) (tocsin.Change, error) {
	if !tx.write {
		return c, errReadOnly
	}
	if err := tx.readHead(); err != nil {
		return c, err
	}
	c.Seq, c.Tenant, c.At, c.Prev = tx.headSeq+1, tx.who.Tenant, tx.now, tx.headHash
	if c.Actor == (tocsin.Actor{}) {
		c.Actor = tx.who.Actor()
	}
	plain(&c)
	c.Hash = c.ComputeHash()
	tx.lines = append(tx.lines, c)
	tx.headSeq, tx.headHash, tx.appended = c.Seq, c.Hash, true
	return c, nil
}

// plain makes the texts of a line whole UTF-8, so that an export can say them
// exactly and its hashes be recomputed by others.
func plain(c *tocsin.Change) {
	for _, s := range []*string{&c.Actor.Name, &c.ID, &c.Kind, &c.Summary, &c.AlertID} {
		if !utf8.ValidString(*s) {
			*s = strings.ToValidUTF8(*s, "\uFFFD")
		}
	}
	for _, v := range []*json.RawMessage{&c.Before, &c.After} {
		if !utf8.Valid(*v) {
			*v = bytes.ToValidUTF8(*v, []byte("\uFFFD"))
		}
	}
}

// readHead reads the newest line of the record, once a transaction.
func (tx *Tx) readHead() error {
	if tx.headKnown {
		return nil
	}
	// Read inside the transaction, whose lock keeps other writers out, also
	// those of another process: numbers are taken in the order of commits.
	_, err := tx.one(`SELECT seq, hash FROM change WHERE $1 <> '' ORDER BY seq DESC LIMIT 1`, nil, &tx.headSeq, &tx.headHash)
	if err != nil {
		return fmt.Errorf("read the head of the record: %w", err)
	}
	tx.headKnown = true
	return nil
}

// settleLines writes the lines before a statement that reads the record.
func (tx *Tx) settleLines(q string) error {
	if len(tx.lines) == 0 || !strings.Contains(q, "change") {
		return nil
	}
	return tx.writeLines()
}

// writeLines writes the lines that were appended. They are gathered until the
// transaction ends, since many rows at once cost a third of what they cost one
// by one.
func (tx *Tx) writeLines() error {
	lines := tx.lines
	tx.lines = nil
	if len(lines) == 0 {
		return nil
	}
	rows := make([]any, 0, 14*len(lines))
	for i := range lines {
		c := &lines[i]
		rows = append(rows, c.Seq, micros(c.At), string(c.Actor.Kind), c.Actor.Name, c.Noun, c.ID, c.Version, c.Kind, c.Summary,
			string(c.Before), string(c.After), c.AlertID, c.Prev, c.Hash)
	}
	err := tx.execRows(`INSERT INTO change (tenant, seq, at, actor_kind, actor_name, noun, noun_id, version, kind, summary, before, after, alert_id, prev, hash) VALUES `,
		14, "", rows)
	if err != nil {
		return fmt.Errorf("append to the record: %w", err)
	}
	return nil
}

// ChangesOf are the lines about the things of one noun with these ids, after
// seq, oldest first, at most limit; of a limited principal those of them that
// it may read.
func (tx *Tx) ChangesOf(noun string, ids []string, after int64, limit int) (cs []tocsin.Change, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := tx.queryOnce(`SELECT `+changeColumns+` FROM change WHERE tenant = $1 AND noun = $2
		AND seq > $3 AND noun_id IN `+inList(5, len(ids))+` ORDER BY seq LIMIT $4`, append([]any{noun, after, limit}, anys(ids)...)...)
	err = each(rows, err, func(rows *sql.Rows) error {
		c, err := scanChange(rows)
		cs = append(cs, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	return tx.narrowChanges(cs)
}

// ChangesSince are the lines about one thing behind a version of it, oldest
// first, at most limit.
func (tx *Tx) ChangesSince(noun, id string, version int64, limit int) (cs []tocsin.Change, err error) {
	rows, err := tx.query(`SELECT `+changeColumns+` FROM change WHERE tenant = $1 AND noun = $2 AND noun_id = $3 AND version > $4 ORDER BY seq LIMIT $5`,
		noun, id, version, limit)
	err = each(rows, err, func(rows *sql.Rows) error {
		c, err := scanChange(rows)
		cs = append(cs, c)
		return err
	})
	return cs, err
}

// Changes are the lines of ctx's tenant after seq, oldest first, at most limit
// and never more than MaxChanges; of a limited principal those of them that it
// may read.
func (s *Store) Changes(ctx context.Context, after int64, limit int) (cs []tocsin.Change, err error) {
	if limit <= 0 || limit > MaxChanges {
		limit = MaxChanges
	}
	err = s.View(ctx, func(tx *Tx) error {
		for {
			part, err := tx.changes(after, limit-len(cs))
			if err != nil || len(part) == 0 {
				return err
			}
			after = part[len(part)-1].Seq
			if tx.scope == nil {
				cs = part
				return nil
			}
			// What is left out makes room for what comes after.
			if part, err = tx.narrowChanges(part); err != nil {
				return err
			}
			if cs = append(cs, part...); len(cs) >= limit {
				return nil
			}
		}
	})
	return cs, err
}

func (tx *Tx) changes(after int64, limit int) (cs []tocsin.Change, err error) {
	rows, err := tx.query(`SELECT `+changeColumns+` FROM change WHERE tenant = $1 AND seq > $2 ORDER BY seq LIMIT $3`, after, limit)
	err = each(rows, err, func(rows *sql.Rows) error {
		c, err := scanChange(rows)
		cs = append(cs, c)
		return err
	})
	return cs, err
}

// Head is the sequence of the newest line of ctx's tenant, 0 when there is none.
func (s *Store) Head(ctx context.Context) (seq int64, err error) {
	err = s.View(ctx, func(tx *Tx) error {
		_, err := tx.one(`SELECT coalesce(max(seq), 0) FROM change WHERE tenant = $1`, nil, &seq)
		return err
	})
	return seq, err
}

// Watch returns a channel that holds a token whenever lines were committed
// since it was last read. It tells that there is something, never what: the
// reader asks Changes, so a wake-up that comes late or twice does no harm.
// cancel must be called.
func (s *Store) Watch() (wake <-chan struct{}, cancel func()) {
	ch := make(chan struct{}, 1)
	s.mu.Lock()
	s.watchers[ch] = true
	s.mu.Unlock()
	return ch, func() {
		s.mu.Lock()
		delete(s.watchers, ch)
		s.mu.Unlock()
	}
}

func (s *Store) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ch := range s.watchers {
		select {
		case ch <- struct{}{}:
		default: // a token lies there already
		}
	}
}

// Mark is one known point of the record, noted down outside of the store.
type Mark = tocsin.Mark

// VerifyChain recomputes the whole record, of all tenants. It returns how many
// lines are sound and the first that is not, as it stands in the store; a gap
// is reported at the line after it. A cut tail leaves a sound chain: it shows
// only against a mark that was published earlier.
func (s *Store) VerifyChain(ctx context.Context, marks ...Mark) (n int64, bad *tocsin.Fault, err error) {
	chain, bad, err := s.CheckChain(ctx, marks...)
	return chain.Lines, bad, err
}

// CheckChain is VerifyChain that tells of the chain as far as it is sound.
func (s *Store) CheckChain(ctx context.Context, marks ...Mark) (chain tocsin.Chain, bad *tocsin.Fault, err error) {
	chain.Expect(marks...)
	rows, err := s.r.QueryContext(ctx, `SELECT `+changeColumns+` FROM change ORDER BY seq`)
	err = each(rows, err, func(rows *sql.Rows) error {
		if bad != nil {
			return nil
		}
		c, err := scanChange(rows)
		if err == nil {
			bad = chain.Add(&c)
		}
		return err
	})
	if err == nil && bad == nil {
		bad = chain.End()
	}
	return chain, bad, err
}

// ChainHead is the newest line of the whole record, of whatever tenant: its
// number, hash and time, all zero when there is none.
func (s *Store) ChainHead(ctx context.Context) (m Mark, at time.Time, err error) {
	var us int64
	rows, err := s.r.QueryContext(ctx, `SELECT seq, hash, at FROM change ORDER BY seq DESC LIMIT 1`)
	err = each(rows, err, func(rows *sql.Rows) error { return rows.Scan(&m.Seq, &m.Hash, &us) })
	return m, fromMicros(us), err
}
