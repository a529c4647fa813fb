package cases

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/store"
)

// RescoreKind is the job that brings the priority of open incidents up to date:
// after the points or the marks of assets changed, and every hour, since waiting
// counts.
const RescoreKind = "cases.rescore"

const (
	rescoreChunk   = 500
	maxAssetName   = 256 // characters
	maxAssetMarks  = 10_000
	maxMarkReason  = 1000 // characters
	previewShown   = 20
	maxPreviewSeen = 20_000
)

// Scoring is how the tenant scores incidents.
func (c *Cases) Scoring(ctx context.Context) (s tocsin.Scoring, err error) {
	err = c.st.View(ctx, func(tx *store.Tx) error {
		s, err = tx.Scoring()
		return err
	})
	return s, err
}

// PutScoring changes how the tenant scores, and has all open incidents scored
// anew; nil goes back to the program's own points.
func (c *Cases) PutScoring(ctx context.Context, s *tocsin.Scoring) error {
	after := tocsin.DefaultScoring()
	if s != nil {
		if err := s.Validate(); err != nil {
			return err
		}
		after = *s
	}
	return c.st.Update(ctx, func(tx *store.Tx) error {
		before, err := tx.Scoring()
		if err != nil {
			return err
		}
		if err := tx.PutScoring(s); err != nil {
			return err
		}
		return recordScoring(tx, tocsin.Change{Kind: "scoringChanged", Summary: "The points of the priority score were changed",
			Before: mustJSON(before), After: mustJSON(after)})
	})
}

func recordScoring(tx *store.Tx, ch tocsin.Change) error {
	ch.Noun, ch.ID = "setting", "scoring"
	if _, err := tx.Append(ch); err != nil {
		return err
	}
	return tx.Enqueue(store.Job{Kind: RescoreKind})
}

func mustJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // points and texts always encode
	}
	return b
}

// Rescored is what another way of scoring would make of an incident.
type Rescored struct {
	ID          int64           `json:"id"`
	DisplayName string          `json:"displayName"`
	Before      int             `json:"before"`
	After       int             `json:"after"`
	Factors     []tocsin.Factor `json:"factors"` // after
}

// ScoringPreview is what another way of scoring would change.
type ScoringPreview struct {
	Incidents int        `json:"incidents"` // open ones that were looked at, at most 20,000
	Changed   int        `json:"changed"`   // of them get another score
	Red       [2]int     `json:"red"`       // how many are above the red mark, before and after
	Most      []Rescored `json:"most"`      // those that change most
}

// PreviewScoring tells what a way of scoring would make of the open incidents,
// and changes nothing.
func (c *Cases) PreviewScoring(ctx context.Context, s tocsin.Scoring) (out ScoringPreview, err error) {
	if err := s.Validate(); err != nil {
		return out, err
	}
	out.Most = []Rescored{}
	err = c.st.View(ctx, func(tx *store.Tx) error {
		now, err := tx.Scoring()
		if err != nil {
			return err
		}
		marks, err := tx.AssetMarks()
		if err != nil {
			return err
		}
		by := map[string][]tocsin.AssetMark{}
		for _, m := range marks {
			by[strings.ToLower(m.Name)] = append(by[strings.ToLower(m.Name)], m.Mark)
		}
		for after, more := int64(0), true; more && out.Incidents < maxPreviewSeen; {
			ids, err := tx.OpenIncidentIDs(after, rescoreChunk)
			if err != nil {
				return err
			}
			more = len(ids) == rescoreChunk
			incs, err := tx.IncidentsByID(ids)
			if err != nil {
				return err
			}
			for i := range incs {
				out.see(&incs[i], &now, &s, by, tx)
			}
			if len(ids) > 0 {
				after = ids[len(ids)-1]
			}
		}
		return nil
	})
	return out, err
}

func (p *ScoringPreview) see(inc *tocsin.Incident, now, next *tocsin.Scoring, marks map[string][]tocsin.AssetMark, tx *store.Tx) {
	p.Incidents++
	r := Rescored{ID: inc.ID, DisplayName: inc.DisplayName}
	r.Before, _ = inc.Priority(now, marks, tx.Now())
	r.After, r.Factors = inc.Priority(next, marks, tx.Now())
	if r.Before > now.High {
		p.Red[0]++
	}
	if r.After > next.High {
		p.Red[1]++
	}
	if r.Before == r.After {
		return
	}
	p.Changed++
	by := func(r Rescored) int { return max(r.After-r.Before, r.Before-r.After) }
	at, _ := slices.BinarySearchFunc(p.Most, r, func(a, b Rescored) int { return by(b) - by(a) })
	p.Most = slices.Insert(p.Most, at, r)
	p.Most = p.Most[:min(len(p.Most), previewShown)]
}

