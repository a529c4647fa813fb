package detect

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/lake"
)

const (
	maxHitRows  = 10      // rows that a hit carries for evidence
	maxHitValue = 8 << 10 // bytes of one value of such a row
)

// Hit says that a rule fired: what goes into the outbox with the rows. All
// occurrences of one rule on one subject within one commit are one hit.
type Hit struct {
	RuleID string `json:"rule"`
	// Key is the subject: further hits of the rule on it within the same day
	// of event time are the same alert.
	Key   string          `json:"key"`
	Rows  []tocsin.Row    `json:"rows"`           // the first ones, at most maxHitRows; never empty
	Refs  []tocsin.RowRef `json:"refs,omitempty"` // at most tocsin.MaxAlertRows
	Count int64           `json:"count"`          // occurrences
	First time.Time       `json:"first"`          // event time
	Last  time.Time       `json:"last"`
	// ID tells hits apart: the same occurrences have the same id.
	ID string `json:"id"`
	// Inputs are set on a hit of an input rule: what correlation rules want to
	// know of it.
	Inputs []Input `json:"inputs,omitempty"`
}

// Input is a hit of an input rule in the eyes of one correlation rule.
type Input struct {
	Rule  string   `json:"rule"`            // the correlation rule's id
	Group []string `json:"group,omitempty"` // values of group-by
	Value string   `json:"value,omitempty"` // value_count: the counted field
}

// Marshal is the hit as an outbox payload.
func (h *Hit) Marshal() []byte {
	b, err := json.Marshal(h)
	if err != nil {
		// Values come from JSON or from typed columns; only a mapping's own
		// mistake (a NaN, a channel) gets here. The alert is worth more than
		// the value.
		slim := *h
		slim.Rows = []tocsin.Row{{Table: h.Rows[0].Table, Values: map[string]any{"Timestamp": h.First}}}
		b, _ = json.Marshal(&slim)
	}
	return b
}

// UnmarshalHit reads what Marshal wrote.
func UnmarshalHit(b []byte) (*Hit, error) {
	h := &Hit{}
	if err := json.Unmarshal(b, h); err != nil {
		return nil, fmt.Errorf("read a hit: %w", err)
	}
	if h.RuleID == "" || len(h.Rows) == 0 {
		return nil, fmt.Errorf("read a hit: no rule or no row")
	}
	return h, nil
}

// Collector gathers the hits of one commit. It is for one goroutine.
type Collector struct {
	eng  *Engine
	s    *Scratch
	hits []*Hit
	open map[string]*Hit
	n    int64
	text []byte
}

// NewCollector makes a Collector for hits of an engine.
func NewCollector(e *Engine) *Collector {
	return &Collector{eng: e, s: NewScratch(), open: map[string]*Hit{}}
}

// Batch takes a hit that MatchBatch emitted.
func (c *Collector) Batch(b *lake.Batch, row int, r *Rule) {
	var inputs []Input
	for _, u := range c.eng.tables[b.Table().Name] {
		if len(c.eng.inputs[r.ID]) > 0 && u.prog.source == r.Logsource {
			c.s.fit(c.eng)
			c.s.arena = c.s.arena[:0]
			c.s.view = rowView{use: u, batch: b, row: row}
			c.s.nextRow()
			inputs = c.inputs(r)
			c.s.view = rowView{}
			break
		}
	}
	t := b.Table()
	key := subject(t.Name, func(name string) string {
		if i, ok := t.Column(name); ok {
			c.text, _ = b.AppendText(c.text[:0], i, row)
			return present(string(c.text))
		}
		return ""
	})
	c.add(r, key, b.Ref(row), inputs, func() tocsin.Row {
		values := map[string]any{}
		for i, col := range t.Columns {
			if v := b.Value(i, row); v != nil {
				values[col.Name] = v
			}
		}
		return tocsin.Row{Table: t.Name, Values: values}
	})
}

// Event takes what MatchEvent answered for an event.
func (c *Collector) Event(ev *tocsin.Event, rules []*Rule) {
	for _, r := range rules {
		row := eventRow(ev, r)
		var inputs []Input
		if len(c.eng.inputs[r.ID]) > 0 {
			c.s.fit(c.eng)
			if r.Logsource.Product == HuntingProduct {
				c.s.arena = c.s.arena[:0]
				for _, u := range c.eng.tables[row.Table] {
					if u.native && u.prog.source == r.Logsource {
						c.s.view = rowView{use: u, values: row.Values}
					}
				}
				c.s.nextRow()
			} else {
				c.s.begin(ev, c.s.route(ev))
			}
			inputs = c.inputs(r)
			c.s.view, c.s.event = rowView{}, nil
		}
		c.add(r, subject(row.Table, rowGet(&row)), rowRef(&row), inputs, func() tocsin.Row { return row })
	}
}

