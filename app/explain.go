package app

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/cases"
)

// Explain writes why the alerts of an incident are together, or with the id of
// an alert why that one is in its incident: each link with its reasons, what it
// rests on and its weight, and the link that most easily parts the incident, as
// they were kept when the alerts came. For an alert the candidates are then
// looked for and weighed again, as the store is now.
func (a *App) Explain(ctx context.Context, id string, out io.Writer) error {
	ctx = a.system(ctx)
	number, err := strconv.ParseInt(id, 10, 64)
	if err == nil {
		return a.explain(ctx, out, number, "")
	}
	alert, err := a.cases.Alert(ctx, id)
	if err != nil {
		return err
	}
	if err := a.explain(ctx, out, alert.IncidentID, alert.ID); err != nil {
		return err
	}
	return a.reconsider(ctx, out, alert.ID)
}

// reconsider writes which incidents the alert would be compared with now, and
// what speaks against each.
func (a *App) reconsider(ctx context.Context, out io.Writer, alert string) error {
	r, err := a.cases.Reconsider(ctx, alert)
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\nweighed again now, against the open incidents as they are, without the alert itself; what came later counts too\n")
	switch {
	case r.Off != "":
		fmt.Fprintf(&b, "not weighed: %s\n", r.Off)
	case len(r.Candidates) == 0:
		fmt.Fprintf(&b, "no candidates: %s\n", r.Decision.Why)
	}
	for i := range r.Candidates {
		c := &r.Candidates[i]
		own := ""
		if c.IncidentID == r.Alert.IncidentID {
			own = " (where it is)"
		}
		fmt.Fprintf(&b, "candidate incident %d%s, %q: weight %.2f of %.2f, %d alerts compared; %s\n", c.IncidentID, own, r.Names[c.IncidentID], c.Weight, r.Join, c.Alerts, c.Why)
		for _, l := range c.Links {
			fmt.Fprintf(&b, "  with %s, weight %.2f, %s: %q\n", l.ToAlertID, l.Weight, reasonNames(l.Reasons), l.Sentence)
		}
	}
	_, err = io.WriteString(out, b.String())
	return err
}

func (a *App) explain(ctx context.Context, out io.Writer, incident int64, alert string) error {
	for skip := 0; ; {
		c, err := a.cases.Chain(ctx, incident, cases.ChainQuery{Skip: skip, Top: cases.MaxChainSteps, AlertID: alert})
		if err != nil {
			return err
		}
		var b strings.Builder
		steps := c.Steps
		if alert != "" {
			steps = c.Path
		}
		if skip == 0 {
			fmt.Fprintf(&b, "incident %d, %q: %d alerts, %d links, %d parts; %.2f joins\n", incident, c.Incident.DisplayName,
				c.Incident.AlertCount, c.Links, c.Parts, c.Join)
		}
		for i := range steps {
			writeStep(&b, &steps[i])
		}
		if w := c.Weakest; w != nil && !c.More {
			fmt.Fprintf(&b, "weakest link: %s - %s, weight %.2f; cut, %d alerts stay and %d go\n", w.From.ID, w.To.ID, w.Weight, w.Stay.Count, w.Go.Count)
			for _, l := range w.Also {
				fmt.Fprintf(&b, "  cut with it: %s - %s, weight %.2f\n", l.From.ID, l.To.ID, l.Weight)
			}
		}
		if _, err := io.WriteString(out, b.String()); err != nil || !c.More {
			return err
		}
		skip += len(c.Steps)
	}
}

func writeStep(b *strings.Builder, s *cases.ChainStep) {
	fmt.Fprintf(b, "%s %s %q\n", s.Alert.First.Format("2006-01-02T15:04:05Z07:00"), s.Alert.ID, s.Alert.Title)
	if s.Held == nil {
		from := ""
		if s.From != 0 {
			from = fmt.Sprintf(" from incident %d by %q", s.From, s.By.Name)
		}
		fmt.Fprintf(b, "  %s%s\n", s.Came, from)
	} else {
		writeLink(b, "held by", s.Held)
	}
	for i := range s.Also {
		writeLink(b, "also", &s.Also[i])
	}
}

func writeLink(b *strings.Builder, what string, l *cases.ChainLink) {
	fmt.Fprintf(b, "  %s %s - %s, weight %.2f, %s: %q\n", what, l.From.ID, l.To.ID, l.Weight, reasonNames(l.Reasons), l.Sentence)
	for _, e := range l.Entities {
		fmt.Fprintf(b, "    %s %.2f %q\n", e.Signal, e.Weight, e.Key)
	}
}

func reasonNames(rs []tocsin.CorrelationReason) string {
	out := make([]string, len(rs))
	for i, r := range rs {
		out[i] = string(r)
	}
	return strings.Join(out, " ")
}
