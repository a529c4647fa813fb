package cases

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/tocsinhq/tocsin/store"
)

// RelabelKind is the job that gives incidents and alerts of an earlier version
// the labels that filters ask about.
const RelabelKind = "cases.relabel"

const (
	relabelAfter = "cases.relabel.after" // where it stands: the last incident done
	relabelChunk = 20                    // incidents a transaction
)

// Relabel goes through all incidents of the job's tenant, in the order of their
// numbers. It changes nothing that people see of them, so it leaves no line in
// the record. After a crash it goes on where it was.
func (c *Cases) Relabel(ctx context.Context, _ store.Claim) error {
	for more := true; more; {
		err := c.st.Update(ctx, func(tx *store.Tx) error {
			text, _, err := tx.Meta(relabelAfter)
			if err != nil {
				return err
			}
			after, _ := strconv.ParseInt(text, 10, 64) // "" begins at the beginning
			ids, err := tx.IncidentIDs(after, relabelChunk)
			if more = len(ids) == relabelChunk; err != nil {
				return err
			}
			for _, id := range ids {
				if err := c.relabel(tx, id); err != nil {
					return fmt.Errorf("label incident %d: %w", id, err)
				}
				after = id
			}
			if more {
				return tx.PutMeta(relabelAfter, strconv.FormatInt(after, 10))
			}
			return tx.DeleteMeta(relabelAfter)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *Cases) relabel(tx *store.Tx, id int64) error {
	inc, err := tx.Incident(id)
	if err != nil {
		return err
	}
	alerts, err := tx.AlertsOf(id, maxIncidentAlerts)
	if err != nil {
		return err
	}
	for i := range alerts {
		dig, err := json.Marshal(digestOf(&alerts[i]))
		if err == nil {
			err = tx.RelabelAlert(&alerts[i], string(dig))
		}
		if err != nil {
			return err
		}
	}
	t, err := loadTally(tx, id)
	if err != nil {
		return err
	}
	inc.Labels = t.labels.Labels()
	if err := tx.PutIncident(&inc); err != nil {
		return err
	}
	// A tally of before, counted without labels, must not come back.
	c.tallies.forget(&inc)
	return nil
}
