package cases

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/store"
)

// TaskUpdate says what to set of a task; nil stays.
type TaskUpdate struct {
	Title        *string
	Description  *string
	Status       *tocsin.TaskStatus
	Priority     *tocsin.TaskPriority
	Category     *string
	AssignedTo   *string    // "" for nobody
	Due          *time.Time // the zero time for never
	ClosingNotes *string
	IfVersion    int64 // the version that the caller saw; 0: any
}

// Tasks are those of an incident in the order in which they were made.
func (c *Cases) Tasks(ctx context.Context, incidentID int64) (out []tocsin.Task, err error) {
	err = c.st.View(ctx, func(tx *store.Tx) error {
		if _, err := tx.Incident(incidentID); err != nil {
			return err
		}
		out, err = tx.Tasks(incidentID)
		return err
	})
	return out, err
}

// AddTask puts a task on an incident. It needs a title; the incident takes at
// most MaxTasks, and one more is an error of CodeLimit.
func (c *Cases) AddTask(ctx context.Context, incidentID int64, u TaskUpdate) (t tocsin.Task, err error) {
	err = c.st.Update(ctx, func(tx *store.Tx) error {
		inc, err := workable(tx, incidentID)
		if err != nil {
			return err
		}
		added, err := c.addTasks(tx, &inc, []TaskUpdate{u})
		if err == nil {
			t = added[0]
		}
		return err
	})
	return t, err
}

// workable is an incident that was not merged away.
func workable(tx *store.Tx, id int64) (tocsin.Incident, error) {
	inc, err := tx.Incident(id)
	if err == nil {
		err = inc.CheckMove(inc.Status)
	}
	return inc, err
}

func (c *Cases) addTasks(tx *store.Tx, inc *tocsin.Incident, us []TaskUpdate) (out []tocsin.Task, err error) {
	have, err := tx.TaskIDs(inc.ID)
	if err != nil {
		return nil, err
	}
	if len(have)+len(us) > tocsin.MaxTasks {
		return nil, tocsin.Errorf(tocsin.CodeLimit, "an incident takes at most %d tasks, and this one has %d", tocsin.MaxTasks, len(have))
	}
	var lines []tocsin.Change
	for _, u := range us {
		t := tocsin.Task{IncidentID: inc.ID, Version: 1, Status: tocsin.TaskNew, Priority: tocsin.TaskMedium, CreatedBy: tx.Principal().Actor(), Created: tx.Now()}
		if err := applyTask(tx, &t, u); err != nil {
			return nil, err
		}
		if err := tx.PutTask(&t); err != nil {
			return nil, err
		}
		out = append(out, t)
		lines = append(lines, tocsin.Change{Kind: "taskAdded", Summary: "Task “" + t.Title + "” added", After: taskObject(&t)})
	}
	return out, c.save(tx, inc, lines)
}

func taskObject(t *tocsin.Task) json.RawMessage {
	return object("task", t.ID, "title", t.Title, "taskStatus", t.Status, "priority", t.Priority, "taskAssignedTo", t.AssignedTo, "due", t.Due, "closingNotes", t.ClosingNotes,
		"taskCategory", t.Category, "taskDescription", t.Description)
}

func applyTask(tx *store.Tx, t *tocsin.Task, u TaskUpdate) error {
	t.LastUpdate = tx.Now()
	if u.Title != nil {
		t.Title = strings.Join(strings.Fields(*u.Title), " ")
	}
	for _, f := range []struct {
		what  string
		want  *string
		to    *string
		limit int
	}{{"description", u.Description, &t.Description, tocsin.MaxTaskTextRunes}, {"category", u.Category, &t.Category, tocsin.MaxTaskCategory},
		{"closing note", u.ClosingNotes, &t.ClosingNotes, tocsin.MaxTaskTextRunes}, {"title", &t.Title, &t.Title, tocsin.MaxTaskTitleRunes}} {
		if f.want == nil {
			continue
		}
		if utf8.RuneCountInString(*f.want) > f.limit {
			return tocsin.Errorf(tocsin.CodeLimit, "the %s of a task takes at most %d characters", f.what, f.limit)
		}
		*f.to = strings.TrimSpace(*f.want)
	}
	if t.Title == "" {
		return tocsin.Errorf(tocsin.CodeInvalid, "a task needs a title")
	}
	if u.Priority != nil {
		if !slices.Contains(tocsin.TaskPriorities, *u.Priority) {
			return tocsin.Errorf(tocsin.CodeInvalid, "unknown priority %q of a task", *u.Priority)
		}
		t.Priority = *u.Priority
	}
	if u.AssignedTo != nil {
		if _, err := owner(tx, *u.AssignedTo); err != nil {
			return err
		}
		t.AssignedTo = strings.TrimSpace(*u.AssignedTo)
	}
	if u.Due != nil {
		t.Due = u.Due.UTC().Truncate(time.Second)
	}
	if u.Status != nil && *u.Status != t.Status {
		if !slices.Contains(tocsin.TaskStatuses, *u.Status) {
			return tocsin.Errorf(tocsin.CodeInvalid, "unknown status %q of a task", *u.Status)
		}
		t.Status, t.Closed = *u.Status, time.Time{}
		if t.Status == tocsin.TaskClosed {
			t.Closed = tx.Now()
		}
	}
	return nil
}

