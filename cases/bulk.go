package cases

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/store"
)

// BulkKind is the kind of the job that makes a bulk change; RunBulk does it.
const BulkKind = "cases.bulk"

const (
	// One transaction of a bulk change is short, so that whoever else writes
	// waits only a moment.
	bulkChunk      = 500
	bulkChunkTime  = 50 * time.Millisecond
	bulkPause      = 5 * time.Millisecond
	bulkTurn       = 5 * time.Second // then other jobs have their turn
	maxBulkAnswers = 1000
	maxBulkList    = 50
)

// BulkAsk chooses incidents or alerts and says what to change of each: those
// with these ids, or, when Query is given, all that match it now.
type BulkAsk struct {
	Noun   string // "incident" or "alert"
	IDs    []string
	Query  *tocsin.Query
	Asked  string // the query in the words in which it was asked, for people
	Change tocsin.BulkChange
}

// AskBulk fixes which things a bulk change is about and has a job make it, in
// the name of the principal and with the rights that they have then. What is
// wrong with the change for all of them is an error now; what is wrong for one
// is told with that one.
func (c *Cases) AskBulk(ctx context.Context, ask BulkAsk) (b tocsin.Bulk, err error) {
	if ask.Noun != "incident" && ask.Noun != "alert" {
		return b, tocsin.Errorf(tocsin.CodeInvalid, "there is no bulk change of %q", ask.Noun)
	}
	if err := checkBulk(ask.Noun, &ask.Change); err != nil {
		return b, err
	}
	ids, err := c.chosen(ctx, ask)
	if err != nil {
		return b, err
	}
	b = tocsin.Bulk{Noun: ask.Noun, Asked: ask.Asked, Change: ask.Change}
	err = c.st.Update(ctx, func(tx *store.Tx) error {
		if ask.Change.AssignedTo != nil {
			if _, err := owner(tx, *ask.Change.AssignedTo); err != nil {
				return err
			}
		}
		return c.beginBulk(tx, &b, ids, "asked", fmt.Sprintf("Change of %s asked for", plural(int64(len(ids)), ask.Noun)))
	})
	return b, err
}

func (c *Cases) beginBulk(tx *store.Tx, b *tocsin.Bulk, ids []string, kind, summary string) error {
	b.Asker = tx.Principal()
	if err := tx.CreateBulk(b, ids); err != nil {
		return err
	}
	key := strconv.FormatInt(b.ID, 10)
	after := object("bulk", b.ID, "noun", b.Noun, "total", b.Total, "asked", b.Asked, "change", b.Change)
	if b.UndoOf != 0 {
		after = object("bulk", b.ID, "noun", b.Noun, "total", b.Total, "undoOf", b.UndoOf)
	}
	if _, err := tx.Append(tocsin.Change{Noun: "bulk", ID: key, Kind: kind, Summary: summary, After: after}); err != nil {
		return err
	}
	return tx.Enqueue(store.Job{Kind: BulkKind, Key: key})
}

// chosen are the ids that were asked for, each once.
func (c *Cases) chosen(ctx context.Context, ask BulkAsk) (ids []string, err error) {
	if ask.Query == nil {
		if len(ask.IDs) == 0 || len(ask.IDs) > tocsin.MaxBulkNamed {
			return nil, tocsin.Errorf(tocsin.CodeInvalid, "1 to %d can be named at once, not %d", tocsin.MaxBulkNamed, len(ask.IDs))
		}
		seen := map[string]bool{}
		for _, id := range ask.IDs {
			id = strings.TrimSpace(id)
			if id == "" || len(id) > 128 || !utf8.ValidString(id) {
				return nil, tocsin.Errorf(tocsin.CodeInvalid, "%q is no id", id)
			}
			if ask.Noun == "incident" {
				if _, err := strconv.ParseInt(id, 10, 64); err != nil {
					return nil, tocsin.Errorf(tocsin.CodeInvalid, "%q is no number of an incident", id)
				}
			}
			if !seen[id] {
				seen[id] = true
				ids = append(ids, id)
			}
		}
		return ids, nil
	}
	err = c.st.View(ctx, func(tx *store.Tx) error {
		ids, err = tx.Matching(ask.Noun, *ask.Query, tocsin.MaxBulkMatched)
		return err
	})
	if err == nil && len(ids) > tocsin.MaxBulkMatched {
		err = tocsin.Errorf(tocsin.CodeLimit, "more than %d match: narrow the filter", tocsin.MaxBulkMatched)
	}
	if err == nil && len(ids) == 0 {
		err = tocsin.Errorf(tocsin.CodeInvalid, "nothing matches")
	}
	return ids, err
}

