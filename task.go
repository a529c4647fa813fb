package tocsin

import "time"

// TaskStatus is where work on a task stands.
type TaskStatus string

const (
	TaskNew        TaskStatus = "new"
	TaskInProgress TaskStatus = "inProgress"
	TaskOnHold     TaskStatus = "onHold"
	TaskClosed     TaskStatus = "closed"
)

// TaskStatuses lists every status in the order of work.
var TaskStatuses = []TaskStatus{TaskNew, TaskInProgress, TaskOnHold, TaskClosed}

// TaskPriority is how urgent a task is.
type TaskPriority string

const (
	TaskLow    TaskPriority = "low"
	TaskMedium TaskPriority = "medium"
	TaskHigh   TaskPriority = "high"
)

// TaskPriorities lists every priority, least first.
var TaskPriorities = []TaskPriority{TaskLow, TaskMedium, TaskHigh}

// Limits of tasks: how many an incident takes, characters of a title, of a
// category, of a description or closing notes; how many templates a tenant has.
const (
	MaxTasks            = 40
	MaxTaskTitleRunes   = 200
	MaxTaskCategory     = 100
	MaxTaskTextRunes    = 10_000
	MaxTaskTemplates    = 200
	MaxTemplateNameRune = 100
)

// Task is one thing to be done about an incident. Texts are Markdown.
type Task struct {
	ID           int64        `json:"id"`
	IncidentID   int64        `json:"incidentId"`
	Version      int64        `json:"version"`
	Title        string       `json:"title"`
	Description  string       `json:"description,omitempty"`
	Status       TaskStatus   `json:"status"`
	Priority     TaskPriority `json:"priority"`
	Category     string       `json:"category,omitempty"`
	AssignedTo   string       `json:"assignedTo,omitempty"`
	Due          time.Time    `json:"due,omitzero"`
	ClosingNotes string       `json:"closingNotes,omitempty"`
	CreatedBy    Actor        `json:"createdBy"`
	Created      time.Time    `json:"created"`
	LastUpdate   time.Time    `json:"lastUpdate"`
	Closed       time.Time    `json:"closed,omitzero"`
}

// TaskTemplate is a named list of tasks that can be put on an incident.
type TaskTemplate struct {
	ID          int64          `json:"id"`
	Name        string         `json:"name"`
	Description string         `json:"description,omitempty"`
	Tasks       []TemplateTask `json:"tasks"`
}

// TemplateTask is one task of a template.
type TemplateTask struct {
	Title       string       `json:"title"`
	Description string       `json:"description,omitempty"`
	Priority    TaskPriority `json:"priority"`
	Category    string       `json:"category,omitempty"`
	// DueHours is when it is due, counted from when the template is applied; 0:
	// never.
	DueHours int `json:"dueHours,omitempty"`
}
