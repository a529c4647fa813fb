package cases

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

// T01: a task is made, edited, closed with notes and deleted; each is a line of
// the incident's record.
func TestT01Task(t *testing.T) {
	w := newWorld(t)
	ctx := anna(t)
	id := number(t, w.apart(t, 1)[0])
	due := day.Add(48 * time.Hour)
	head, _ := w.st.Head(ctx)
	task, err := w.AddTask(ctx, id, TaskUpdate{Title: ptr("  Isolate the host "), Description: ptr("**Now**"), Priority: ptr(tocsin.TaskHigh), Category: ptr("Containment"),
		AssignedTo: ptr("ben"), Due: &due})
	if err != nil || task.Title != "Isolate the host" || task.Status != tocsin.TaskNew || !task.Due.Equal(due) || task.CreatedBy.Name != "anna" {
		t.Fatalf("%+v, %v", task, err)
	}
	for name, tt := range map[string]struct {
		u    TaskUpdate
		code tocsin.Code
	}{
		"no title": {TaskUpdate{Title: ptr(" ")}, tocsin.CodeInvalid}, "long title": {TaskUpdate{Title: ptr(strings.Repeat("é", 201))}, tocsin.CodeLimit},
		"status": {TaskUpdate{Status: ptr(tocsin.TaskStatus("done"))}, tocsin.CodeInvalid}, "priority": {TaskUpdate{Priority: ptr(tocsin.TaskPriority("x"))}, tocsin.CodeInvalid},
		"group": {TaskUpdate{AssignedTo: ptr("group:none")}, tocsin.CodeInvalid}, "late": {TaskUpdate{Title: ptr("x"), IfVersion: 7}, tocsin.CodeConflict},
		"long text": {TaskUpdate{Description: ptr(strings.Repeat("é", 10_001))}, tocsin.CodeLimit},
	} {
		if _, err := w.UpdateTask(ctx, id, task.ID, tt.u); tocsin.CodeOf(err) != tt.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.UpdateTask(ctx, id, task.ID, TaskUpdate{Status: ptr(tocsin.TaskInProgress), AssignedTo: ptr("carol"), IfVersion: 1}); err != nil {
		t.Fatal(err)
	}
	closed, err := w.UpdateTask(ctx, id, task.ID, TaskUpdate{Status: ptr(tocsin.TaskClosed), ClosingNotes: ptr("isolated at noon")})
	if err != nil || closed.Closed.IsZero() || closed.ClosingNotes != "isolated at noon" || closed.AssignedTo != "carol" {
		t.Fatalf("%+v, %v", closed, err)
	}
	if err := w.DeleteTask(ctx, id, task.ID); err != nil {
		t.Fatal(err)
	}
	if err := w.DeleteTask(ctx, id, task.ID); tocsin.CodeOf(err) != tocsin.CodeNotFound {
		t.Errorf("deleted twice: %v", err)
	}
	lines, _ := w.st.Changes(ctx, head, 0)
	var kinds []string
	for _, l := range lines {
		kinds = append(kinds, l.Kind)
	}
	if got := strings.Join(kinds, " "); got != "taskAdded taskChanged taskClosed taskDeleted" || !strings.Contains(lines[2].Summary, "isolated at noon") {
		t.Errorf("lines: %s", got)
	}
	if _, err := w.Tasks(as(t.Context(), "elsewhere", "eve"), id); tocsin.CodeOf(err) != tocsin.CodeNotFound {
		t.Errorf("another tenant: %v", err)
	}
}

// T02: tasks stand in the order in which they were made, the 41st is refused,
// and a template that would bring one too many brings none.
func TestT02TaskOrderAndLimit(t *testing.T) {
	w := newWorld(t)
	ctx := anna(t)
	ids := w.apart(t, 2)
	id := number(t, ids[0])
	tpl, err := w.PutTaskTemplate(ctx, tocsin.TaskTemplate{Name: "Phishing", Tasks: []tocsin.TemplateTask{{Title: "Purge the mail", DueHours: 4}, {Title: "Reset the password"}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.PutTaskTemplate(ctx, tocsin.TaskTemplate{Name: "phishing", Tasks: tpl.Tasks}); tocsin.CodeOf(err) != tocsin.CodeConflict {
		t.Errorf("the same name: %v", err)
	}
	made, err := w.ApplyTaskTemplate(ctx, id, tpl.ID)
	if err != nil || len(made) != 2 || !made[0].Due.Equal(day.Add(4*time.Hour)) {
		t.Fatalf("%+v, %v", made, err)
	}
	for n := 3; n <= 39; n++ {
		if _, err := w.AddTask(ctx, id, TaskUpdate{Title: ptr(fmt.Sprint("Task ", n))}); err != nil {
			t.Fatal(n, err)
		}
	}
	if _, err := w.ApplyTaskTemplate(ctx, id, tpl.ID); tocsin.CodeOf(err) != tocsin.CodeLimit {
		t.Errorf("two more: %v", err)
	}
	if _, err := w.AddTask(ctx, id, TaskUpdate{Title: ptr("Task 40")}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.AddTask(ctx, id, TaskUpdate{Title: ptr("Task 41")}); tocsin.CodeOf(err) != tocsin.CodeLimit {
		t.Errorf("the 41st: %v", err)
	}
	tasks, err := w.Tasks(ctx, id)
	if err != nil || len(tasks) != 40 || tasks[0].Title != "Purge the mail" || tasks[1].Title != "Reset the password" || tasks[2].Title != "Task 3" || tasks[39].Title != "Task 40" {
		t.Errorf("%d, %v", len(tasks), err)
	}
	// A merge takes the tasks along, and its undo gives them back.
	to, done, err := w.MergeIncidents(ctx, []int64{id, number(t, ids[1])}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if all, _ := w.Tasks(ctx, to); len(all) != 40 {
		t.Errorf("after the merge the target has %d", len(all))
	}
	if _, err := w.Undo(ctx, done[0].ID); err != nil {
		t.Fatal(err)
	}
	if all, _ := w.Tasks(ctx, id); len(all) != 40 {
		t.Errorf("after the undo it has %d", len(all))
	}
}
