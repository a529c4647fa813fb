package api

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/cases"
)

// taskBody sets what it names of a task; "" and null for due take it away.
type taskBody struct {
	Title        *string         `json:"title,omitempty"`
	Description  *string         `json:"description,omitempty"`
	Status       *string         `json:"status,omitempty"`
	Priority     *string         `json:"priority,omitempty"`
	Category     *string         `json:"category,omitempty"`
	AssignedTo   *string         `json:"assignedTo,omitempty"`
	Due          json.RawMessage `json:"dueDateTime,omitempty"`
	ClosingNotes *string         `json:"closingNotes,omitempty"`
	Version      int64           `json:"version,omitempty"`
}

type taskAnswer struct {
	ID           int64     `json:"id"`
	Version      int64     `json:"version"`
	Title        string    `json:"title"`
	Description  string    `json:"description"`
	Status       string    `json:"status"`
	Priority     string    `json:"priority"`
	Category     string    `json:"category"`
	AssignedTo   string    `json:"assignedTo"`
	Due          time.Time `json:"dueDateTime,omitzero"`
	ClosingNotes string    `json:"closingNotes"`
	CreatedBy    actor     `json:"createdBy"`
	Created      time.Time `json:"createdDateTime"`
	LastUpdate   time.Time `json:"lastUpdateDateTime"`
	Closed       time.Time `json:"closedDateTime,omitzero"`
}

func taskOf(t *tocsin.Task) taskAnswer {
	return taskAnswer{ID: t.ID, Version: t.Version, Title: t.Title, Description: t.Description, Status: string(t.Status), Priority: string(t.Priority), Category: t.Category,
		AssignedTo: t.AssignedTo, Due: t.Due, ClosingNotes: t.ClosingNotes, CreatedBy: actor{string(t.CreatedBy.Kind), t.CreatedBy.Name}, Created: t.Created,
		LastUpdate: t.LastUpdate, Closed: t.Closed}
}

func tasksOf(ts []tocsin.Task) valueOf[taskAnswer] {
	out := valueOf[taskAnswer]{Value: []taskAnswer{}}
	for i := range ts {
		out.Value = append(out.Value, taskOf(&ts[i]))
	}
	return out
}

func (b *taskBody) update() (u cases.TaskUpdate, err error) {
	u = cases.TaskUpdate{Title: b.Title, Description: b.Description, Category: b.Category, AssignedTo: b.AssignedTo, ClosingNotes: b.ClosingNotes, IfVersion: b.Version,
		Status: (*tocsin.TaskStatus)(b.Status), Priority: (*tocsin.TaskPriority)(b.Priority)}
	switch text := string(b.Due); text {
	case "":
	case "null", `""`:
		u.Due = &time.Time{}
	default:
		var at time.Time
		if json.Unmarshal(b.Due, &at) != nil {
			return u, tocsin.Errorf(tocsin.CodeInvalid, `the property "dueDateTime" takes a time such as "2026-03-02T09:00:00Z"`)
		}
		u.Due = &at
	}
	return u, nil
}

// taskPath is the incident and the task of a path.
func taskPath(r *http.Request) (incident, task int64, err error) {
	if incident, err = incidentID(r); err != nil {
		return 0, 0, err
	}
	if task, err = strconv.ParseInt(r.PathValue("task"), 10, 64); err != nil {
		return 0, 0, tocsin.Errorf(tocsin.CodeNotFound, "there is no task %s", r.PathValue("task"))
	}
	return incident, task, nil
}

func (a *API) listTasks(w http.ResponseWriter, r *http.Request) error {
	id, err := incidentID(r)
	if err != nil {
		return err
	}
	ts, err := a.cfg.Cases.Tasks(r.Context(), id)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, tasksOf(ts))
}

func (a *API) addTask(w http.ResponseWriter, r *http.Request) error {
	id, err := incidentID(r)
	if err != nil {
		return err
	}
	var in taskBody
	if err := decodeBody(r, &in); err != nil {
		return err
	}
	u, err := in.update()
	if err != nil {
		return err
	}
	t, err := a.cfg.Cases.AddTask(r.Context(), id, u)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, taskOf(&t))
}

func (a *API) updateTask(w http.ResponseWriter, r *http.Request) error {
	incident, id, err := taskPath(r)
	if err != nil {
		return err
	}
	var in taskBody
	if err := decodeBody(r, &in); err != nil {
		return err
	}
	u, err := in.update()
	if err != nil {
		return err
	}
	t, err := a.cfg.Cases.UpdateTask(r.Context(), incident, id, u)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, taskOf(&t))
}

func (a *API) deleteTask(w http.ResponseWriter, r *http.Request) error {
	incident, id, err := taskPath(r)
	if err != nil {
		return err
	}
	if err := a.cfg.Cases.DeleteTask(r.Context(), incident, id); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

type templateBody struct {
	Name        string         `json:"name"`
	Description string         `json:"description,omitempty"`
	Tasks       []templateTask `json:"tasks"`
}

type templateTask struct {
	Title       string `json:"title"`
	Description string `json:"description,omitempty"`
	Priority    string `json:"priority,omitempty"`
	Category    string `json:"category,omitempty"`
	DueHours    int    `json:"dueHours,omitempty"`
}

type templateAnswer struct {
	ID          int64          `json:"id"`
	Name        string         `json:"name"`
	Description string         `json:"description"`
	Tasks       []templateTask `json:"tasks"`
}

func templateOf(t *tocsin.TaskTemplate) templateAnswer {
	out := templateAnswer{ID: t.ID, Name: t.Name, Description: t.Description, Tasks: []templateTask{}}
	for _, x := range t.Tasks {
		out.Tasks = append(out.Tasks, templateTask{x.Title, x.Description, string(x.Priority), x.Category, x.DueHours})
	}
	return out
}

func (a *API) listTemplates(w http.ResponseWriter, r *http.Request) error {
	ts, err := a.cfg.Cases.TaskTemplates(r.Context())
	if err != nil {
		return err
	}
	out := valueOf[templateAnswer]{Value: []templateAnswer{}}
	for i := range ts {
		out.Value = append(out.Value, templateOf(&ts[i]))
	}
	return writeJSON(w, http.StatusOK, out)
}

func templateID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id <= 0 {
		return 0, tocsin.Errorf(tocsin.CodeNotFound, "there is no template %s", r.PathValue("id"))
	}
	return id, nil
}