// inputs reads what correlation rules want of the row in the scratch.
func (c *Collector) inputs(r *Rule) []Input {
	var out []Input
	get := func(field string, corr *Correlation) string {
		if to := corr.Aliases[field][r.ID]; to != "" {
			field = to
		}
		if v := c.s.value(c.eng.fields[fold(field)]); len(v.raw) > 0 {
			return strings.Clone(v.raw[0])
		}
		return ""
	}
	for _, w := range c.eng.inputs[r.ID] {
		in := Input{Rule: w.ID}
		complete := true
		for _, g := range w.Correlation.GroupBy {
			v := get(g, w.Correlation)
			in.Group = append(in.Group, v)
			complete = complete && v != ""
		}
		if w.Correlation.Field != "" {
			in.Value = get(w.Correlation.Field, w.Correlation)
			complete = complete && in.Value != ""
		}
		// An event that lacks what it would be grouped by belongs to no group.
		if complete {
			out = append(out, in)
		}
	}
	return out
}

// add takes one occurrence; row is called only when the hit has room for it.
func (c *Collector) add(r *Rule, key string, ref tocsin.RowRef, inputs []Input, row func() tocsin.Row) {
	if r.InputOnly && len(inputs) == 0 {
		return
	}
	c.n++
	// What correlation rules look at must keep its own time and values.
	merge := len(inputs) == 0
	open := r.ID + "\x00" + key + "\x00" + ref.Time.UTC().Format(time.DateOnly)
	if h := c.open[open]; merge && h != nil {
		h.join(ref)
		if len(h.Rows) < maxHitRows {
			h.Rows = append(h.Rows, trim(row()))
		}
		return
	}
	h := &Hit{RuleID: r.ID, Key: key, Rows: []tocsin.Row{trim(row())}, Refs: []tocsin.RowRef{ref}, Count: 1, First: ref.Time, Last: ref.Time, Inputs: inputs}
	c.hits = append(c.hits, h)
	if merge {
		c.open[open] = h
	}
}

func (h *Hit) join(ref tocsin.RowRef) {
	h.Count++
	if ref.Time.Before(h.First) {
		h.First = ref.Time
	}
	if ref.Time.After(h.Last) {
		h.Last = ref.Time
	}
	if len(h.Refs) < tocsin.MaxAlertRows {
		h.Refs = append(h.Refs, ref)
	}
}

// Len is the number of occurrences so far, merged or not.
func (c *Collector) Len() int64 { return c.n }

// Hits are the hits so far, in order of their first occurrence; the Collector
// is empty afterwards.
func (c *Collector) Hits() []*Hit {
	out := c.hits
	for _, h := range out {
		h.ID = h.identity()
	}
	c.hits, c.n = nil, 0
	clear(c.open)
	return out
}