// checkBulk refuses what would be refused for each, and puts tags and texts in
// order.
func checkBulk(noun string, ch *tocsin.BulkChange) (err error) {
	ch.Comment = strings.TrimSpace(strings.ToValidUTF8(ch.Comment, "\uFFFD"))
	if ch.AddTags, err = cleanTags(ch.AddTags); err != nil {
		return err
	}
	if ch.RemoveTags, err = cleanTags(ch.RemoveTags); err != nil {
		return err
	}
	if ch.Empty() {
		return tocsin.Errorf(tocsin.CodeInvalid, "nothing is asked to be changed")
	}
	if utf8.RuneCountInString(ch.Comment) > tocsin.MaxCommentRunes {
		return tocsin.Errorf(tocsin.CodeLimit, "a comment takes at most %d characters", tocsin.MaxCommentRunes)
	}
	if ch.ResolvingComment != nil && utf8.RuneCountInString(*ch.ResolvingComment) > maxTextRunes {
		return tocsin.Errorf(tocsin.CodeLimit, "a resolution note takes at most %d characters", maxTextRunes)
	}
	if ch.Severity != nil && (*ch.Severity == tocsin.SeverityUnknown || !slices.Contains(tocsin.Severities, *ch.Severity)) {
		return tocsin.Errorf(tocsin.CodeInvalid, "unknown severity %q", *ch.Severity)
	}
	if ch.Classification != nil {
		d := tocsin.DetUnknown
		if ch.Determination != nil {
			d = *ch.Determination
		}
		if err := tocsin.CheckDetermination(*ch.Classification, d); err != nil {
			return err
		}
	}
	if noun == "alert" {
		if ch.Severity != nil || ch.ResolvingComment != nil || len(ch.AddTags)+len(ch.RemoveTags) > 0 {
			return tocsin.Errorf(tocsin.CodeInvalid, "severity, tags and resolution note belong to incidents")
		}
		if ch.Status != nil && !slices.Contains(tocsin.AlertStatuses, tocsin.AlertStatus(*ch.Status)) {
			return tocsin.Errorf(tocsin.CodeInvalid, "unknown alert status %q", *ch.Status)
		}
		return nil
	}
	if ch.Status != nil {
		some := tocsin.Incident{Status: tocsin.IncidentActive}
		return some.CheckMove(tocsin.IncidentStatus(*ch.Status))
	}
	return nil
}

// mayBulk reports whether p may see a bulk change: who asked for it, and who
// may read the whole record.
func mayBulk(p tocsin.Principal, b *tocsin.Bulk) bool {
	return b.Asker.ID == p.ID || tocsin.Can(p, tocsin.VerbAuditRead)
}

func visibleBulk(tx *store.Tx, id int64) (tocsin.Bulk, error) {
	b, err := tx.Bulk(id)
	if err == nil && !mayBulk(tx.Principal(), &b) {
		// Others are not told that it exists.
		return tocsin.Bulk{}, tocsin.Errorf(tocsin.CodeNotFound, "there is no bulk change %d", id)
	}
	return b, err
}

// Bulk is a bulk change that the principal asked for, and how far it is;
// CodeNotFound for another's, unless the principal may read the record.
func (c *Cases) Bulk(ctx context.Context, id int64) (b tocsin.Bulk, err error) {
	err = c.st.View(ctx, func(tx *store.Tx) error {
		b, err = visibleBulk(tx, id)
		return err
	})
	return b, err
}

// Bulks are the latest 50 bulk changes that the principal asked for, newest
// first.
func (c *Cases) Bulks(ctx context.Context) (out []tocsin.Bulk, err error) {
	err = c.st.View(ctx, func(tx *store.Tx) error {
		out, err = tx.BulksOf(tx.Principal().ID, maxBulkList)
		return err
	})
	return out, err
}

// BulkItems are what became of the things of a bulk change, behind a position
// (-1: from the first), at most top (1,000 at most); of one state unless that
// is "".
func (c *Cases) BulkItems(ctx context.Context, id int64, state tocsin.BulkItemState, after int64, top int) (out []tocsin.BulkItem, err error) {
	if state != "" && !slices.Contains(tocsin.BulkItemStates, state) {
		return nil, tocsin.Errorf(tocsin.CodeInvalid, "unknown state %q", state)
	}
	err = c.st.View(ctx, func(tx *store.Tx) error {
		if _, err := visibleBulk(tx, id); err != nil {
			return err
		}
		out, err = tx.BulkItems(id, state, after, min(max(top, 1), maxBulkAnswers))
		return err
	})
	return out, err
}

