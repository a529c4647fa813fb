package cases

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/store"
)

const (
	maxPersonRunes   = 256
	maxTextRunes     = tocsin.MaxCommentRunes
	maxCustomDetails = 64 << 10 // bytes of JSON
)

// edit collects the lines that one update leaves in the record.
type edit struct {
	lines []tocsin.Change
	lone  bool // assigning the incident leaves its alerts alone
}

func (e *edit) line(kind, summary string, before, after json.RawMessage) {
	e.lines = append(e.lines, tocsin.Change{Kind: kind, Summary: summary, Before: before, After: after})
}

// UpdateIncident changes an incident and returns it with its comments. Every
// property that really changes is a line of the record. Assigning also assigns
// its alerts, resolving also resolves those that are active. A classification
// that the determination does not go with resets the determination; a
// determination must go with the classification. An incident that was merged
// away is an error of CodeConflict. So is an update whose properties somebody
// changed since IfVersion: then the error is a *Conflict that carries the
// incident as it is and says who changed what. Changes of other properties since
// then stay, and are no obstacle.
func (c *Cases) UpdateIncident(ctx context.Context, id int64, u IncidentUpdate) (out tocsin.Incident, err error) {
	err = c.st.Update(ctx, func(tx *store.Tx) error {
		inc, err := load(tx, id, false)
		if err != nil {
			return err
		}
		if err := mayUpdate(tx, &inc, &u); err != nil {
			return err
		}
		var e edit
		if err := applyIncident(tx, &inc, u, &e); err != nil {
			return err
		}
		if len(e.lines) > 0 {
			if err := c.save(tx, &inc, e.lines); err != nil {
				return err
			}
		}
		out = inc
		return nil
	})
	return out, err
}

// save writes an incident that a person or program changed, and its lines.
func (c *Cases) save(tx *store.Tx, inc *tocsin.Incident, lines []tocsin.Change) error {
	for _, ch := range lines {
		inc.Version++
		ch.Noun, ch.ID, ch.Version = "incident", strconv.FormatInt(inc.ID, 10), inc.Version
		if _, err := tx.Append(ch); err != nil {
			return err
		}
	}
	inc.LastUpdate, inc.LastModifiedBy = tx.Now(), tx.Principal().UserName
	return tx.PutIncident(inc)
}

// applyIncident is deliberately one list of properties, in the order in which
// the record should tell them: a reader checks it against IncidentUpdate.
func applyIncident(tx *store.Tx, inc *tocsin.Incident, u IncidentUpdate, e *edit) error {
	to := inc.Status
	if u.Status != nil {
		to = *u.Status
	}
	if err := inc.CheckMove(to); err != nil {
		return err
	}
	if u.DisplayName != nil {
		name := strings.TrimSpace(*u.DisplayName)
		if name == "" {
			return tocsin.Errorf(tocsin.CodeInvalid, "an incident needs a name")
		}
		if utf8.RuneCountInString(name) > tocsin.MaxTitleRunes {
			return tocsin.Errorf(tocsin.CodeLimit, "a name takes at most %d characters", tocsin.MaxTitleRunes)
		}
		if name != inc.DisplayName {
			e.line("renamed", fmt.Sprintf("Renamed from “%s” to “%s”", inc.DisplayName, name), object("displayName", inc.DisplayName), object("displayName", name))
			inc.DisplayName, inc.Renamed = name, true
		}
	}
	if err := text(u.Description, &inc.Description, "descriptionChanged", "description", e); err != nil {
		return err
	}
	if err := text(u.Summary, &inc.Summary, "summaryChanged", "summary", e); err != nil {
		return err
	}
	if err := applySeverity(tx, inc, u.Severity, e); err != nil {
		return err
	}
	if u.CustomTags != nil {
		if err := applyTags(tx, inc, *u.CustomTags, e); err != nil {
			return err
		}
	}
	cascade := func(to string) (int64, error) { return tx.AssignAlerts(inc.ID, to) }
	if e.lone {
		cascade = nil
	}
	if err := assign(tx, u.AssignedTo, &inc.AssignedTo, e, cascade); err != nil {
		return err
	}
	if err := classify(u.Classification, u.Determination, &inc.Classification, &inc.Determination, e); err != nil {
		return err
	}
	if err := text(u.ResolvingComment, &inc.ResolvingComment, "resolvingCommentChanged", "resolvingComment", e); err != nil {
		return err
	}
	if err := details(u.CustomDetails, &inc.CustomDetails, e); err != nil {
		return err
	}
	return applyStatus(tx, inc, to, e)
}

