package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// Job is a piece of work that must follow a change. At most one of a kind and
// key is due at a time, so a burst of changes makes one job; one that is asked
// for while it runs runs once more afterwards.
type Job struct {
	Kind string
	Key  string
	Args any       // becomes JSON; nil for none
	At   time.Time // not before; zero: now
}

// Claim is a job that a runner holds until Lease.
type Claim struct {
	Tenant  string
	Kind    string
	Key     string
	Args    json.RawMessage
	Attempt int // from 1
	Lease   time.Time
	runner  string
}

// Enqueue asks for a job in the transaction of the change that it follows.
func (tx *Tx) Enqueue(j Job) error {
	args := "null"
	if j.Args != nil {
		var err error
		if args, err = toJSON(j.Args); err != nil {
			return fmt.Errorf("job %s: %w", j.Kind, err)
		}
	}
	at := j.At
	if at.IsZero() {
		at = tx.now
	}
	_, err := tx.exec(`INSERT INTO job (tenant, kind, key, args, state, again, run_at, attempt, lease, runner, error, created)
		VALUES ($1, $2, $3, $4, 'ready', 0, $5, 0, 0, '', '', $6)
		ON CONFLICT (tenant, kind, key) DO UPDATE SET args = excluded.args,
		again = CASE WHEN job.state = 'running' THEN 1 ELSE 0 END,
		run_at = CASE WHEN job.state = 'ready' AND job.run_at < excluded.run_at THEN job.run_at ELSE excluded.run_at END,
		attempt = CASE WHEN job.state = 'failed' THEN 0 ELSE job.attempt END,
		state = CASE WHEN job.state = 'running' THEN 'running' ELSE 'ready' END`,
		j.Kind, j.Key, args, micros(at), micros(tx.now))
	if err != nil {
		return fmt.Errorf("enqueue %s %s: %w", j.Kind, j.Key, err)
	}
	tx.appended = true // wakes the runners too
	return nil
}

// FailedJobs lists the jobs of the tenant that were given up, with the error.
func (tx *Tx) FailedJobs() (out []Failure, err error) {
	rows, err := tx.query(`SELECT kind, key, attempt, error, run_at FROM job WHERE tenant = $1 AND state = 'failed' ORDER BY run_at DESC LIMIT 1000`)
	err = each(rows, err, func(rows *sql.Rows) error {
		var f Failure
		var at int64
		err := rows.Scan(&f.Kind, &f.Key, &f.Attempts, &f.Error, &at)
		f.At = fromMicros(at)
		out = append(out, f)
		return err
	})
	return out, err
}

// Failure is a job that was given up.
type Failure struct {
	Kind, Key string
	Attempts  int
	Error     string
	At        time.Time
}

// The doors below are for package work, which serves all tenants.

// ClaimJob takes the job that is longest due among the kinds, or one whose
// runner let its lease run out, for the length of lease. found is false when
// nothing is due.
func (s *Store) ClaimJob(ctx context.Context, runner string, kinds []string, lease time.Duration) (c Claim, found bool, err error) {
	if len(kinds) == 0 {
		return c, false, nil
	}
	now := s.Now()
	until := now.Add(lease)
	// Nothing due is the usual answer, and it must not take the writer.
	var due int
	if err := s.r.QueryRowContext(ctx, rebind(`SELECT count(*) FROM (SELECT 1 FROM job
		WHERE ((state = 'ready' AND run_at <= $1) OR (state = 'running' AND lease <= $1)) AND kind IN `+inList(2, len(kinds))+` LIMIT 1) AS due`),
		append([]any{micros(now)}, anys(kinds)...)...).Scan(&due); err != nil || due == 0 {
		return c, false, err
	}
	rows, err := s.w.QueryContext(ctx, rebind(`UPDATE job SET state = 'running', attempt = attempt + 1, lease = $2, runner = $3
		WHERE (tenant, kind, key) = (SELECT tenant, kind, key FROM job
			WHERE ((state = 'ready' AND run_at <= $1) OR (state = 'running' AND lease <= $1))
			AND kind IN `+inList(4, len(kinds))+` ORDER BY run_at LIMIT 1)
		RETURNING tenant, kind, key, args, attempt`), append([]any{micros(now), micros(until), runner}, anys(kinds)...)...)
	err = each(rows, err, func(rows *sql.Rows) error {
		found = true
		var args string
		err := rows.Scan(&c.Tenant, &c.Kind, &c.Key, &args, &c.Attempt)
		c.Args, c.Lease, c.runner = json.RawMessage(args), until, runner
		return err
	})
	return c, found, err
}