// CancelBulk ends a bulk change that is running; what was changed stays
// changed, and can be undone. One that has ended is an error of CodeConflict.
func (c *Cases) CancelBulk(ctx context.Context, id int64) (b tocsin.Bulk, err error) {
	err = c.st.Update(ctx, func(tx *store.Tx) error {
		if b, err = visibleBulk(tx, id); err != nil {
			return err
		}
		if b.State != tocsin.BulkRunning {
			return tocsin.Errorf(tocsin.CodeConflict, "this bulk change has ended already")
		}
		b.State, b.Finished = tocsin.BulkCancelled, tx.Now()
		if err := tx.SaveBulk(&b); err != nil {
			return err
		}
		_, err := tx.Append(tocsin.Change{Noun: "bulk", ID: strconv.FormatInt(id, 10), Kind: "cancelled",
			Before: object("state", tocsin.BulkRunning), After: object("state", b.State, "done", b.Done, "total", b.Total),
			Summary: fmt.Sprintf("Change of %s cancelled after %d", plural(b.Total, b.Noun), b.Done)})
		return err
	})
	return b, err
}

// UndoBulk asks for a bulk change to be taken back: a second one that gives
// each thing that was changed back what it had, property by property, where
// nobody changed that since. One that runs, that was undone already, or that is
// an undo itself is an error of CodeConflict.
func (c *Cases) UndoBulk(ctx context.Context, id int64) (b tocsin.Bulk, err error) {
	var ids []string
	err = c.st.View(ctx, func(tx *store.Tx) error {
		of, err := visibleBulk(tx, id)
		if err != nil {
			return err
		}
		if of.State == tocsin.BulkRunning {
			return tocsin.Errorf(tocsin.CodeConflict, "this bulk change is still running; cancel it first")
		}
		for after := int64(-1); ; {
			items, err := tx.BulkItems(id, tocsin.BulkChanged, after, maxBulkAnswers)
			if err != nil {
				return err
			}
			if len(items) == 0 {
				return nil
			}
			for _, it := range items {
				ids = append(ids, undoID(it))
			}
			after = items[len(items)-1].Position
		}
	})
	if err != nil {
		return b, err
	}
	err = c.st.Update(ctx, func(tx *store.Tx) error {
		of, err := visibleBulk(tx, id)
		if err != nil {
			return err
		}
		switch {
		case of.UndoOf != 0:
			return tocsin.Errorf(tocsin.CodeConflict, "an undo cannot be undone; ask for the change again")
		case of.UndoneBy != 0:
			return tocsin.Errorf(tocsin.CodeConflict, "this bulk change was undone already")
		case len(ids) == 0:
			return tocsin.Errorf(tocsin.CodeConflict, "this bulk change changed nothing")
		}
		b = tocsin.Bulk{Noun: of.Noun, UndoOf: id}
		if err := c.beginBulk(tx, &b, ids, "undoAsked", fmt.Sprintf("Undo of the change of %s asked for", plural(int64(len(ids)), of.Noun))); err != nil {
			return err
		}
		of.UndoneBy = b.ID
		return tx.SaveBulk(&of)
	})
	return b, err
}

// undoID is how an undo names a thing: by its place in what is undone, too.
func undoID(it tocsin.BulkItem) string { return strconv.FormatInt(it.Position, 10) + " " + it.ItemID }

// RunBulk is the handler of the jobs of BulkKind. It may be run again at any
// time: how far it came is written in the transaction of what it did.
func (c *Cases) RunBulk(ctx context.Context, job store.Claim) error {
	id, err := strconv.ParseInt(job.Key, 10, 64)
	if err != nil {
		return fmt.Errorf("bulk change %q: %w", job.Key, err)
	}
	var b tocsin.Bulk
	if err := c.st.View(ctx, func(tx *store.Tx) error {
		b, err = tx.Bulk(id)
		return err
	}); err != nil {
		return err
	}
	turn := time.Now()
	as := tocsin.WithPrincipal(ctx, b.Asker)
	for {
		more := false
		again := time.Since(turn) > bulkTurn
		if err := c.st.Update(as, func(tx *store.Tx) error {
			if more, err = c.bulkStep(tx, id); err != nil || !more || !again {
				return err
			}
			return tx.Enqueue(store.Job{Kind: BulkKind, Key: job.Key})
		}); err != nil {
			return fmt.Errorf("bulk change %d: %w", id, err)
		}
		if !more || again {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(bulkPause):
		}
	}
}