// details sets the custom details of an incident or alert.
func details(want *map[string]any, have *map[string]any, e *edit) error {
	if want == nil {
		return nil
	}
	before, err := json.Marshal(*have)
	if err != nil {
		return fmt.Errorf("encode custom details: %w", err)
	}
	after, err := json.Marshal(*want)
	if err != nil {
		return &tocsin.Error{Code: tocsin.CodeInvalid, Msg: "the custom details are no JSON object", Err: err}
	}
	if len(after) > maxCustomDetails {
		return tocsin.Errorf(tocsin.CodeLimit, "custom details take at most %d bytes", maxCustomDetails)
	}
	if string(before) == string(after) || len(*want) == 0 && len(*have) == 0 {
		return nil
	}
	e.line("customDetailsChanged", "Custom details changed", before, after)
	*have = *want
	return nil
}

func text(want *string, have *string, kind, property string, e *edit) error {
	if want == nil || *want == *have {
		return nil
	}
	if utf8.RuneCountInString(*want) > maxTextRunes {
		return tocsin.Errorf(tocsin.CodeLimit, "%s takes at most %d characters", property, maxTextRunes)
	}
	what := map[string]string{"description": "Description", "summary": "Summary", "resolvingComment": "Resolution note"}[property]
	summary := what + " changed"
	switch {
	case *want == "":
		summary = what + " removed"
	case property == "resolvingComment":
		summary = "Resolution note: " + *want
	}
	e.line(kind, summary, object(property, *have), object(property, *want))
	*have = *want
	return nil
}

// applySeverity sets a severity by hand, which the alerts then no longer
// change; unknown gives it back to them.
func applySeverity(tx *store.Tx, inc *tocsin.Incident, want *tocsin.Severity, e *edit) error {
	if want == nil || (*want == inc.Severity && inc.SeverityManual) {
		return nil
	}
	if !slices.Contains(tocsin.Severities, *want) {
		return tocsin.Errorf(tocsin.CodeInvalid, "unknown severity %q", *want)
	}
	was := inc.Severity
	if *want == tocsin.SeverityUnknown {
		if !inc.SeverityManual {
			return nil
		}
		inc.SeverityManual = false
		t, err := loadTally(tx, inc.ID)
		if err != nil {
			return err
		}
		t.apply(inc)
	} else {
		inc.Severity, inc.SeverityManual = *want, true
	}
	summary := fmt.Sprintf("Severity changed from %s to %s", was, inc.Severity)
	if was == inc.Severity {
		if *want != tocsin.SeverityUnknown {
			// Confirming what the alerts say fixes it, which is not worth a line
			// of its own but must be kept.
			summary = fmt.Sprintf("Severity fixed at %s", inc.Severity)
		} else {
			summary = "Severity follows the alerts again"
		}
	}
	e.line("severityChanged", summary, object("severity", was), object("severity", inc.Severity))
	return nil
}

func applyTags(tx *store.Tx, inc *tocsin.Incident, want []string, e *edit) error {
	tags, err := cleanTags(want)
	if err != nil {
		return err
	}
	if slices.Equal(tags, inc.CustomTags) {
		return nil
	}
	added, removed := missing(tags, inc.CustomTags), missing(inc.CustomTags, tags)
	if len(added)+len(removed) == 0 {
		inc.CustomTags = tags // another order only
		return nil
	}
	var parts []string
	if len(added) > 0 {
		parts = append(parts, "added "+strings.Join(added, ", "))
	}
	if len(removed) > 0 {
		parts = append(parts, "removed "+strings.Join(removed, ", "))
	}
	e.line("tagsChanged", "Tags: "+strings.Join(parts, "; "), object("customTags", orEmpty(inc.CustomTags)), object("customTags", orEmpty(tags)))
	inc.CustomTags = tags
	return tx.UseTags(added)
}

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func missing(of, in []string) (out []string) {
	for _, v := range of {
		if !slices.Contains(in, v) {
			out = append(out, v)
		}
	}
	return out
}