// ExtendJob holds a claimed job for longer. It is false when the claim was lost.
func (s *Store) ExtendJob(ctx context.Context, c Claim, lease time.Duration) (bool, error) {
	return s.settle(ctx, `UPDATE job SET lease = $6 WHERE tenant = $1 AND kind = $2 AND key = $3 AND state = 'running' AND runner = $4 AND attempt = $5`,
		c, micros(s.Now().Add(lease)))
}

// FinishJob ends a claimed job that was done; one asked for again meanwhile
// becomes due again. It is false when the claim was lost.
func (s *Store) FinishJob(ctx context.Context, c Claim) (bool, error) {
	again, err := s.settle(ctx, `UPDATE job SET state = 'ready', again = 0, attempt = 0, lease = 0, runner = '', error = ''
		WHERE tenant = $1 AND kind = $2 AND key = $3 AND state = 'running' AND runner = $4 AND attempt = $5 AND again = 1`, c)
	if err != nil || again {
		return again, err
	}
	return s.settle(ctx, `DELETE FROM job WHERE tenant = $1 AND kind = $2 AND key = $3 AND state = 'running' AND runner = $4 AND attempt = $5`, c)
}

// FailJob ends a claimed job with an error: due again at retry, or, when retry
// is zero, kept as failed for people to see. One asked for again meanwhile is
// due as it was asked, whatever the error. It is false when the claim was lost.
func (s *Store) FailJob(ctx context.Context, c Claim, cause error, retry time.Time) (bool, error) {
	state, at := "ready", retry
	if retry.IsZero() {
		state, at = "failed", s.Now()
	}
	return s.settle(ctx, `UPDATE job SET state = CASE WHEN again = 1 THEN 'ready' ELSE $6 END, attempt = CASE WHEN again = 1 THEN 0 ELSE attempt END,
		run_at = CASE WHEN again = 1 THEN run_at ELSE $7 END, again = 0, lease = 0, runner = '', error = $8
		WHERE tenant = $1 AND kind = $2 AND key = $3 AND state = 'running' AND runner = $4 AND attempt = $5`, c, state, micros(at), cause.Error())
}

func (s *Store) settle(ctx context.Context, q string, c Claim, args ...any) (bool, error) {
	all := append([]any{c.Tenant, c.Kind, c.Key, c.runner, c.Attempt}, args...)
	res, err := s.w.ExecContext(ctx, rebind(q), all...)
	if err != nil {
		return false, s.dialect.explain(err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// Tenants lists the tenants that have accounts.
func (s *Store) Tenants(ctx context.Context) (out []string, err error) {
	rows, err := s.r.QueryContext(ctx, `SELECT DISTINCT tenant FROM account ORDER BY tenant`)
	err = each(rows, err, func(rows *sql.Rows) error {
		var t string
		err := rows.Scan(&t)
		out = append(out, t)
		return err
	})
	return out, err
}

// MissingJobs are the jobs with this key, of these kinds, that a tenant has not.
func (s *Store) MissingJobs(ctx context.Context, key string, kinds []string) (out []Claim, err error) {
	tenants, err := s.Tenants(ctx)
	if err != nil {
		return nil, err
	}
	have := map[[2]string]bool{}
	rows, err := s.r.QueryContext(ctx, rebind(`SELECT tenant, kind FROM job WHERE key = $1`), key)
	err = each(rows, err, func(rows *sql.Rows) error {
		var k [2]string
		err := rows.Scan(&k[0], &k[1])
		have[k] = true
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, t := range tenants {
		for _, k := range kinds {
			if !have[[2]string{t, k}] {
				out = append(out, Claim{Tenant: t, Kind: k, Key: key})
			}
		}
	}
	return out, nil
}
