package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tocsinhq/tocsin"
)

// PutTask makes a task, when its ID is 0, or changes one.
func (tx *Tx) PutTask(t *tocsin.Task) (err error) {
	if t.ID == 0 {
		if t.ID, err = tx.next("task"); err != nil {
			return fmt.Errorf("number a task: %w", err)
		}
	}
	body, err := toJSON(t)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO task (tenant, id, incident_id, version, status, assigned_to, due, created, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (tenant, id) DO UPDATE SET incident_id = excluded.incident_id, version = excluded.version, status = excluded.status,
		assigned_to = excluded.assigned_to, due = excluded.due, body = excluded.body`,
		t.ID, t.IncidentID, t.Version, string(t.Status), t.AssignedTo, micros(t.Due), micros(t.Created), body)
	if err != nil {
		return fmt.Errorf("write task %d: %w", t.ID, err)
	}
	return nil
}

// DeleteTask removes a task.
func (tx *Tx) DeleteTask(id int64) error {
	_, err := tx.exec(`DELETE FROM task WHERE tenant = $1 AND id = $2`, id)
	return err
}

// Tasks are those of an incident in the order in which they were made.
func (tx *Tx) Tasks(incidentID int64) (out []tocsin.Task, err error) {
	rows, err := tx.query(`SELECT body, incident_id FROM task WHERE tenant = $1 AND incident_id = $2 ORDER BY id`, incidentID)
	err = each(rows, err, func(rows *sql.Rows) error {
		var body string
		var incident int64
		var t tocsin.Task
		if err := rows.Scan(&body, &incident); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(body), &t); err != nil {
			return fmt.Errorf("read task: %w", err)
		}
		t.IncidentID = incident
		out = append(out, t)
		return nil
	})
	return out, err
}

// TaskIDs are the numbers of the tasks of an incident.
func (tx *Tx) TaskIDs(incidentID int64) (ids []int64, err error) {
	rows, err := tx.query(`SELECT id FROM task WHERE tenant = $1 AND incident_id = $2 ORDER BY id`, incidentID)
	err = each(rows, err, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}

// MoveTask moves a task of one incident to another; one that is not there any
// more is no error.
func (tx *Tx) MoveTask(id, from, to int64) error {
	_, err := tx.exec(`UPDATE task SET incident_id = $4 WHERE tenant = $1 AND id = $2 AND incident_id = $3`, id, from, to)
	return err
}

// PutTaskTemplate makes a template, when its ID is 0, or changes one. A name
// that another has, in any case, is an error of CodeConflict.
func (tx *Tx) PutTaskTemplate(t *tocsin.TaskTemplate) (err error) {
	if t.ID == 0 {
		if t.ID, err = tx.next("taskTemplate"); err != nil {
			return fmt.Errorf("number a template: %w", err)
		}
	}
	body, err := toJSON(t)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO task_template (tenant, id, name, name_key, body) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (tenant, id) DO UPDATE SET name = excluded.name, name_key = excluded.name_key, body = excluded.body`,
		t.ID, t.Name, strings.ToLower(t.Name), body)
	if tocsin.CodeOf(err) == tocsin.CodeConflict {
		return &tocsin.Error{Code: tocsin.CodeConflict, Msg: "there is already a template " + t.Name, Err: err}
	}
	return err
}

// DeleteTaskTemplate removes a template.
func (tx *Tx) DeleteTaskTemplate(id int64) error {
	_, err := tx.exec(`DELETE FROM task_template WHERE tenant = $1 AND id = $2`, id)
	return err
}

// TaskTemplates lists the templates of the tenant by name.
func (tx *Tx) TaskTemplates() (out []tocsin.TaskTemplate, err error) {
	rows, err := tx.query(`SELECT body FROM task_template WHERE tenant = $1 ORDER BY name_key`)
	err = each(rows, err, func(rows *sql.Rows) error {
		var body string
		var t tocsin.TaskTemplate
		if err := rows.Scan(&body); err != nil {
			return err
		}
		err := json.Unmarshal([]byte(body), &t)
		out = append(out, t)
		return err
	})
	return out, err
}