// cleanTags brings custom tags into order: no control characters, no blanks at
// the ends or doubled, none empty, none twice in different case.
func cleanTags(in []string) ([]string, error) {
	var out []string
	seen := map[string]bool{}
	for _, t := range in {
		t = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return ' '
			}
			return r
		}, strings.ToValidUTF8(t, ""))
		t = strings.Join(strings.Fields(t), " ")
		if t == "" || seen[strings.ToLower(t)] {
			continue
		}
		if utf8.RuneCountInString(t) > tocsin.MaxTagRunes {
			return nil, tocsin.Errorf(tocsin.CodeLimit, "a tag takes at most %d characters", tocsin.MaxTagRunes)
		}
		seen[strings.ToLower(t)] = true
		out = append(out, t)
	}
	if len(out) > tocsin.MaxTags {
		return nil, tocsin.Errorf(tocsin.CodeLimit, "an incident takes at most %d tags", tocsin.MaxTags)
	}
	return out, nil
}

func assign(tx *store.Tx, want *string, have *string, e *edit, cascade func(to string) (int64, error)) error {
	if want == nil {
		return nil
	}
	to := strings.TrimSpace(*want)
	if to == *have {
		return nil
	}
	name, err := owner(tx, to)
	if err != nil {
		return err
	}
	summary := "Assigned to " + name
	if *have != "" {
		was, err := owner(tx, *have)
		if err != nil {
			was = *have // a group that is gone
		}
		summary += " instead of " + was
		if to == "" {
			summary = "Assignment to " + was + " removed"
		}
	}
	after := object("assignedTo", to)
	if cascade != nil {
		n, err := cascade(to)
		if err != nil {
			return err
		}
		if n > 0 {
			summary += ", with " + plural(n, "alert")
			after = object("assignedTo", to, "alerts", n)
		}
	}
	e.line("assigned", summary, object("assignedTo", *have), after)
	*have = to
	return nil
}

func plural(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.FormatInt(n, 10) + " " + what + "s"
}

func classify(wantC *tocsin.Classification, wantD *tocsin.Determination, c *tocsin.Classification, d *tocsin.Determination, e *edit) error {
	nc, nd := *c, *d
	if wantC != nil {
		nc = *wantC
	}
	if wantD != nil {
		nd = *wantD
	} else if wantC != nil && !slices.Contains(tocsin.Determinations[nc], nd) {
		nd = tocsin.DetUnknown
	}
	if nc == *c && nd == *d {
		return nil
	}
	if err := tocsin.CheckDetermination(nc, nd); err != nil {
		return err
	}
	e.line("classified", fmt.Sprintf("Classification changed from %s to %s", verdict(*c, *d), verdict(nc, nd)),
		object("classification", *c, "determination", *d), object("classification", nc, "determination", nd))
	*c, *d = nc, nd
	return nil
}

func verdict(c tocsin.Classification, d tocsin.Determination) string {
	if d == tocsin.DetUnknown {
		return string(c)
	}
	return string(c) + " (" + string(d) + ")"
}

