package cases

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

// C17: a move changes severity, assets and log of both incidents.
func TestC17MoveUpdatesBoth(t *testing.T) {
	w := newWorld(t)
	ids := w.three(t)
	bad := alert("bad", "Ransom", day.Add(301*time.Minute), device("h3"), process("h3", "gh3", "h3.exe"), user("victim@corp.example"))
	bad.Severity = tocsin.SeverityHigh
	id := w.accept(t, bad)[0].AlertID
	src, dst := w.incident(t, ids[2]), w.incident(t, ids[0])
	if src.Severity != tocsin.SeverityHigh || src.AssetCounts.Users != 2 {
		t.Fatalf("%+v", src)
	}
	_, done, err := w.MoveAlerts(anna(t), []string{id}, ids[0], "it is his machine")
	w.do(t, err)
	now, to := w.incident(t, ids[2]), w.incident(t, ids[0])
	if now.Severity != tocsin.SeverityMedium || now.AssetCounts.Users != src.AssetCounts.Users-1 || now.AlertCount != src.AlertCount-1 {
		t.Errorf("the giver: %+v", now)
	}
	if to.Severity != tocsin.SeverityHigh || to.AssetCounts.Devices != dst.AssetCounts.Devices+1 || to.AlertCount != dst.AlertCount+1 {
		t.Errorf("the taker: %+v", to)
	}
	for at, kind := range map[int64]string{ids[2]: "alertsMovedOut", ids[0]: "alertsMovedIn"} {
		lines := w.lines(t, at)
		c := lines[slices.IndexFunc(lines, func(c tocsin.Change) bool { return c.Kind == kind })]
		if c.Actor.Name != "anna" || !strings.Contains(c.Summary, "it is his machine") || !strings.Contains(c.Summary, "“Ransom”") ||
			string(c.Before) != fmt.Sprintf(`{"alertCount":%d}`, map[int64]int{ids[2]: src.AlertCount, ids[0]: dst.AlertCount}[at]) || len(c.After) == 0 {
			t.Errorf("%+v %s %s", c, c.Before, c.After)
		}
	}
	if got, err := w.Rearrangements(anna(t), ids[0]); err != nil || len(got) != 1 || got[0].ID != done[0].ID || got[0].Kind != tocsin.RearrangeMove {
		t.Errorf("%+v, %v", got, err)
	}
	w.sound(t)
	_, err = w.Undo(anna(t), done[0].ID)
	w.do(t, err)
	if now := w.incident(t, ids[2]); now.Severity != tocsin.SeverityHigh || now.AlertCount != src.AlertCount {
		t.Errorf("undone: %+v", now)
	}
	w.sound(t)
}

// C18: a new incident is named from the alert that moved into it.
func TestC18NewIncidentIsNamedFromAlert(t *testing.T) {
	w := newWorld(t)
	ids := w.three(t)
	a := w.incident(t, ids[1]).Alerts[0]
	to, _, err := w.MoveAlerts(anna(t), []string{a.ID}, 0, "")
	w.do(t, err)
	if inc := w.incident(t, to); inc.DisplayName != a.Title || inc.Renamed {
		t.Errorf("%q", inc.DisplayName)
	}
}

// C19: what the mover says about wrong reasons and irrelevant entities is kept
// with the move, and in the log of both incidents.
func TestC19FeedbackIsKept(t *testing.T) {
	w := newWorld(t)
	ids := w.three(t)
	m := Move{Alerts: []string{w.incident(t, ids[1]).Alerts[0].ID}, To: ids[0], Reasons: []string{"sameActor"},
		WrongReasons: []tocsin.CorrelationReason{tocsin.ReasonCausalSequence, tocsin.ReasonTemporal},
		Irrelevant:   []tocsin.LinkedThing{{Type: tocsin.EntityDevice, Name: "h2", Key: "device:h2"}}}
	_, _, err := w.Move(anna(t), m)
	w.do(t, err)
	got, err := w.Rearrangements(anna(t), ids[1])
	if err != nil || len(got) != 1 || !slices.Equal(got[0].WrongReasons, m.WrongReasons) || !slices.Equal(got[0].Irrelevant, m.Irrelevant) || !slices.Equal(got[0].Reasons, m.Reasons) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, id := range ids[:2] {
		if log := w.log(t, id); !strings.Contains(log, `"irrelevantEntities"`) || !strings.Contains(log, string(tocsin.ReasonCausalSequence)) {
			t.Errorf("incident %d: %s", id, log)
		}
	}
	for name, bad := range map[string]Move{
		"wrong":  {Alerts: m.Alerts, WrongReasons: []tocsin.CorrelationReason{"whim"}},
		"reason": {Alerts: m.Alerts, Reasons: []string{"whim"}},
		"entity": {Alerts: m.Alerts, Irrelevant: []tocsin.LinkedThing{{Key: "device:"}}},
		"long":   {Alerts: m.Alerts, Irrelevant: []tocsin.LinkedThing{{Key: "device:" + strings.Repeat("x", 3000)}}},
	} {
		if _, _, err := w.Move(anna(t), bad); tocsin.CodeOf(err) != tocsin.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// C14: the log of a merge's target has a line with the source's name and
// number, and the lines of the source stand in it under that number.
// C16: the reasons that were chosen can be read from the log.
func TestC14LogAfterMerge(t *testing.T) {
	w := newWorld(t)
	ids := w.three(t)
	_, err := w.UpdateIncident(anna(t), ids[1], IncidentUpdate{DisplayName: ptr("The small one")})
	w.do(t, err)
	to, _, err := w.MergeIncidents(anna(t), ids[1:], "one actor", []string{"sameActor", "lateralMovement"})
	w.do(t, err)
	of := map[string]int{}
	for _, c := range w.lines(t, to) {
		of[c.ID]++
		if c.Kind == "merged" {
			if s := string(c.After); !strings.Contains(s, `"fromName":"The small one"`) || !strings.Contains(s, fmt.Sprintf(`"from":%d`, ids[1])) ||
				!strings.Contains(s, `"reasons":["sameActor","lateralMovement"]`) || !strings.Contains(c.Summary, "The small one") {
				t.Errorf("%s %s", c.Summary, s)
			}
		}
	}
	if of[fmt.Sprint(ids[1])] < 3 || of[fmt.Sprint(to)] < 2 {
		t.Errorf("%v", of)
	}
}