// identity is a digest of the rule and of what it fired on. References tell
// rows apart; the content of the first row does where a source gives none.
func (h *Hit) identity() string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\n%s\n%d\n", h.RuleID, h.Key, h.Count)
	for _, r := range h.Refs {
		fmt.Fprintf(sum, "%s %s %s %d\n", r.Table, r.DeviceID, r.ReportID, r.Time.UnixNano())
	}
	if len(h.Refs) == 0 || h.Refs[0].ReportID == "" {
		b, _ := json.Marshal(h.Rows[0])
		sum.Write(b)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// trim cuts values that are too long for a hit.
func trim(row tocsin.Row) tocsin.Row {
	var cut map[string]any
	for k, v := range row.Values {
		var short any
		switch v := v.(type) {
		case string:
			if len(v) > maxHitValue {
				short = strings.ToValidUTF8(v[:maxHitValue], "") + "…"
			}
		case json.RawMessage:
			if len(v) > maxHitValue {
				short = strings.ToValidUTF8(string(v[:maxHitValue]), "") + "…"
			} else if !json.Valid(v) {
				short = string(v)
			}
		}
		if short != nil {
			if cut == nil {
				cut = map[string]any{}
			}
			cut[k] = short
		}
	}
	if cut == nil {
		return row
	}
	// The values may still be on their way to the lake: the row is copied.
	for k, v := range row.Values {
		if _, ok := cut[k]; !ok {
			cut[k] = v
		}
	}
	row.Values = cut
	return row
}

// rowRef is the reference of a mapped row.
func rowRef(row *tocsin.Row) tocsin.RowRef {
	g := rowGet(row)
	ref := tocsin.RowRef{Table: row.Table, DeviceID: g("DeviceId"), ReportID: g("ReportId")}
	ref.Time = rowTime(row)
	return ref
}

func rowTime(row *tocsin.Row) time.Time {
	for _, n := range []string{"Timestamp", "TimeGenerated"} {
		switch v := row.Values[n].(type) {
		case time.Time:
			return v.UTC()
		case string:
			if t, ok := parseTime(v); ok {
				return t
			}
		}
	}
	return time.Time{}
}

// rowGet reads a row's columns as text.
func rowGet(row *tocsin.Row) func(string) string {
	return func(col string) string {
		s, _ := valueText(row.Values[col])
		return present(s)
	}
}

// present is "" for the signs that sources put where nothing is known.
func present(s string) string {
	if s == "-" || s == "N/A" {
		return ""
	}
	return s
}

// eventRow is the row that stands for a source event in a hit: the mapped row
// that the rule is about, or one made of the raw fields where nothing was
// mapped.
func eventRow(ev *tocsin.Event, r *Rule) tocsin.Row {
	if r.Logsource.Product == HuntingProduct {
		for i := range ev.Rows {
			if fold(ev.Rows[i].Table) == r.Logsource.Service {
				return ev.Rows[i]
			}
		}
	}
	if len(ev.Rows) > 0 {
		return ev.Rows[0]
	}
	row := tocsin.Row{Table: rawTable(ev), Values: map[string]any{"Timestamp": ev.Time}}
	put := func(col string, names ...string) {
		for _, n := range names {
			if v := ev.Get(n); v != "" && v != "-" {
				row.Values[col] = v
				return
			}
		}
	}
	if ev.Host != "" {
		row.Values["DeviceName"] = strings.ToLower(ev.Host)
		row.Values["DeviceId"] = tocsin.DeviceID(ev.Host)
	}
	put("FolderPath", "TargetFilename", "ImageLoaded", "ObjectName")
	put("InitiatingProcessFolderPath", "Image", "ProcessName", "NewProcessName", "Application", "exe")
	put("InitiatingProcessCommandLine", "CommandLine")
	put("AccountName", "TargetUserName", "User", "SubjectUserName", "UserId", "userIdentity.userName", "userIdentity.arn")
	put("AccountDomain", "TargetDomainName", "SubjectDomainName")
	put("AccountSid", "TargetUserSid", "SubjectUserSid")
	put("RemoteIP", "DestinationIp", "IpAddress", "DestAddress", "ClientIP", "sourceIPAddress", "id.resp_h")
	put("IPAddress", "sourceIPAddress", "ClientIP", "ActorIpAddress", "ClientIPAddress")
	put("ActionType", "eventName", "Operation")
	put("Account", "userIdentity.arn")
	put("RemoteUrl", "QueryName", "query", "host")
	row.Values["ReportId"] = rawID(ev)
	return row
}

// rawTable is the table whose product family an unmapped event belongs to.
func rawTable(ev *tocsin.Event) string {
	switch ev.Product {
	case "aws", "gcp":
		return "CloudAuditEvents"
	case "m365":
		return "CloudAppEvents"
	case "azure":
		return "AuditLogs"
	}
	return "DeviceEvents"
}

// rawID is a digest of an event that no table took, in place of a report id.
func rawID(ev *tocsin.Event) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%s %d %s %d\n", ev.Channel, ev.EventID, ev.Host, ev.Time.UnixNano())
	fields := slices.Clone(ev.Fields)
	slices.SortFunc(fields, func(a, b tocsin.Field) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Value, b.Value))
	})
	for _, f := range fields {
		fmt.Fprintf(sum, "%s=%s\n", f.Name, f.Value)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// subject is what an alert is about: repeats of a rule on the same subject are
// the same alert.
func subject(t string, g func(col string) string) string {
	part := func(names ...string) string {
		for _, n := range names {
			if v := g(n); v != "" {
				return fold(v)
			}
		}
		return ""
	}
	device := func() string {
		if h := g("DeviceName"); h != "" {
			return tocsin.DeviceID(h)
		}
		return part("DeviceId")
	}
	switch {
	case strings.HasPrefix(t, "Email") || strings.HasPrefix(t, "Message"):
		return part("NetworkMessageId", "TeamsMessageId", "InternetMessageId", "SenderFromAddress")
	case strings.HasPrefix(t, "Url"):
		return part("AccountUpn") + "|" + part("NetworkMessageId", "Url")
	case t == "OAuthAppInfo":
		return part("OAuthAppId", "AppName")
	case t == "DeviceLogonEvents":
		return device() + "|" + part("AccountSid", "AccountName") + "|" + part("RemoteIP", "RemoteDeviceName")
	case strings.HasPrefix(t, "Device"):
		user := part("AccountSid", "AccountName", "InitiatingProcessAccountSid", "InitiatingProcessAccountName")
		process := part("InitiatingProcessFolderPath", "InitiatingProcessFileName")
		if t == "DeviceProcessEvents" {
			process = part("FolderPath", "FileName")
			if i := strings.LastIndexAny(process, `\/`); i >= 0 {
				process = process[i+1:] // Defender has the full path, others the folder
			}
			if name := part("FileName"); name != "" {
				process = name
			}
		} else {
			user = part("InitiatingProcessAccountSid", "InitiatingProcessAccountName", "AccountSid", "AccountName")
		}
		return device() + "|" + user + "|" + process
	case strings.HasPrefix(t, "Identity"):
		return part("AccountSid", "AccountUpn", "AccountName") + "|" + part("IPAddress", "DeviceName") + "|" + part("TargetAccountUpn")
	}
	account := part("AccountObjectId", "AccountUpn", "UserPrincipalName", "UserId", "AccountId", "Account", "Identity", "AccountName")
	return account + "|" + part("IPAddress", "RemoteIP") + "|" + part("OAuthAppId", "ApplicationId", "AppId", "AzureResourceId", "AwsResourceName")
}