// task is one of an incident's tasks; CodeNotFound when it has none such.
func task(tx *store.Tx, incidentID, id int64) (tocsin.Task, error) {
	ts, err := tx.Tasks(incidentID)
	if err != nil {
		return tocsin.Task{}, err
	}
	for _, t := range ts {
		if t.ID == id {
			return t, nil
		}
	}
	return tocsin.Task{}, tocsin.Errorf(tocsin.CodeNotFound, "incident %d has no task %d", incidentID, id)
}

// UpdateTask changes a task and returns it. A version that is not IfVersion is
// an error of CodeConflict.
func (c *Cases) UpdateTask(ctx context.Context, incidentID, id int64, u TaskUpdate) (t tocsin.Task, err error) {
	err = c.st.Update(ctx, func(tx *store.Tx) error {
		inc, err := workable(tx, incidentID)
		if err != nil {
			return err
		}
		was, err := task(tx, incidentID, id)
		if err != nil {
			return err
		}
		if u.IfVersion != 0 && u.IfVersion != was.Version {
			return tocsin.Errorf(tocsin.CodeConflict, "somebody changed the task “%s” meanwhile", was.Title)
		}
		t = was
		if err := applyTask(tx, &t, u); err != nil {
			return err
		}
		same := t
		same.LastUpdate = was.LastUpdate
		if reflect.DeepEqual(same, was) {
			t = was
			return nil
		}
		t.Version++
		if err := tx.PutTask(&t); err != nil {
			return err
		}
		line := tocsin.Change{Kind: "taskChanged", Summary: "Task “" + t.Title + "” changed", Before: taskObject(&was), After: taskObject(&t)}
		if t.Status == tocsin.TaskClosed && was.Status != tocsin.TaskClosed {
			line.Kind, line.Summary = "taskClosed", sentence("Task “"+t.Title+"” closed", t.ClosingNotes)
		}
		return c.save(tx, &inc, []tocsin.Change{line})
	})
	return t, err
}

// DeleteTask removes a task; what it was stays in the record.
func (c *Cases) DeleteTask(ctx context.Context, incidentID, id int64) error {
	return c.st.Update(ctx, func(tx *store.Tx) error {
		inc, err := workable(tx, incidentID)
		if err != nil {
			return err
		}
		t, err := task(tx, incidentID, id)
		if err != nil {
			return err
		}
		if err := tx.DeleteTask(id); err != nil {
			return err
		}
		return c.save(tx, &inc, []tocsin.Change{{Kind: "taskDeleted", Summary: "Task “" + t.Title + "” deleted", Before: taskObject(&t), After: object("task", t.ID)}})
	})
}

// TaskTemplates lists the templates by name.
func (c *Cases) TaskTemplates(ctx context.Context) (out []tocsin.TaskTemplate, err error) {
	err = c.st.View(ctx, func(tx *store.Tx) error {
		out, err = tx.TaskTemplates()
		return err
	})
	return out, err
}

func template(tx *store.Tx, id int64) (tocsin.TaskTemplate, error) {
	all, err := tx.TaskTemplates()
	if err != nil {
		return tocsin.TaskTemplate{}, err
	}
	if i := slices.IndexFunc(all, func(t tocsin.TaskTemplate) bool { return t.ID == id }); i >= 0 {
		return all[i], nil
	}
	return tocsin.TaskTemplate{}, tocsin.Errorf(tocsin.CodeNotFound, "there is no template %d", id)
}