func (a *API) createTemplate(w http.ResponseWriter, r *http.Request) error {
	return a.putTemplate(w, r, 0, http.StatusCreated)
}

func (a *API) updateTemplate(w http.ResponseWriter, r *http.Request) error {
	id, err := templateID(r)
	if err != nil {
		return err
	}
	return a.putTemplate(w, r, id, http.StatusOK)
}

func (a *API) putTemplate(w http.ResponseWriter, r *http.Request, id int64, status int) error {
	var in templateBody
	if err := decodeBody(r, &in); err != nil {
		return err
	}
	t := tocsin.TaskTemplate{ID: id, Name: in.Name, Description: in.Description}
	for _, x := range in.Tasks {
		t.Tasks = append(t.Tasks, tocsin.TemplateTask{Title: x.Title, Description: x.Description, Priority: tocsin.TaskPriority(x.Priority), Category: x.Category, DueHours: x.DueHours})
	}
	t, err := a.cfg.Cases.PutTaskTemplate(r.Context(), t)
	if err != nil {
		return err
	}
	return writeJSON(w, status, templateOf(&t))
}

func (a *API) deleteTemplate(w http.ResponseWriter, r *http.Request) error {
	id, err := templateID(r)
	if err != nil {
		return err
	}
	if err := a.cfg.Cases.DeleteTaskTemplate(r.Context(), id); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

type applyBody struct {
	Template int64 `json:"templateId"`
}

func (a *API) applyTemplate(w http.ResponseWriter, r *http.Request) error {
	id, err := incidentID(r)
	if err != nil {
		return err
	}
	var in applyBody
	if err := decodeBody(r, &in); err != nil {
		return err
	}
	ts, err := a.cfg.Cases.ApplyTaskTemplate(r.Context(), id, in.Template)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, tasksOf(ts))
}

var taskRoutes = []route{
	{id: "listTasks", method: "GET", path: "/api/v1/incidents/{id}/tasks", verb: tocsin.VerbIncidentRead, tag: "cases",
		doc: "The tasks of an incident in the order in which they were made", out: is[valueOf[taskAnswer]](), handle: (*API).listTasks},
	{id: "addTask", method: "POST", path: "/api/v1/incidents/{id}/tasks", verb: tocsin.VerbIncidentWrite, tag: "cases",
		doc: "Adds a task; an incident takes 40", in: is[taskBody](), out: is[taskAnswer](), status: http.StatusCreated, handle: (*API).addTask},
	{id: "updateTask", method: "PATCH", path: "/api/v1/incidents/{id}/tasks/{task}", verb: tocsin.VerbIncidentWrite, tag: "cases",
		doc: "Changes the properties of a task that are given; with a version only if it still has it", in: is[taskBody](), out: is[taskAnswer](), handle: (*API).updateTask},
	{id: "deleteTask", method: "DELETE", path: "/api/v1/incidents/{id}/tasks/{task}", verb: tocsin.VerbIncidentWrite, tag: "cases",
		doc: "Removes a task", status: http.StatusNoContent, handle: (*API).deleteTask},
	{id: "applyTaskTemplate", method: "POST", path: "/api/v1/incidents/{id}/tasks/template", verb: tocsin.VerbIncidentWrite, tag: "cases",
		doc: "Puts the tasks of a template on an incident", in: is[applyBody](), out: is[valueOf[taskAnswer]](), status: http.StatusCreated, handle: (*API).applyTemplate},
	{id: "listTaskTemplates", method: "GET", path: "/api/v1/tasktemplates", verb: tocsin.VerbIncidentRead, tag: "cases",
		doc: "Named lists of tasks", out: is[valueOf[templateAnswer]](), handle: (*API).listTemplates},
	{id: "createTaskTemplate", method: "POST", path: "/api/v1/tasktemplates", verb: tocsin.VerbIncidentWrite, tag: "cases",
		doc: "Makes a named list of tasks", in: is[templateBody](), out: is[templateAnswer](), status: http.StatusCreated, handle: (*API).createTemplate},
	{id: "updateTaskTemplate", method: "PUT", path: "/api/v1/tasktemplates/{id}", verb: tocsin.VerbIncidentWrite, tag: "cases",
		doc: "Changes a named list of tasks", in: is[templateBody](), out: is[templateAnswer](), handle: (*API).updateTemplate},
	{id: "deleteTaskTemplate", method: "DELETE", path: "/api/v1/tasktemplates/{id}", verb: tocsin.VerbIncidentWrite, tag: "cases",
		doc: "Removes a named list of tasks; tasks made of it stay", status: http.StatusNoContent, handle: (*API).deleteTemplate},
}
