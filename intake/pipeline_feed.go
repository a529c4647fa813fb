package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/detect"
	"github.com/tocsinhq/tocsin/lake"
)

// feed takes the records of one request of a shipper and stores them together:
// what an import does to a leaf, without progress.
type feed struct {
	in    *Intake
	leaf  *importLeaf
	chunk decodedChunk
	at    int64
}

// newFeed starts a feed. The body gives its rows their identity, so that a
// request that is sent again makes rows of the same name.
func (in *Intake) newFeed(source string, body []byte) *feed {
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	leaf := &importLeaf{path: source, source: hash, name: source, format: formatJSON, ids: newRowIDs(hash, source)}
	leaf.decoder = newLeafDecoder(leaf)
	return &feed{in: in, leaf: leaf}
}

// add takes one JSON record, or with table set a row of that hunting table. It
// gives back why the record is refused, "" for none; refused or not, it is
// kept.
func (f *feed) add(raw []byte, table string) string {
	if table == "" {
		table = tableOfRow(raw)
	}
	before := len(f.chunk.recs)
	if table != "" {
		f.chunk.recs = append(f.chunk.recs, decodedRecord{leaf: f.leaf, at: f.at, table: table, raw: raw})
	} else {
		f.chunk.record(f.leaf, f.at, raw, &rawRecord{})
	}
	f.at++
	f.leaf.next = f.at
	for _, r := range f.chunk.recs[before:] {
		if r.why != "" {
			return r.why
		}
	}
	return ""
}

// refuse keeps a record that is none.
func (f *feed) refuse(raw []byte, why string) {
	f.chunk.recs = append(f.chunk.recs, decodedRecord{leaf: f.leaf, at: f.at, why: why, raw: raw})
	f.at++
	f.leaf.next = f.at
}

// store ends the feed: everything it took is durable when it returns. The map
// has, by number, the hunting rows that their table refused.
func (f *feed) store(ctx context.Context) (refused map[int64]string, err error) {
	f.chunk.flush(f.leaf)
	c := newPendingCommit(newMatcher(f.in.engine(), detect.NewScratch()))
	defer func() {
		for _, b := range c.write.Batches {
			f.in.batches.put(b)
		}
	}()
	refused = map[int64]string{}
	for i := range f.chunk.recs {
		why, err := f.in.place(c, &f.chunk.recs[i])
		if err != nil {
			return nil, err
		}
		if why != "" {
			refused[f.chunk.recs[i].at] = why
		}
	}
	c.seal()
	if c.n == 0 {
		return refused, nil
	}
	if _, err := f.in.lake.Append(ctx, c.write); err != nil {
		return nil, err
	}
	if len(c.write.Outbox) > 0 {
		f.in.Wake()
	}
	return refused, nil
}

// readBody reads a whole request, unpacked, within limit.
func (in *Intake) readBody(ctx context.Context, r io.Reader, gzipped bool, limit int64) ([]byte, error) {
	body, err := in.body(ctx, r, EventsOptions{Gzip: gzipped, MaxBytes: limit})
	if err != nil {
		return nil, err
	}
	return io.ReadAll(body)
}

// place puts one outcome of decoding where it belongs: rows into batches, hits
// into the outbox, the rest into the quarantine. It says why a hunting row was
// refused.
func (in *Intake) place(c *pendingCommit, r *decodedRecord) (string, error) {
	c.n++
	switch {
	case r.why != "":
		c.quarantine(r.leaf, r.at, r.why, r.raw)
		return "", nil
	case r.table != "":
		return in.placeHunting(c, r)
	}
	return "", in.placeEvent(c, r)
}

func (in *Intake) placeHunting(c *pendingCommit, r *decodedRecord) (string, error) {
	b, err := c.batch(&in.batches, c.hunting, r.table)
	if err != nil {
		return "", err
	}
	raw := r.raw
	if b.Table().Key >= 0 {
		raw = withReportID(make([]byte, 0, len(raw)+40), raw, r.leaf.ids.id(r.at, 0))
	}
	c.events["hunting rows"]++
	if err := b.AppendJSON(raw); err != nil {
		c.quarantine(r.leaf, r.at, err.Error(), r.raw)
		return err.Error(), nil
	}
	r.leaf.rows++
	return "", nil
}

func (in *Intake) placeEvent(c *pendingCommit, r *decodedRecord) error {
	ev := &r.event
	c.events[sourceName(ev)]++
	// A row that came as a row of a hunting table is matched as one, with all
	// the other rows of its table; what was mapped is matched by its source.
	set, native := c.mapped, ev.Product == detect.HuntingProduct
	if native {
		set = c.hunting
	}
	stored, refused := 0, ""
	for i := range ev.Rows {
		b, err := c.batch(&in.batches, set, ev.Rows[i].Table)
		if err == nil {
			err = b.AppendRow(ev.Rows[i])
		}
		var bad *lake.RowError
		switch {
		case err == nil:
			stored++
		case errors.As(err, &bad), tocsin.CodeOf(err) == tocsin.CodeNotFound, tocsin.CodeOf(err) == tocsin.CodeInvalid:
			refused = err.Error()
		default:
			return err
		}
	}
	r.leaf.rows += int64(stored)
	switch {
	case refused != "":
		c.quarantine(r.leaf, r.at, refused, eventJSON(ev))
	case len(ev.Rows) == 0:
		why := ev.Unmapped
		if why == "" {
			why = "no table takes this event"
		}
		c.quarantine(r.leaf, r.at, why, eventJSON(ev))
	}
	if !native {
		c.match.event(ev)
	}
	return nil
}

// sourceName is how a summary calls the source of an event.
func sourceName(ev *tocsin.Event) string {
	switch {
	case ev.Product == "windows" && ev.Channel != "":
		return "windows " + ev.Channel
	case ev.Service != "":
		return ev.Product + " " + ev.Service
	case ev.Product != "":
		return ev.Product
	}
	return "other"
}