func applyStatus(tx *store.Tx, inc *tocsin.Incident, to tocsin.IncidentStatus, e *edit) error {
	if to == inc.Status {
		return nil
	}
	summary, after := fmt.Sprintf("Status changed from %s to %s", inc.Status, to), object("status", to)
	if to == tocsin.IncidentResolved {
		n, err := tx.ResolveAlerts(inc.ID)
		if err != nil {
			return err
		}
		if n > 0 {
			summary += ", with " + plural(n, "active alert")
			after = object("status", to, "alerts", n)
		}
		if inc.ResolvingComment != "" {
			// The log shows the note beside the resolving, also when it was
			// written before.
			pairs := []any{"status", to, "comment", inc.ResolvingComment}
			if n > 0 {
				pairs = append(pairs, "alerts", n)
			}
			after = object(pairs...)
		}
		inc.ActiveAlerts = 0
	}
	e.line("statusChanged", summary, object("status", inc.Status), after)
	inc.Status = to
	return nil
}

// UpdateAlert changes an alert and returns it with its comments. Its incident
// is counted again and gets a line of its own. The rules of classification,
// merged incidents and IfVersion are those of UpdateIncident.
func (c *Cases) UpdateAlert(ctx context.Context, id string, u AlertUpdate) (out tocsin.Alert, err error) {
	err = c.st.Update(ctx, func(tx *store.Tx) error {
		a, err := tx.Alert(id)
		if err != nil {
			return err
		}
		if a.Comments, err = tx.Comments(a.IncidentID, id); err != nil {
			return err
		}
		if err := mayUpdateAlert(tx, &a, &u); err != nil {
			return err
		}
		var e edit
		back := tx.AsEngine() // who sees an alert may change it; the rest of it and of its incident stays
		defer back()
		if tx.Principal().Scoped() {
			shown := a
			if a, err = tx.Alert(id); err != nil {
				return err
			}
			a.Comments = shown.Comments
		}
		if err := applyAlert(tx, &a, u, &e); err != nil {
			return err
		}
		if len(e.lines) > 0 {
			if a, err = c.saveAlert(tx, a, e.lines); err != nil {
				return err
			}
		}
		if out = a; !tx.Principal().Scoped() {
			return nil
		}
		back()
		out, err = tx.Alert(id)
		out.Comments = a.Comments
		return err
	})
	return out, err
}

func applyAlert(tx *store.Tx, a *tocsin.Alert, u AlertUpdate, e *edit) error {
	if u.Severity != nil && *u.Severity != a.Severity {
		if !slices.Contains(tocsin.Severities, *u.Severity) {
			return tocsin.Errorf(tocsin.CodeInvalid, "unknown severity %q", *u.Severity)
		}
		e.line("severityChanged", fmt.Sprintf("Severity changed from %s to %s", a.Severity, *u.Severity), object("severity", a.Severity), object("severity", *u.Severity))
		a.Severity = *u.Severity
	}
	if err := assign(tx, u.AssignedTo, &a.AssignedTo, e, nil); err != nil {
		return err
	}
	if err := classify(u.Classification, u.Determination, &a.Classification, &a.Determination, e); err != nil {
		return err
	}
	if err := details(u.CustomDetails, &a.CustomDetails, e); err != nil {
		return err
	}
	if u.Status != nil && *u.Status != a.Status {
		if !slices.Contains(tocsin.AlertStatuses, *u.Status) {
			return tocsin.Errorf(tocsin.CodeInvalid, "unknown alert status %q", *u.Status)
		}
		e.line("statusChanged", fmt.Sprintf("Status changed from %s to %s", a.Status, *u.Status), object("status", a.Status), object("status", *u.Status))
		a.Status = *u.Status
		a.Resolved = time.Time{}
		if a.Status == tocsin.AlertResolved {
			a.Resolved = tx.Now()
		}
	}
	return nil
}

// saveAlert writes an alert that a person or program changed, its lines, and
// the same lines in the words of its incident.
func (c *Cases) saveAlert(tx *store.Tx, a tocsin.Alert, lines []tocsin.Change) (tocsin.Alert, error) {
	inc, err := tx.Incident(a.IncidentID)
	if err != nil {
		return a, err
	}
	if err := inc.CheckMove(inc.Status); err != nil {
		return a, err
	}
	told, err := c.putAlert(tx, &a, lines)
	if err != nil {
		return a, err
	}
	t, err := loadTally(tx, inc.ID)
	if err != nil {
		return a, err
	}
	t.apply(&inc)
	return a, c.save(tx, &inc, told)
}

