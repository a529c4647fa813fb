package intake

import (
	"context"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/detect"
	"github.com/tocsinhq/tocsin/lake"
)

// matchEvent runs the rules over a source event and the rows made of it.
func (in *Intake) matchEvent(ev *tocsin.Event, eng *detect.Engine, s *detect.Scratch) []lake.OutboxItem {
	if eng == nil {
		return nil
	}
	return nil
}

// matchBatch runs the rules over hunting rows.
func (in *Intake) matchBatch(b *lake.Batch, eng *detect.Engine, s *detect.Scratch) []lake.OutboxItem {
	if eng == nil || b.Len() == 0 {
		return nil
	}
	return nil
}

// matchHunting runs the rules over the hunting rows of a commit, table by table
// in the order in which the tables came.
func (in *Intake) matchHunting(c *pendingCommit, eng *detect.Engine, s *detect.Scratch) {
	for _, b := range c.write.Batches {
		if c.hunting[b.Table().Name] == b {
			c.write.Outbox = append(c.write.Outbox, in.matchBatch(b, eng, s)...)
		}
	}
}

// Wake tells Run that hits wait.
func (in *Intake) Wake() {
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

// Drained is what Drain handed on.
type Drained struct {
	New, Repeated int
	Incidents     []int64
}

// Drain turns the hits that wait in the lake into alerts, in order.
func (in *Intake) Drain(ctx context.Context) (Drained, error) {
	return Drained{}, nil
}
