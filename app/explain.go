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
// rests on and its weight, and the link that most easily parts the incident. It
// says what was kept when the alerts came; nothing is weighed again.
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
	return a.explain(ctx, out, alert.IncidentID, alert.ID)
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