// Rescore is the job: it writes those open incidents whose score changed. They
// keep their version, since nobody changed them.
func (c *Cases) Rescore(ctx context.Context, _ store.Claim) error {
	for after, more := int64(0), true; more; {
		var ids []int64
		var stale []int64
		err := c.st.View(ctx, func(tx *store.Tx) (err error) {
			if ids, err = tx.OpenIncidentIDs(after, rescoreChunk); err != nil {
				return err
			}
			incs, err := tx.IncidentsByID(ids)
			if err != nil {
				return err
			}
			for i := range incs {
				changed, err := tx.Rescore(&incs[i])
				if err != nil {
					return err
				}
				if changed {
					stale = append(stale, incs[i].ID)
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("score incidents anew: %w", err)
		}
		if err := c.rescore(ctx, stale); err != nil {
			return err
		}
		if more = len(ids) == rescoreChunk; more {
			after = ids[len(ids)-1]
		}
	}
	return nil
}

func (c *Cases) rescore(ctx context.Context, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	err := c.st.Update(ctx, func(tx *store.Tx) error {
		incs, err := tx.IncidentsByID(ids)
		if err != nil {
			return err
		}
		for i := range incs {
			if incs[i].Open() {
				if err := tx.PutIncident(&incs[i]); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("score incidents anew: %w", err)
	}
	return nil
}

// AssetMarks lists what people said of assets.
func (c *Cases) AssetMarks(ctx context.Context) (out []tocsin.MarkedAsset, err error) {
	err = c.st.View(ctx, func(tx *store.Tx) error {
		out, err = tx.AssetMarks()
		return err
	})
	return out, err
}

// MarkAsset says of an asset, by its name as alerts have it, that it is critical,
// privileged, a honeytoken or a VIP, or with marked false that it is not.
func (c *Cases) MarkAsset(ctx context.Context, name string, mark tocsin.AssetMark, reason string, marked bool) error {
	name = strings.Join(strings.Fields(name), " ")
	switch {
	case name == "" || utf8.RuneCountInString(name) > maxAssetName || strings.ContainsFunc(name, unicode.IsControl) || !utf8.ValidString(name):
		return tocsin.Errorf(tocsin.CodeInvalid, "the name of an asset has 1 to %d characters", maxAssetName)
	case !slices.Contains(tocsin.AssetMarks, mark):
		return tocsin.Errorf(tocsin.CodeInvalid, "unknown mark %q", mark)
	case utf8.RuneCountInString(reason) > maxMarkReason || !utf8.ValidString(reason):
		return tocsin.Errorf(tocsin.CodeLimit, "a reason takes at most %d characters", maxMarkReason)
	}
	return c.st.Update(ctx, func(tx *store.Tx) error {
		if !marked {
			found, err := tx.RemoveAssetMark(name, mark)
			if err != nil {
				return err
			}
			if !found {
				return tocsin.Errorf(tocsin.CodeNotFound, "%s is not marked %s", name, mark)
			}
			return recordMark(tx, name, "assetUnmarked", fmt.Sprintf("%s is no longer marked %s", name, mark), object("mark", mark), nil)
		}
		all, err := tx.AssetMarks()
		if err != nil {
			return err
		}
		if len(all) >= maxAssetMarks {
			return tocsin.Errorf(tocsin.CodeLimit, "at most %d marks", maxAssetMarks)
		}
		m := tocsin.MarkedAsset{Name: name, Mark: mark, Reason: strings.TrimSpace(reason), By: tx.Principal().UserName, At: tx.Now()}
		if err := tx.PutAssetMark(m); err != nil {
			return err
		}
		return recordMark(tx, name, "assetMarked", fmt.Sprintf("%s is marked %s", name, mark), nil, object("mark", mark, "reason", m.Reason))
	})
}

func recordMark(tx *store.Tx, name, kind, summary string, before, after json.RawMessage) error {
	if _, err := tx.Append(tocsin.Change{Noun: "asset", ID: strings.ToLower(name), Kind: kind, Summary: summary, Before: before, After: after}); err != nil {
		return err
	}
	return tx.Enqueue(store.Job{Kind: RescoreKind})
}
