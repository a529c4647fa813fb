package work

import (
	"context"
	"fmt"
	"time"

	"github.com/tocsinhq/tocsin/store"
)

// ExpireKind is the hourly job that removes what has passed its time and lets
// the store learn what it holds.
const ExpireKind = "store.expire"

const (
	// expiredFor is how long an expired session or token stays: long enough
	// that a request which was checked a moment ago still finds it.
	expiredFor = time.Hour
	// deliveriesFor is how long a hand-over is remembered. Shippers that were
	// cut off repeat after hours or days; a repeat after this counts again.
	deliveriesFor = 30 * 24 * time.Hour
)

func (r *Runner) expire(ctx context.Context, job store.Claim) error {
	err := r.st.Update(ctx, func(tx *store.Tx) error {
		n, err := tx.DeleteExpired(tx.Now().Add(-expiredFor), tx.Now().Add(-deliveriesFor))
		if err != nil {
			return fmt.Errorf("remove expired sessions, tokens and deliveries: %w", err)
		}
		if n > 0 {
			r.log.Info("work: expired rows removed", "tenant", job.Tenant, "rows", n)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := r.st.Optimize(ctx); err != nil {
		return fmt.Errorf("optimize the store: %w", err)
	}
	return nil
}