// bulkStep does one transaction's worth of a bulk change, and tells whether
// there is more.
func (c *Cases) bulkStep(tx *store.Tx, id int64) (more bool, err error) {
	b, err := tx.Bulk(id)
	if err != nil || b.State != tocsin.BulkRunning {
		return false, err
	}
	r := bulkRun{c: c, tx: tx, b: &b, owed: map[int64]*owing{}}
	r.refusal = r.rights()
	ids, err := tx.BulkIDs(id, b.Done)
	if err != nil {
		return false, err
	}
	begun := time.Now()
	for n, item := range ids[:min(len(ids), bulkChunk)] {
		if n > 0 && time.Since(begun) > bulkChunkTime {
			break
		}
		if err := r.one(item); err != nil {
			return false, err
		}
	}
	if err := r.settle(); err != nil {
		return false, err
	}
	if len(ids) == 0 || b.Done >= b.Total {
		b.State, b.Finished = tocsin.BulkDone, tx.Now()
		what := "Change"
		if b.UndoOf != 0 {
			what = "Undo"
		}
		if _, err := tx.Append(tocsin.Change{Noun: "bulk", ID: strconv.FormatInt(id, 10), Kind: "finished",
			Before:  object("state", tocsin.BulkRunning),
			After:   object("state", b.State, "changed", b.Changed, "unchanged", b.Unchanged, "refused", b.Refused),
			Summary: fmt.Sprintf("%s of %s done: %d changed, %d were so already, %d refused", what, plural(b.Total, b.Noun), b.Changed, b.Unchanged, b.Refused)}); err != nil {
			return false, err
		}
	}
	return b.State == tocsin.BulkRunning, tx.SaveBulk(&b)
}

// bulkRun is one transaction of a bulk change.
type bulkRun struct {
	c       *Cases
	tx      *store.Tx
	b       *tocsin.Bulk
	refusal error // why everything is refused; nil when it is not
	owed    map[int64]*owing
	order   []int64 // of owed
}

// owing is what an incident has to be told of its alerts: an incident with
// thousands of them is counted once a transaction and not once an alert.
type owing struct {
	inc   tocsin.Incident
	lines []tocsin.Change
}

// refusable are the kinds of failure that concern one thing only.
func refusable(err error) bool {
	switch tocsin.CodeOf(err) {
	case tocsin.CodeInvalid, tocsin.CodeForbidden, tocsin.CodeNotFound, tocsin.CodeConflict, tocsin.CodeLimit:
		return true
	}
	return false
}

// one deals with the next thing and notes what became of it.
func (r *bulkRun) one(item string) error {
	it := tocsin.BulkItem{Position: r.b.Done, ItemID: item}
	var err error
	if r.b.UndoOf != 0 {
		pos, id, _ := strings.Cut(item, " ")
		it.ItemID = id
		at, e := strconv.ParseInt(pos, 10, 64)
		if e != nil {
			return fmt.Errorf("item %q of an undo: %w", item, e)
		}
		if err = r.refusal; err == nil {
			err = r.undo(&it, at)
		}
	} else if err = r.refusal; err == nil {
		err = r.change(&it)
	}
	if err != nil {
		if !refusable(err) {
			return err
		}
		it.State, it.Reason, it.Undo = tocsin.BulkRefused, tocsin.Message(err), nil
	}
	switch it.State {
	case tocsin.BulkChanged:
		r.b.Changed++
	case tocsin.BulkUnchanged:
		r.b.Unchanged++
	default:
		r.b.Refused++
	}
	r.b.Done++
	return r.tx.PutBulkItem(r.b.ID, it)
}

// mark puts the number of the bulk change into the lines of the record.
func (r *bulkRun) mark(lines []tocsin.Change) []tocsin.Change {
	head := `{"bulk":` + strconv.FormatInt(r.b.ID, 10)
	for i := range lines {
		after := string(lines[i].After)
		switch {
		case after == "" || after == "{}" || after == "null":
			after = head + `}`
		case after[0] == '{':
			after = head + `,` + after[1:]
		}
		lines[i].After = json.RawMessage(after)
	}
	return lines
}
