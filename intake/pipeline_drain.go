package intake

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/detect"
	"github.com/tocsinhq/tocsin/lake"
)

// Drained is what Drain handed on.
type Drained struct {
	New       int     // alerts that were not known
	Repeated  int     // further occurrences of known ones
	Incidents []int64 // ids of the incidents that took them, each once a batch
	Refused   int     // alerts that the cases would not have
}

func (d *Drained) add(more Drained) {
	d.New += more.New
	d.Repeated += more.Repeated
	d.Refused += more.Refused
	d.Incidents = append(d.Incidents, more.Incidents...)
}

// drainBatch is how many hits become alerts together.
const drainBatch = 500

// Wake tells Run that hits wait.
func (in *Intake) Wake() {
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

// Run drains whenever something was stored, until ctx ends. Call it once a
// process: hits that a crash left behind are taken up at its start. When the
// cases cannot be reached it tries again, at first soon, then once a minute.
func (in *Intake) Run(ctx context.Context) error {
	const first, longest = time.Second, time.Minute
	wait := first
	for {
		retry := (<-chan time.Time)(nil)
		if _, err := in.Drain(ctx); err != nil && ctx.Err() == nil {
			in.log.Error("hits wait: alerts cannot be stored", "err", err, "again in", wait)
			retry = time.After(wait)
			wait = min(2*wait, longest)
		} else {
			wait = first
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-in.wake:
		case <-retry:
		}
	}
}

// Drain turns the hits that wait in the lake into alerts and hands them to the
// cases, in order, until none is left. One drain runs at a time; others wait. A
// hit leaves the outbox only after its alert is stored; one that was handed on
// before a crash is handed on again under the same name.
func (in *Intake) Drain(ctx context.Context) (Drained, error) {
	in.draining.Lock()
	defer in.draining.Unlock()
	var total Drained
	after := int64(0)
	for {
		items, err := in.lake.Outbox(ctx, after, drainBatch)
		if err != nil {
			return total, fmt.Errorf("read waiting hits: %w", err)
		}
		if len(items) == 0 {
			return total, nil
		}
		eng := in.engine()
		if eng == nil { // without rules nobody can tell what was hit: let it wait
			return total, nil
		}
		got, err := in.deliver(ctx, eng, items)
		total.add(got)
		if err != nil {
			return total, err
		}
		after = items[len(items)-1].Seq
		if err := in.lake.OutboxDone(ctx, after); err != nil {
			return total, fmt.Errorf("forget delivered hits: %w", err)
		}
	}
}

// deliver makes alerts of some hits and stores them.
func (in *Intake) deliver(ctx context.Context, eng *detect.Engine, items []lake.OutboxEntry) (Drained, error) {
	var got Drained
	if err := in.loadWindows(); err != nil {
		return got, err
	}
	var alerts []tocsin.Alert
	put := func(h *detect.Hit) {
		if a, ok := eng.Alert(h); ok {
			alerts = append(alerts, a)
		}
	}
	for _, item := range items {
		h, err := detect.UnmarshalHit(item.Payload)
		if err != nil {
			in.log.Error("a stored hit cannot be read", "seq", item.Seq, "err", err)
			continue
		}
		put(h)
		for _, more := range in.windows.Add(eng, item.Seq, h) {
			put(more)
		}
	}
	// A commit's hits come table by table; correlation reads the story better in
	// the order in which it happened. Stable, so that a redo after a crash, which
	// starts at the same item, hands over the same.
	slices.SortStableFunc(alerts, func(a, b tocsin.Alert) int { return a.FirstActivity.Compare(b.FirstActivity) })
	if len(alerts) > 0 {
		accepted, err := in.accept(ctx, alerts)
		if err != nil {
			// The same hits come again, and the windows must not know them.
			in.windows = nil
			return got, fmt.Errorf("store alerts: %w", err)
		}
		seen := map[int64]bool{}
		for i, a := range accepted {
			switch {
			case a.Err != nil:
				got.Refused++
				in.log.Error("an alert was refused", "rule", alerts[i].DetectorID, "title", alerts[i].Title, "err", a.Err)
				continue
			case a.New:
				got.New++
			case a.Repeat:
				got.Repeated++
			}
			if !a.Duplicate && a.IncidentID != 0 && !seen[a.IncidentID] {
				seen[a.IncidentID] = true
				got.Incidents = append(got.Incidents, a.IncidentID)
			}
		}
	}
	// The windows follow the alerts and precede the outbox: whatever a crash
	// leaves out of step is taken again and recognised.
	if err := in.saveWindows(); err != nil {
		in.windows = nil
		return got, err
	}
	return got, nil
}

func (in *Intake) windowsPath() string { return filepath.Join(in.cfg.StateDir, "windows.json") }

func (in *Intake) loadWindows() (err error) {
	if in.windows != nil {
		return nil
	}
	if in.cfg.StateDir == "" {
		in.windows = detect.NewWindows()
		return nil
	}
	in.windows, err = detect.LoadWindows(in.windowsPath())
	return err
}

func (in *Intake) saveWindows() error {
	if in.cfg.StateDir == "" {
		return nil
	}
	return in.windows.Save(in.windowsPath())
}
