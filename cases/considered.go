package cases

import (
	"context"
	"slices"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/correlate"
	"github.com/tocsinhq/tocsin/store"
)

// Reconsidered is how an alert would be placed if it came now: what came after
// it counts too, and incidents that are resolved by now do not.
type Reconsidered struct {
	Alert tocsin.Alert
	// Off is why nothing is weighed: the alert's rule does not correlate.
	Off        string
	Join       float64
	Decision   correlate.Decision
	Candidates []correlate.Considered // the last changed first, at most correlate.MaxCandidates
	Names      map[int64]string       // of them
}

// Reconsider weighs an alert against the open incidents as they are now,
// without the alert itself, and says why each is chosen or not. It changes
// nothing. It reads the keys of all open alerts, which takes a second or two
// when there are many.
func (c *Cases) Reconsider(ctx context.Context, alertID string) (out Reconsidered, err error) {
	err = c.st.View(ctx, func(tx *store.Tx) error {
		if tx.Limited() {
			return tocsin.Errorf(tocsin.CodeForbidden, "this weighs incidents of all devices, and you see those of some groups only")
		}
		if out.Alert, err = tx.Alert(alertID); err != nil {
			return err
		}
		set, err := c.readSettings(tx)
		if err != nil {
			return err
		}
		out.Join = set.policy.Join
		if set.correlates(&out.Alert) == tocsin.CorrelationDisabled {
			out.Off = "its rule does not correlate"
			return nil
		}
		b := newBatch(c, tx)
		if b.memory, err = (engineMemories{}).begin(tx); err != nil {
			return err
		}
		b.prev = b.memory.prev
		f := set.exclude(correlate.FactsOf(&out.Alert), &out.Alert, tx.Now())
		keys := f.LookupKeys()
		numbers := numbersOf(keys)
		if err := b.prev.Load(numbers); err != nil {
			return err
		}
		if n, ok := b.memory.open.byID[alertID]; ok {
			b.memory.open.remove(n)
		}
		if set.policy.GroupsApart {
			if f.Groups, err = tx.GroupsOfAlert(alertID); err != nil {
				return err
			}
		}
		cands, prev, err := b.look(f, keys, numbers, set)
		if err != nil {
			return err
		}
		prev.Forget(keys)
		out.Decision, out.Candidates = correlate.Consider(f, cands, prev, set.policy)
		return out.name(tx)
	})
	return out, err
}

func (r *Reconsidered) name(tx *store.Tx) error {
	ids := []int64{r.Alert.IncidentID}
	for i := range r.Candidates {
		if id := r.Candidates[i].IncidentID; !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	incs, err := tx.IncidentsByID(ids)
	r.Names = map[int64]string{}
	for i := range incs {
		r.Names[incs[i].ID] = incs[i].DisplayName
	}
	return err
}