// putAlert writes an alert that was changed, and its lines; told are the same
// lines in the words of its incident, which has yet to be counted and written.
func (c *Cases) putAlert(tx *store.Tx, a *tocsin.Alert, lines []tocsin.Change) (told []tocsin.Change, err error) {
	for _, ch := range lines {
		a.Version++
		told = append(told, tocsin.Change{Kind: "alertUpdated", AlertID: a.ID, Before: ch.Before, After: ch.After,
			Summary: fmt.Sprintf("Alert “%s”: %s", a.Title, lowerFirst(ch.Summary))})
		ch.Noun, ch.ID, ch.Version, ch.AlertID = "alert", a.ID, a.Version, a.ID
		if _, err := tx.Append(ch); err != nil {
			return nil, err
		}
	}
	a.LastUpdate = tx.Now()
	facts, err := tx.Facts(a.ID)
	if err != nil {
		return nil, err
	}
	dig, err := json.Marshal(digestOf(a))
	if err != nil {
		return nil, fmt.Errorf("encode digest: %w", err)
	}
	return told, tx.PutAlert(store.AlertRow{Alert: a, Facts: facts, Digest: string(dig)})
}

// CommentIncident adds a comment in the name of the principal and returns all
// comments, oldest first. It takes 1 to MaxCommentRunes characters.
func (c *Cases) CommentIncident(ctx context.Context, id int64, text string) (out []tocsin.Comment, err error) {
	err = c.st.Update(ctx, func(tx *store.Tx) error {
		inc, err := tx.Incident(id)
		if err != nil {
			return err
		}
		if err := inc.CheckMove(inc.Status); err != nil {
			return err
		}
		cm, err := comment(tx, text)
		if err != nil {
			return err
		}
		// A comment takes nothing away, so who sees a part of an incident may
		// comment on it; it is written back in whole.
		defer tx.AsEngine()()
		if inc, err = tx.Incident(id); err != nil {
			return err
		}
		if err := tx.AddComment(id, "", cm); err != nil {
			return err
		}
		if err := c.save(tx, &inc, []tocsin.Change{{Kind: "commented", Summary: "Commented", After: object("comment", cm.Text)}}); err != nil {
			return err
		}
		out, err = tx.Comments(id, "")
		return err
	})
	return out, err
}

// CommentAlert adds a comment to an alert, as CommentIncident does.
func (c *Cases) CommentAlert(ctx context.Context, id string, text string) (out []tocsin.Comment, err error) {
	err = c.st.Update(ctx, func(tx *store.Tx) error {
		a, err := tx.Alert(id)
		if err != nil {
			return err
		}
		cm, err := comment(tx, text)
		if err != nil {
			return err
		}
		defer tx.AsEngine()()
		if a, err = tx.Alert(id); err != nil {
			return err
		}
		if err := tx.AddComment(a.IncidentID, id, cm); err != nil {
			return err
		}
		if _, err := c.saveAlert(tx, a, []tocsin.Change{{Kind: "commented", Summary: "Commented", After: object("comment", cm.Text)}}); err != nil {
			return err
		}
		out, err = tx.Comments(a.IncidentID, id)
		return err
	})
	return out, err
}

func comment(tx *store.Tx, text string) (tocsin.Comment, error) {
	text = strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD"))
	if text == "" {
		return tocsin.Comment{}, tocsin.Errorf(tocsin.CodeInvalid, "a comment needs a text")
	}
	if utf8.RuneCountInString(text) > tocsin.MaxCommentRunes {
		return tocsin.Comment{}, tocsin.Errorf(tocsin.CodeLimit, "a comment takes at most %d characters", tocsin.MaxCommentRunes)
	}
	p := tx.Principal()
	by := p.DisplayName
	if by == "" {
		by = p.UserName
	}
	return tocsin.Comment{Text: text, CreatedBy: by, Created: tx.Now()}, nil
}

func lowerFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(r)) + s[n:]
}