// PutTaskTemplate makes a template, when its ID is 0, or changes one.
func (c *Cases) PutTaskTemplate(ctx context.Context, t tocsin.TaskTemplate) (tocsin.TaskTemplate, error) {
	t.Name = strings.Join(strings.Fields(t.Name), " ")
	if t.Name == "" || utf8.RuneCountInString(t.Name) > tocsin.MaxTemplateNameRune {
		return t, tocsin.Errorf(tocsin.CodeInvalid, "a template needs a name of at most %d characters", tocsin.MaxTemplateNameRune)
	}
	if len(t.Tasks) == 0 || len(t.Tasks) > tocsin.MaxTasks {
		return t, tocsin.Errorf(tocsin.CodeInvalid, "a template has 1 to %d tasks", tocsin.MaxTasks)
	}
	err := c.st.Update(ctx, func(tx *store.Tx) error {
		for i := range t.Tasks {
			if t.Tasks[i].Priority == "" {
				t.Tasks[i].Priority = tocsin.TaskMedium
			}
			var try tocsin.Task
			if err := applyTask(tx, &try, fromTemplate(&t.Tasks[i], tx.Now())); err != nil {
				return err
			}
		}
		line := tocsin.Change{Noun: "taskTemplate", Kind: "templateCreated", Summary: "Task template “" + t.Name + "” created", After: object("name", t.Name, "tasks", t.Tasks)}
		if t.ID != 0 {
			was, err := template(tx, t.ID)
			if err != nil {
				return err
			}
			line.Kind, line.Summary, line.Before = "templateChanged", "Task template “"+t.Name+"” changed", object("name", was.Name, "tasks", was.Tasks)
		} else if all, err := tx.TaskTemplates(); err != nil {
			return err
		} else if len(all) >= tocsin.MaxTaskTemplates {
			return tocsin.Errorf(tocsin.CodeLimit, "there can be at most %d templates", tocsin.MaxTaskTemplates)
		}
		if err := tx.PutTaskTemplate(&t); err != nil {
			return err
		}
		line.ID = strconv.FormatInt(t.ID, 10)
		_, err := tx.Append(line)
		return err
	})
	return t, err
}

func fromTemplate(t *tocsin.TemplateTask, now time.Time) TaskUpdate {
	u := TaskUpdate{Title: &t.Title, Description: &t.Description, Priority: &t.Priority, Category: &t.Category}
	if t.DueHours > 0 {
		due := now.Add(time.Duration(min(t.DueHours, 24*366)) * time.Hour)
		u.Due = &due
	}
	return u
}

// DeleteTaskTemplate removes a template; tasks made of it stay.
func (c *Cases) DeleteTaskTemplate(ctx context.Context, id int64) error {
	return c.st.Update(ctx, func(tx *store.Tx) error {
		t, err := template(tx, id)
		if err != nil {
			return err
		}
		if err := tx.DeleteTaskTemplate(id); err != nil {
			return err
		}
		_, err = tx.Append(tocsin.Change{Noun: "taskTemplate", ID: strconv.FormatInt(id, 10), Kind: "templateDeleted",
			Summary: fmt.Sprintf("Task template “%s” deleted", t.Name), Before: object("name", t.Name, "tasks", t.Tasks)})
		return err
	})
}

// ApplyTaskTemplate puts the tasks of a template on an incident, in its order:
// all of them, or none when they would be too many.
func (c *Cases) ApplyTaskTemplate(ctx context.Context, incidentID, templateID int64) (out []tocsin.Task, err error) {
	err = c.st.Update(ctx, func(tx *store.Tx) error {
		inc, err := workable(tx, incidentID)
		if err != nil {
			return err
		}
		t, err := template(tx, templateID)
		if err != nil {
			return err
		}
		us := make([]TaskUpdate, len(t.Tasks))
		for i := range t.Tasks {
			us[i] = fromTemplate(&t.Tasks[i], tx.Now())
		}
		out, err = c.addTasks(tx, &inc, us)
		return err
	})
	return out, err
}
