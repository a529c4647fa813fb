package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tocsinhq/tocsin"
)

const (
	// huntsKept is how long the history of hunting remembers a query,
	// huntsMost how many queries it remembers at most.
	huntsKept = 30 * 24 * time.Hour
	huntsMost = 20_000
	// auditedQuery is how much of a query its line of the record has, in bytes.
	auditedQuery = 4 << 10
)

// RecordHunt adds a query to the history of ctx's tenant and a line to the
// record, and forgets queries older than 30 days. ID is assigned here.
func (s *Store) RecordHunt(ctx context.Context, run tocsin.HuntRun) error {
	return s.Update(ctx, func(tx *Tx) error { return tx.recordHunt(run) })
}

func (tx *Tx) recordHunt(run tocsin.HuntRun) error {
	id, err := tx.next("hunt")
	if err != nil {
		return err
	}
	tables := run.Tables
	if tables == nil {
		tables = []string{}
	}
	read, err := toJSON(tables)
	if err != nil {
		return err
	}
	query := cut(run.Query, tocsin.MaxKeptQuery)
	_, err = tx.exec(`INSERT INTO hunt_run (tenant, id, at, user_id, user_name, door, state, error, resource, elapsed, cpu, rows, tables, from_at, to_at, query)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		id, micros(run.Time), run.UserID, run.User, run.Interface, string(run.State), run.Error, run.Resource, run.Elapsed.Microseconds(),
		run.CPU.Microseconds(), run.Rows, read, micros(run.From), micros(run.To), query)
	if err == nil {
		_, err = tx.exec(`DELETE FROM hunt_run WHERE tenant = $1 AND at < $2`, micros(tx.now.Add(-huntsKept)))
	}
	if err == nil {
		_, err = tx.exec(`DELETE FROM hunt_run WHERE tenant = $1 AND id <= $2`, id-huntsMost)
	}
	if err != nil {
		return fmt.Errorf("write the history of hunting: %w", err)
	}
	after, err := toJSON(map[string]any{"query": cut(run.Query, auditedQuery), "interface": run.Interface, "state": run.State, "rows": run.Rows, "tables": tables})
	if err != nil {
		return err
	}
	_, err = tx.Append(tocsin.Change{Noun: "hunt", ID: strconv.FormatInt(id, 10), Kind: "huntRun", After: json.RawMessage(after), Summary: huntSentence(run)})
	return err
}

func huntSentence(run tocsin.HuntRun) string {
	of := ""
	if len(run.Tables) > 0 {
		of = " of " + strings.Join(run.Tables[:min(len(run.Tables), 5)], ", ")
		if more := len(run.Tables) - 5; more > 0 {
			of += fmt.Sprintf(" and %d more", more)
		}
	}
	switch run.State {
	case tocsin.HuntCompleted:
		rows := "rows"
		if run.Rows == 1 {
			rows = "row"
		}
		return fmt.Sprintf("Ran a hunting query%s: %d %s", of, run.Rows, rows)
	case tocsin.HuntThrottled:
		return "Asked a hunting query that was refused: too many for now"
	case tocsin.HuntCancelled:
		return fmt.Sprintf("Ran a hunting query%s and ended it early", of)
	}
	return fmt.Sprintf("Ran a hunting query%s that failed", of)
}

// cut is text without what is beyond n bytes, in whole characters.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

// HuntHistory lists the latest queries of ctx's tenant, newest first, at most
// limit: those of everybody, or of one user when userID is not empty.
func (s *Store) HuntHistory(ctx context.Context, userID string, limit int) (out []tocsin.HuntRun, err error) {
	err = s.View(ctx, func(tx *Tx) error {
		q, args := `SELECT id, at, user_id, user_name, door, state, error, resource, elapsed, cpu, rows, tables, from_at, to_at, query FROM hunt_run
			WHERE tenant = $1 AND at >= $2 ORDER BY id DESC LIMIT $3`, []any{micros(tx.now.Add(-huntsKept)), limit}
		if tx.scope != nil {
			userID = tx.who.ID // never anybody else's: they name what is hidden
		}
		if userID != "" {
			q = `SELECT id, at, user_id, user_name, door, state, error, resource, elapsed, cpu, rows, tables, from_at, to_at, query FROM hunt_run
				WHERE tenant = $1 AND at >= $2 AND user_id = $4 ORDER BY id DESC LIMIT $3`
			args = append(args, userID)
		}
		rows, err := tx.query(q, args...)
		return each(rows, err, func(rows *sql.Rows) error {
			r, err := scanHunt(rows)
			out = append(out, r)
			return err
		})
	})
	return out, err
}

func scanHunt(rows *sql.Rows) (r tocsin.HuntRun, err error) {
	var at, elapsed, cpu, from, to int64
	var tables string
	err = rows.Scan(&r.ID, &at, &r.UserID, &r.User, &r.Interface, &r.State, &r.Error, &r.Resource, &elapsed, &cpu, &r.Rows, &tables, &from, &to, &r.Query)
	if err == nil {
		err = json.Unmarshal([]byte(tables), &r.Tables)
	}
	r.Time, r.From, r.To = fromMicros(at), fromMicros(from), fromMicros(to)
	r.Elapsed, r.CPU = time.Duration(elapsed)*time.Microsecond, time.Duration(cpu)*time.Microsecond
	return r, err
}

const savedColumns = `id, kind, name, folder, text, description, parameters, shared, owner_id, owner, updated`

func scanSaved(rows *sql.Rows) (q tocsin.SavedQuery, err error) {
	var updated int64
	err = rows.Scan(&q.ID, &q.Kind, &q.Name, &q.Folder, &q.Text, &q.Description, &q.Parameters, &q.Shared, &q.OwnerID, &q.Owner, &updated)
	q.Updated = fromMicros(updated)
	return q, err
}

// SavedQueries lists the queries and functions that the principal of ctx saved
// and those that are shared in its tenant, by folder and name.
func (s *Store) SavedQueries(ctx context.Context) (out []tocsin.SavedQuery, err error) {
	err = s.View(ctx, func(tx *Tx) error {
		rows, err := tx.query(`SELECT `+savedColumns+` FROM hunt_query WHERE tenant = $1 AND `+tx.mySaved("$2")+`
			ORDER BY folder, name, id`, tx.who.ID)
		return each(rows, err, func(rows *sql.Rows) error {
			q, err := scanSaved(rows)
			out = append(out, q)
			return err
		})
	})
	return out, err
}

// SaveQuery keeps a query or function in the name of the principal of ctx when
// its ID is empty, and changes the one with that ID otherwise; what belongs to
// somebody else only with manage, and only what is shared. ID, owner and time
// are filled in. A name that is taken is an error of CodeConflict.
func (s *Store) SaveQuery(ctx context.Context, q tocsin.SavedQuery, manage bool) (tocsin.SavedQuery, error) {
	err := s.Update(ctx, func(tx *Tx) error {
		kind, before := "created", json.RawMessage(nil)
		if q.ID == "" {
			n := 0
			if _, err := tx.one(`SELECT count(*) FROM hunt_query WHERE tenant = $1 AND owner_id = $2`, []any{tx.who.ID}, &n); err != nil {
				return err
			}
			if n >= tocsin.MaxSavedPerOne {
				return tocsin.Errorf(tocsin.CodeLimit, "%d saved queries are the most that one keeps; delete some first", tocsin.MaxSavedPerOne)
			}
			q.ID, q.OwnerID, q.Owner = strings.ToLower(rand.Text()), tx.who.ID, tx.who.UserName
		} else {
			old, err := tx.savedQuery(q.ID, manage)
			if err != nil {
				return err
			}
			kind, before = "updated", savedState(old)
			q.Kind, q.OwnerID, q.Owner = old.Kind, old.OwnerID, old.Owner
		}
		q.Updated = tx.now
		_, err := tx.exec(`INSERT INTO hunt_query (tenant, id, kind, name, folder, text, description, parameters, shared, owner_id, owner, updated)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
			ON CONFLICT (tenant, id) DO UPDATE SET name = excluded.name, folder = excluded.folder, text = excluded.text,
			description = excluded.description, parameters = excluded.parameters, shared = excluded.shared, updated = excluded.updated`,
			q.ID, string(q.Kind), q.Name, q.Folder, q.Text, q.Description, q.Parameters, flag(q.Shared), q.OwnerID, q.Owner, micros(q.Updated))
		if tocsin.CodeOf(err) == tocsin.CodeConflict {
			return &tocsin.Error{Code: tocsin.CodeConflict, Msg: fmt.Sprintf("there is a %s named %q already", q.Kind, q.Name), Err: err}
		}
		if err != nil {
			return fmt.Errorf("save a %s: %w", q.Kind, err)
		}
		return tx.savedChange(&q, kind, before, savedState(q))
	})
	return q, err
}

// DeleteSavedQuery removes a saved query or function for good, with the same
// right as changing it.
func (s *Store) DeleteSavedQuery(ctx context.Context, id string, manage bool) error {
	return s.Update(ctx, func(tx *Tx) error {
		old, err := tx.savedQuery(id, manage)
		if err != nil {
			return err
		}
		if _, err := tx.exec(`DELETE FROM hunt_query WHERE tenant = $1 AND id = $2`, id); err != nil {
			return fmt.Errorf("delete a saved query: %w", err)
		}
		return tx.savedChange(&old, "deleted", savedState(old), nil)
	})
}

// mySaved is the condition on what the principal may know of saved queries. One
// who is limited to device groups knows their own only: the text of what others
// share may name what is hidden from them.
func (tx *Tx) mySaved(who string) string {
	if tx.scope != nil {
		return `owner_id = ` + who
	}
	return `(owner_id = ` + who + ` OR shared = 1)`
}

// savedQuery is one that the principal may change.
func (tx *Tx) savedQuery(id string, manage bool) (q tocsin.SavedQuery, err error) {
	rows, err := tx.query(`SELECT `+savedColumns+` FROM hunt_query WHERE tenant = $1 AND id = $2 AND `+tx.mySaved("$3"), id, tx.who.ID)
	err = each(rows, err, func(rows *sql.Rows) error {
		q, err = scanSaved(rows)
		return err
	})
	switch {
	case err != nil:
		return q, err
	case q.ID == "":
		return q, tocsin.Errorf(tocsin.CodeNotFound, "there is no saved query %s", id)
	case q.OwnerID != tx.who.ID && !manage:
		return q, tocsin.Errorf(tocsin.CodeForbidden, "“%s” belongs to %s", q.Name, q.Owner)
	}
	return q, nil
}

func (tx *Tx) savedChange(q *tocsin.SavedQuery, kind string, before, after json.RawMessage) error {
	word := map[string]string{"created": "saved", "updated": "changed", "deleted": "deleted"}[kind]
	_, err := tx.Append(tocsin.Change{Noun: "hunting" + strings.ToUpper(string(q.Kind[:1])) + string(q.Kind[1:]), ID: q.ID, Kind: kind, Before: before, After: after,
		Summary: fmt.Sprintf("The hunting %s “%s” was %s", q.Kind, q.Name, word)})
	return err
}

// savedState is what the record keeps of a saved query.
func savedState(q tocsin.SavedQuery) json.RawMessage {
	raw, err := json.Marshal(map[string]any{"name": q.Name, "folder": q.Folder, "shared": q.Shared, "parameters": q.Parameters, "text": cut(q.Text, auditedQuery)})
	if err != nil {
		return nil // of texts: cannot fail
	}
	return raw
}

// EachAlert calls fn for the alerts of the tenant that were active between from
// and to, zero for no bound, or with created for those that were taken then;
// without their comments.
func (tx *Tx) EachAlert(created bool, from, to time.Time, fn func(a *tocsin.Alert) error) error {
	q := `SELECT ` + alertColumns + fromAlert + `a.last_activity >= $2 AND a.first_activity <= $3 ORDER BY a.created, a.id`
	if created {
		q = `SELECT ` + alertColumns + fromAlert + `a.created >= $2 AND a.created <= $3 ORDER BY a.created, a.id`
	}
	if tx.scope != nil {
		return tx.eachVisible(created, from, to, fn)
	}
	rows, err := tx.query(q, micros(from), lastMicro(to))
	return each(rows, err, func(rows *sql.Rows) error {
		a, err := scanAlert(rows)
		if err != nil {
			return err
		}
		return fn(a)
	})
}

// EachIncident calls fn for the incidents of the tenant that were last changed
// between from and to, zero for no bound, without those that were merged away,
// and for each the ids of its alerts.
func (tx *Tx) EachIncident(from, to time.Time, fn func(inc *tocsin.Incident, alertIDs []string) error) error {
	alerts := map[int64][]string{}
	rows, err := tx.query(`SELECT incident_id, id FROM alert AS a WHERE tenant = $1` + and(tx.alertCondition("a.id")) + ` ORDER BY created, id`)
	err = each(rows, err, func(rows *sql.Rows) error {
		var incident int64
		var id string
		err := rows.Scan(&incident, &id)
		alerts[incident] = append(alerts[incident], id)
		return err
	})
	if err != nil {
		return err
	}
	var ids []int64
	rows, err = tx.query(`SELECT id FROM incident AS i WHERE tenant = $1 AND last_update >= $2 AND last_update <= $3 AND redirect_id = 0`+
		and(tx.scopeCondition("i"))+` ORDER BY id`, micros(from), lastMicro(to))
	err = each(rows, err, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		inc, err := tx.Incident(id)
		if err == nil {
			inc.Comments, err = tx.Comments(id, "")
		}
		if err == nil {
			err = fn(&inc, alerts[id])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// lastMicro is the upper bound of a range of times.
func lastMicro(to time.Time) int64 {
	if to.IsZero() {
		return math.MaxInt64
	}
	return to.UnixMicro()
}
