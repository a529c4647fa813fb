package intake

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"strconv"

	"github.com/tocsinhq/tocsin/detect"
)

// mixedLines is how many lines of a mixed body go into one transaction. It is
// small enough that correlation meets alerts of different tables about in the
// order in which things happened.
const mixedLines = 2000

// EventsMixed stores a body of NDJSON rows of several hunting tables, each of
// which names its table in the member "$table". It promises what Events does;
// it is the way of convenience, Events with one table the fast one.
func (in *Intake) EventsMixed(ctx context.Context, r io.Reader, opts EventsOptions) (EventsResult, error) {
	var res EventsResult
	body, err := in.body(ctx, r, opts)
	if err != nil {
		return res, err
	}
	part := 0
	err = readBlocks(body, in.cfg.Limits.Record, func(b *block) error {
		for _, f := range b.bad {
			res.refuse(f.line, f.reason)
		}
		for at := 0; at < len(b.data); part++ {
			end, lines := at, 0
			for end < len(b.data) && lines < mixedLines {
				n := bytes.IndexByte(b.data[end:], '\n')
				if n < 0 {
					n = len(b.data) - end - 1
				}
				end, lines = end+n+1, lines+1
			}
			if err := in.storeMixed(ctx, b.data[at:end], b.line, part, opts, &res); err != nil {
				return err
			}
			at, b.line = end, b.line+int64(lines)
		}
		return nil
	})
	return res, err
}

func (res *EventsResult) refuse(line int64, reason string) {
	res.Rejected++
	if len(res.Errors) < MaxLineErrors {
		res.Errors = append(res.Errors, LineError{Line: line, Reason: reason})
	}
}

// storeMixed stores whole lines, the first of which is number line, in one
// transaction.
func (in *Intake) storeMixed(ctx context.Context, lines []byte, line int64, part int, opts EventsOptions, res *EventsResult) error {
	sum := fnv.New64a()
	sum.Write(lines)
	hash := strconv.FormatUint(sum.Sum64(), 16)
	leaf := &importLeaf{path: opts.Source, source: hash, name: opts.Source, format: formatJSON, ids: newRowIDs(hash, opts.Source+"#"+strconv.Itoa(part))}
	c := newPendingCommit(newMatcher(in.engine(), detect.NewScratch()))
	defer func() {
		for _, b := range c.write.Batches {
			in.batches.put(b)
		}
	}()
	for at := line; len(lines) > 0; at++ {
		raw, rest, _ := bytes.Cut(lines, []byte{'\n'})
		lines = rest
		if raw = bytes.TrimSpace(raw); len(raw) == 0 {
			continue
		}
		rec := decodedRecord{leaf: leaf, at: at, table: tableOfRow(raw), raw: raw}
		if rec.table == "" {
			rec.why = `the row names no hunting table in "$table"`
		}
		why, err := in.place(c, &rec)
		if err != nil {
			return err
		}
		if why == "" {
			why = rec.why
		}
		if why != "" {
			res.refuse(at, why)
		}
	}
	c.seal()
	if c.n == 0 {
		return nil
	}
	if opts.Once != "" {
		c.write.Once = opts.Once + "#" + strconv.Itoa(part) + "#" + hash
	}
	receipt, err := in.lake.Append(ctx, c.write)
	if err != nil {
		return fmt.Errorf("store events: %w", err)
	}
	if receipt.Duplicate {
		res.Duplicates += leaf.rows
		return nil
	}
	res.Accepted += leaf.rows
	res.Hits += int64(len(c.write.Outbox))
	if len(c.write.Outbox) > 0 {
		in.Wake()
	}
	return nil
}
