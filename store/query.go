package store

import (
	"database/sql"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
)

// Limits of a query. A page that is asked to be larger is cut to MaxTop; the
// others are errors.
const (
	DefaultTop     = 50
	MaxTop         = 1000
	MaxSkip        = 1_000_000
	maxFilterNodes = 100
	maxInValues    = 200
	maxOrder       = 5
	maxSearchRunes = 200
)

// fieldKind says what a property holds, and so what may be asked of it.
type fieldKind int

const (
	textField fieldKind = iota
	enumField           // text out of a closed set, compared in any case
	rankField           // a severity: ordered by rank, not by spelling
	numberField
	timeField
	labelField // a collection: Any only
	partField  // a collection of what belongs to the thing, in another table: Any only
)

// field is a property that a query may name.
type field struct {
	kind   fieldKind
	expr   string   // the column; of a label its kind; of a part the EXISTS up to the comparison
	values []string // of an enum, or those of a label whose spelling is known
	null   string   // what null stands for in an enum
	choice bool     // a text out of few, which people choose from a list
	from   string   // where the values of a label are, when not among the labels of the noun
}

// noun is what queries know of one kind of thing.
type noun struct {
	name   string
	table  string // with its alias
	alias  string
	labels string // EXISTS (... up to the comparison of value
	// labelJoin joins the labels of one kind, up to the parameter for the kind;
	// labelTable is the table that both name.
	labelJoin  string
	labelTable string
	fields     map[string]field
	order      string // when none is asked for
}

// of is the text of labels or labelJoin for this property.
func (n noun) of(f field, text string) string {
	if f.from == "" {
		return text
	}
	return strings.Replace(text, n.labelTable, f.from, 1)
}

func enum[T ~string](expr string, null T, values []T) field {
	return field{kind: enumField, expr: expr, null: string(null), values: texts(values)}
}

var incidents = noun{
	name: "incident", table: "incident AS i", alias: "i", order: "i.created DESC, i.id DESC",
	labels:    `EXISTS (SELECT 1 FROM incident_label AS l WHERE l.tenant = $1 AND l.incident_id = i.id AND l.kind = `,
	labelJoin: ` JOIN incident_label AS l ON l.tenant = $1 AND l.tenant = i.tenant AND l.incident_id = i.id AND l.kind = `, labelTable: "incident_label",
	fields: both(map[string]field{
		"id":                    {kind: numberField, expr: "i.id"},
		"displayName":           {kind: textField, expr: "i.display_name"},
		"assignedTo":            {kind: textField, expr: "i.assigned_to", choice: true},
		"severity":              {kind: rankField, expr: "i.severity"},
		"status":                enum("i.status", "", tocsin.IncidentStatuses),
		"classification":        enum("i.classification", tocsin.ClassUnknown, tocsin.Classifications),
		"determination":         enum("i.determination", tocsin.DetUnknown, determinations()),
		"createdDateTime":       {kind: timeField, expr: "i.created"},
		"lastUpdateDateTime":    {kind: timeField, expr: "i.last_update"},
		"firstActivityDateTime": {kind: timeField, expr: "i.first_activity"},
		"lastActivityDateTime":  {kind: timeField, expr: "i.last_activity"},
		"redirectIncidentId":    {kind: numberField, expr: "i.redirect_id"},
		"priorityScore":         {kind: numberField, expr: "i.priority"},
		"alertCount":            {kind: numberField, expr: "i.alert_count"},
		"activeAlertCount":      {kind: numberField, expr: "i.active_alerts"},
		"customTags":            {kind: labelField, expr: "customTags"},
		"systemTags":            {kind: labelField, expr: "systemTags"},
		"serviceSources":        {kind: labelField, expr: "serviceSources", values: texts(tocsin.ServiceSources)},
		"detectionSources":      {kind: labelField, expr: "detectionSources"},
		"categories":            {kind: labelField, expr: "categories", values: tocsin.Tactics()},
		"techniques":            {kind: labelField, expr: "mitreTechniques"},
		"multiple":              {kind: labelField, expr: labelMultiple},
		"updatedBy":             {kind: labelField, expr: labelUpdatedBy},
		"deviceGroups":          {kind: labelField, expr: string(tocsin.LabelDeviceGroups), from: "incident_device_group"},
		"productNames":          label(tocsin.LabelProducts),
		"alertPolicies":         label(tocsin.LabelPolicies),
		"investigationStates":   {kind: labelField, expr: string(tocsin.LabelInvestigations), values: texts(tocsin.InvestigationStates)},
		"threats":               label(tocsin.LabelThreats),
		"osPlatforms":           label(tocsin.LabelOSPlatforms),
		"sensitivityLabels":     label(tocsin.LabelSensitivity),
		"dataStreams":           label(tocsin.LabelDataStreams),
		"workspaces":            label(tocsin.LabelWorkspaces),
		"subscriptionIds":       label(tocsin.LabelSubscriptions),
		"assets":                label(tocsin.LabelAssets),
		"assetTypes":            label(tocsin.LabelAssetTypes),
		// What people made of single alerts changes with those.
		"alertClassifications": {kind: partField, expr: alertOf + `lower(x.classification)`},
		"alertDeterminations":  {kind: partField, expr: alertOf + `lower(x.determination)`},
		"alertTitles":          {kind: partField, expr: alertOf + `lower(x.title)`},
	}),
}

var alerts = noun{
	name: "alert", table: "alert AS a", alias: "a", order: "a.created DESC, a.id DESC",
	labels:    `EXISTS (SELECT 1 FROM alert_label AS l WHERE l.tenant = $1 AND l.alert_no = a.no AND l.kind = `,
	labelJoin: ` JOIN alert_label AS l ON l.tenant = $1 AND l.tenant = a.tenant AND l.alert_no = a.no AND l.kind = `, labelTable: "alert_label",
	fields: both(map[string]field{
		"id":                    {kind: textField, expr: "a.id"},
		"providerAlertId":       {kind: textField, expr: "a.external_id"},
		"incidentId":            {kind: numberField, expr: "a.incident_id"},
		"title":                 {kind: textField, expr: "a.title"},
		"severity":              {kind: rankField, expr: "a.severity"},
		"status":                enum("a.status", "", tocsin.AlertStatuses),
		"classification":        enum("a.classification", tocsin.ClassUnknown, tocsin.Classifications),
		"determination":         enum("a.determination", tocsin.DetUnknown, determinations()),
		"assignedTo":            {kind: textField, expr: "a.assigned_to", choice: true},
		"serviceSource":         enum("a.service_source", tocsin.SourceUnknown, tocsin.ServiceSources),
		"detectionSource":       {kind: textField, expr: "a.detection_source", choice: true},
		"productName":           {kind: textField, expr: "a.product_name", choice: true},
		"detectorId":            {kind: textField, expr: "a.detector_id", choice: true},
		"category":              {kind: textField, expr: "a.category", choice: true},
		"createdDateTime":       {kind: timeField, expr: "a.created"},
		"lastUpdateDateTime":    {kind: timeField, expr: "a.last_update"},
		"firstActivityDateTime": {kind: timeField, expr: "a.first_activity"},
		"lastActivityDateTime":  {kind: timeField, expr: "a.last_activity"},
		"resolvedDateTime":      {kind: timeField, expr: "a.resolved"},
		"count":                 {kind: numberField, expr: "a.count"},
		"categories":            {kind: labelField, expr: "categories", values: tocsin.Tactics()},
		"mitreTechniques":       {kind: labelField, expr: "mitreTechniques"},
		"systemTags":            {kind: labelField, expr: "systemTags"},
		"alertPolicies":         label(tocsin.LabelPolicies),
		"investigationStates":   {kind: labelField, expr: string(tocsin.LabelInvestigations), values: texts(tocsin.InvestigationStates)},
		"threats":               label(tocsin.LabelThreats),
		"osPlatforms":           label(tocsin.LabelOSPlatforms),
		"sensitivityLabels":     label(tocsin.LabelSensitivity),
		"dataStreams":           label(tocsin.LabelDataStreams),
		"workspaces":            label(tocsin.LabelWorkspaces),
		"subscriptionIds":       label(tocsin.LabelSubscriptions),
		"entities": {kind: partField, expr: `EXISTS (SELECT 1 FROM alert_name AS x JOIN name AS y ON y.tenant = $1 AND y.id = x.name_id
			WHERE x.tenant = $1 AND x.alert_no = a.no AND y.text`},
		"incidentTags": {kind: partField, expr: `EXISTS (SELECT 1 FROM incident_label AS x
			WHERE x.tenant = $1 AND x.incident_id = a.incident_id AND x.kind = 'customTags' AND x.value`},
		"deviceGroups": {kind: labelField, expr: string(tocsin.LabelDeviceGroups), from: alertGroups},
	}),
}

// alertGroups are the device groups of alerts by the number of the alert.
const alertGroups = `(SELECT y.tenant AS tenant, z.no AS alert_no, y.kind AS kind, y.value AS value, y.group_id AS group_id
	FROM alert_device_group AS y JOIN alert AS z ON z.tenant = y.tenant AND z.id = y.alert_id WHERE y.tenant = $1)`

const alertOf = `EXISTS (SELECT 1 FROM alert AS x WHERE x.tenant = $1 AND x.incident_id = i.id AND `

func label(kind tocsin.LabelKind) field { return field{kind: labelField, expr: string(kind)} }

// collection reports a property that is asked with any().
func (f field) collection() bool { return f.kind == labelField || f.kind == partField }

// both also allows each property under the name that our own additions have in
// Graph's shapes: tocsin/alertCount.
func both(fs map[string]field) map[string]field {
	out := map[string]field{}
	for n, f := range fs {
		out[n], out["tocsin/"+n] = f, f
	}
	return out
}

func determinations() []tocsin.Determination {
	var out []tocsin.Determination
	for _, c := range tocsin.Classifications {
		for _, d := range tocsin.Determinations[c] {
			if !slices.Contains(out, d) {
				out = append(out, d)
			}
		}
	}
	return out
}

// compiler turns a filter tree into the text of a condition. Texts in it come
// from the tables above only; every value is a parameter.
type compiler struct {
	n     noun
	tx    *Tx
	fold  func(string) string
	args  []any // from $2 on
	nodes int
}

func (c *compiler) arg(v any) string {
	c.args = append(c.args, v)
	return "$" + strconv.Itoa(len(c.args)+1)
}

func (c *compiler) field(name string) (field, error) {
	f, ok := c.n.fields[name]
	if !ok {
		return f, tocsin.Errorf(tocsin.CodeInvalid, "%s has no property %q that can be filtered or sorted by", c.n.name, name)
	}
	return f, nil
}

func (c *compiler) filter(f tocsin.Filter) (string, error) {
	if c.nodes++; c.nodes > maxFilterNodes {
		return "", tocsin.Errorf(tocsin.CodeLimit, "the filter has more than %d terms", maxFilterNodes)
	}
	switch f := f.(type) {
	case tocsin.And:
		return c.join([]tocsin.Filter(f), " AND ", "1 = 1")
	case tocsin.Or:
		return c.join([]tocsin.Filter(f), " OR ", "1 = 0")
	case tocsin.Not:
		s, err := c.filter(f.Filter)
		return "NOT " + s, err
	case tocsin.Compare:
		fd, err := c.field(f.Field)
		if err != nil {
			return "", err
		}
		if fd.collection() {
			return "", tocsin.Errorf(tocsin.CodeInvalid, "%q is a collection: ask with any()", f.Field)
		}
		return c.compare(f.Field, fd, f.Op, f.Value)
	case tocsin.In:
		return c.in(f)
	case tocsin.Any:
		return c.any(f)
	}
	return "", tocsin.Errorf(tocsin.CodeInvalid, "the filter has an empty term")
}

func (c *compiler) join(fs []tocsin.Filter, op, empty string) (string, error) {
	if len(fs) == 0 {
		return "(" + empty + ")", nil
	}
	parts := make([]string, len(fs))
	for i, f := range fs {
		var err error
		if parts[i], err = c.filter(f); err != nil {
			return "", err
		}
	}
	return "(" + strings.Join(parts, op) + ")", nil
}

var sqlOps = map[tocsin.CompareOp]string{tocsin.Eq: "=", tocsin.Ne: "<>", tocsin.Lt: "<", tocsin.Le: "<=", tocsin.Gt: ">", tocsin.Ge: ">="}

// compare compiles one comparison. Nothing is NULL in these tables: null is an
// empty text, no classification, or the time zero; a time that is not set is
// neither before nor after any other.
func (c *compiler) compare(name string, f field, op tocsin.CompareOp, value any) (string, error) {
	switch op {
	case tocsin.Contains, tocsin.StartsWith, tocsin.EndsWith:
		s, ok := value.(string)
		if !ok || f.kind != textField {
			return "", tocsin.Errorf(tocsin.CodeInvalid, "%s needs a text property and a text, and %q with %v is not that", op, name, value)
		}
		return c.like(f.expr, op, s), nil
	}
	sym, ok := sqlOps[op]
	if !ok {
		return "", tocsin.Errorf(tocsin.CodeInvalid, "unknown comparison %q", op)
	}
	if (f.kind == enumField || f.kind == textField && value == nil) && op != tocsin.Eq && op != tocsin.Ne {
		return "", tocsin.Errorf(tocsin.CodeInvalid, "%q can be compared with eq and ne only", name)
	}
	v, err := f.value(name, value)
	if err != nil {
		return "", err
	}
	if f.kind == timeField && op != tocsin.Eq && op != tocsin.Ne {
		return "(" + f.expr + " <> 0 AND " + f.expr + " " + sym + " " + c.arg(v) + ")", nil
	}
	return "(" + f.expr + " " + sym + " " + c.arg(v) + ")", nil
}

func (c *compiler) like(expr string, op tocsin.CompareOp, s string) string {
	return "(lower(" + expr + ") LIKE " + c.arg(likePattern(op, c.fold(s))) + ` ESCAPE '\')`
}

func likePattern(op tocsin.CompareOp, s string) string {
	pattern := likeText(s)
	if op != tocsin.StartsWith {
		pattern = "%" + pattern
	}
	if op != tocsin.EndsWith {
		pattern += "%"
	}
	return pattern
}

func (c *compiler) in(f tocsin.In) (string, error) {
	fd, err := c.field(f.Field)
	if err != nil {
		return "", err
	}
	if fd.collection() {
		return "", tocsin.Errorf(tocsin.CodeInvalid, "%q is a collection: ask with any()", f.Field)
	}
	if len(f.Values) == 0 {
		return "(1 = 0)", nil
	}
	if len(f.Values) > maxInValues {
		return "", tocsin.Errorf(tocsin.CodeLimit, "the filter has a list of more than %d values", maxInValues)
	}
	parts := make([]string, len(f.Values))
	for i, v := range f.Values {
		bound, err := fd.value(f.Field, v)
		if err != nil {
			return "", err
		}
		parts[i] = c.arg(bound)
	}
	return "(" + fd.expr + " IN (" + strings.Join(parts, ", ") + "))", nil
}

func (c *compiler) any(f tocsin.Any) (string, error) {
	fd, err := c.field(f.Field)
	if err != nil {
		return "", err
	}
	if !fd.collection() {
		return "", tocsin.Errorf(tocsin.CodeInvalid, "%q is no collection", f.Field)
	}
	s, ok := f.Value.(string)
	if !ok {
		return "", tocsin.Errorf(tocsin.CodeInvalid, "the elements of %q are texts", f.Field)
	}
	head := fd.expr
	if fd.kind == labelField {
		head = c.n.of(fd, c.n.labels) + c.arg(fd.expr) + " AND l.value"
	}
	switch f.Op {
	case tocsin.Contains, tocsin.StartsWith, tocsin.EndsWith:
		return head + " LIKE " + c.arg(likePattern(f.Op, strings.ToLower(s))) + ` ESCAPE '\')`, nil
	case tocsin.Eq, tocsin.Ne:
		// In any case, as Graph does: the tag "VIP" answers to "vip".
		return head + " " + sqlOps[f.Op] + " " + c.arg(strings.ToLower(s)) + ")", nil
	}
	return "", tocsin.Errorf(tocsin.CodeInvalid, "the elements of %q can be compared with eq, ne, contains, startswith and endswith", f.Field)
}

// value converts what a query gives into what the column holds.
func (f field) value(name string, v any) (any, error) {
	bad := func() (any, error) {
		return nil, tocsin.Errorf(tocsin.CodeInvalid, "%v is no value of %q", v, name)
	}
	switch f.kind {
	case textField:
		switch v := v.(type) {
		case nil:
			return "", nil
		case string:
			return v, nil
		}
	case enumField:
		if v == nil {
			return f.null, nil
		}
		if s, ok := v.(string); ok {
			for _, have := range f.values {
				if strings.EqualFold(have, s) {
					return have, nil
				}
			}
		}
	case rankField:
		if v == nil {
			return 0, nil
		}
		if s, ok := v.(string); ok {
			if sev, err := tocsin.ParseEnum("severity", s, tocsin.Severities); err == nil {
				return sev.Rank(), nil
			}
		}
	case numberField:
		switch v := v.(type) {
		case nil:
			return int64(0), nil
		case int64:
			return v, nil
		case int:
			return int64(v), nil
		case float64:
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				return v, nil
			}
		case string:
			// Graph spells identifiers as texts.
			if n, err := strconv.ParseInt(v, 10, 64); err == nil {
				return n, nil
			}
		}
	case timeField:
		switch v := v.(type) {
		case nil:
			return int64(0), nil
		case time.Time:
			return micros(v), nil
		case string:
			if t, err := time.Parse(time.RFC3339Nano, v); err == nil {
				return micros(t), nil
			}
		}
	}
	return bad()
}

// namesRedirected reports whether a filter asks about redirected incidents by
// that word; only then are they shown.
func namesRedirected(f tocsin.Filter) bool {
	is := func(field string, v any) bool {
		s, _ := v.(string)
		return strings.TrimPrefix(field, "tocsin/") == "status" && strings.EqualFold(s, string(tocsin.IncidentRedirected))
	}
	switch f := f.(type) {
	case tocsin.And:
		return slices.ContainsFunc(f, namesRedirected)
	case tocsin.Or:
		return slices.ContainsFunc(f, namesRedirected)
	case tocsin.Not:
		return namesRedirected(f.Filter)
	case tocsin.Compare:
		return is(f.Field, f.Value)
	case tocsin.In:
		return slices.ContainsFunc(f.Values, func(v any) bool { return is(f.Field, v) })
	}
	return false
}

// where compiles filter and search; the tenant comes first.
func (c *compiler) where(q tocsin.Query) (string, error) {
	parts := []string{c.n.alias + ".tenant = $1"}
	if q.Filter != nil {
		s, err := c.filter(q.Filter)
		if err != nil {
			return "", err
		}
		parts = append(parts, s)
	}
	if c.n.name == "incident" && !namesRedirected(q.Filter) {
		parts = append(parts, "i.status <> 'redirected'")
	}
	if s := strings.TrimSpace(q.Search); s != "" {
		if len([]rune(s)) > maxSearchRunes {
			return "", tocsin.Errorf(tocsin.CodeLimit, "a search takes at most %d characters", maxSearchRunes)
		}
		if c.tx.scope != nil {
			parts = append(parts, c.limitedSearch(c.tx, s))
		} else {
			parts = append(parts, c.search(s))
		}
	}
	return strings.Join(parts, " AND "), nil
}

func (c *compiler) search(s string) string {
	like := c.arg("%" + likeText(foldName(s)) + "%")
	exact := c.arg(s)
	names := `(SELECT id FROM name WHERE tenant = $1 AND text LIKE ` + like + ` ESCAPE '\')`
	if c.n.name == "alert" {
		return `(a.id = ` + exact + ` OR a.external_id = ` + exact + ` OR a.no IN
			(SELECT alert_no FROM alert_name WHERE tenant = $1 AND name_id IN ` + names + `))`
	}
	number := c.arg(int64(-1))
	if n, err := strconv.ParseInt(strings.TrimPrefix(s, "#"), 10, 64); err == nil {
		c.args[len(c.args)-1] = n
	}
	return `(i.id = ` + number + ` OR i.id IN (SELECT incident_id FROM alert WHERE tenant = $1 AND id = ` + exact + `)
		OR i.id IN (SELECT incident_id FROM incident_name WHERE tenant = $1 AND name_id IN ` + names + `))`
}

func (c *compiler) order(by []tocsin.Order) (string, error) {
	if len(by) == 0 {
		return c.n.order, nil
	}
	if len(by) > maxOrder {
		return "", tocsin.Errorf(tocsin.CodeLimit, "more than %d sort keys", maxOrder)
	}
	var parts []string
	dir := ""
	for _, o := range by {
		f, err := c.field(o.Field)
		if err != nil {
			return "", err
		}
		if f.collection() {
			return "", tocsin.Errorf(tocsin.CodeInvalid, "%q is a collection and gives no order", o.Field)
		}
		dir = ""
		if o.Desc {
			dir = " DESC"
		}
		parts = append(parts, f.expr+dir)
	}
	// The id decides among equals, so that pages neither overlap nor skip.
	return strings.Join(append(parts, c.n.alias+".id"+dir), ", "), nil
}

func pageSize(q tocsin.Query) int {
	if q.Top <= 0 {
		return DefaultTop
	}
	return min(q.Top, MaxTop)
}

// compiled is a query as the parts of a statement.
type compiled struct {
	compiler
	with, table, where, order string
}

// compile makes the parts of a statement of a query, for what the principal
// sees. Every statement over a filter goes through here. more is what else of
// the noun the statement will name.
func (tx *Tx) compile(n noun, q tocsin.Query, more string) (out compiled, err error) {
	if tx.scope != nil {
		n = tx.limitedNoun(n)
	}
	out.compiler = compiler{n: n, tx: tx, fold: tx.s.dialect.fold}
	if out.where, err = out.compiler.where(q); err != nil {
		return out, err
	}
	if out.order, err = out.compiler.order(q.OrderBy); err != nil {
		return out, err
	}
	out.table = n.table
	if tx.scope != nil {
		out.with, out.table, err = tx.limited(&out.compiler, out.where+" "+out.order+" "+more)
	}
	return out, err
}

// count is how many things match.
func (tx *Tx) count(q compiled) (total int64, err error) {
	rows, err := tx.queryOnce(q.with+`SELECT count(*) FROM `+q.table+` WHERE `+q.where, q.args...)
	return total, each(rows, err, func(rows *sql.Rows) error { return rows.Scan(&total) })
}

// page runs a query of a noun; scan sees at most Top rows. total is -1 unless
// q.Count is set.
func (tx *Tx) page(n noun, columns string, q tocsin.Query, scan func(rows *sql.Rows) error) (total int64, more bool, err error) {
	top := pageSize(q)
	if q.Skip < 0 || q.Skip > MaxSkip {
		return 0, false, tocsin.Errorf(tocsin.CodeLimit, "at most %d can be skipped: narrow the filter", MaxSkip)
	}
	asked, err := tx.compile(n, q, "")
	if err != nil {
		return 0, false, err
	}
	total = -1
	if q.Count {
		if total, err = tx.count(asked); err != nil {
			return 0, false, err
		}
	}
	text := asked.with + `SELECT ` + columns + ` FROM ` + asked.table + ` WHERE ` + asked.where + ` ORDER BY ` + asked.order +
		` LIMIT ` + asked.arg(top+1) + ` OFFSET ` + asked.arg(q.Skip)
	rows, err := tx.queryOnce(text, asked.args...)
	seen := 0
	err = each(rows, err, func(rows *sql.Rows) error {
		if seen++; seen > top {
			more = true
			return nil
		}
		return scan(rows)
	})
	return total, more, err
}

// Incidents is a page of incidents, without alerts and comments, how many match
// in all (-1 unless asked for), and whether there are more. Redirected ones are
// left out unless the filter names that status.
func (tx *Tx) Incidents(q tocsin.Query) (out []tocsin.Incident, total int64, more bool, err error) {
	// First the numbers, out of the index or of narrow rows, then the bodies of
	// just those.
	ids, total, more, known, err := tx.indexedPage(q)
	if err != nil {
		return nil, 0, false, err
	}
	if known {
		out, err = tx.incidents(ids)
		return out, total, more, err
	}
	counted := total
	if counted >= 0 {
		q.Count = false
	}
	total, more, err = tx.page(incidents, "i.id", q, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	})
	if err == nil {
		out, err = tx.incidents(ids)
	}
	return out, max(total, counted), more, err
}

// indexedPage asks the index for a page; known is false when the tables have to
// be asked, and then total may yet be known.
func (tx *Tx) indexedPage(q tocsin.Query) (ids []int64, total int64, more, known bool, err error) {
	if tx.scope != nil {
		return nil, -1, false, false, nil
	}
	c := compiler{n: incidents, tx: tx, fold: tx.s.dialect.fold}
	if _, err := c.where(q); err != nil {
		return nil, -1, false, false, err
	}
	if _, err := c.order(q.OrderBy); err != nil {
		return nil, -1, false, false, err
	}
	if q.Skip < 0 || q.Skip > MaxSkip {
		return nil, -1, false, false, nil // page says it
	}
	k := tx.asker(incidents)
	if k == nil {
		return nil, -1, false, false, nil
	}
	defer k.done()
	ids, total, more, known, err = k.page(q)
	if known || err != nil {
		return ids, total, more, known, err
	}
	if q.Count {
		if n, ok, err := k.count(q); ok || err != nil {
			return nil, n, false, false, err
		}
	}
	return nil, -1, false, false, nil
}

// Alerts is a page of alerts, without comments, how many match in all (-1
// unless asked for), and whether there are more.
func (tx *Tx) Alerts(q tocsin.Query) (out []tocsin.Alert, total int64, more bool, err error) {
	var ids []string
	total, more, err = tx.page(alerts, "a.id", q, func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	})
	if err == nil {
		out, err = tx.alertsByID(ids)
	}
	return out, total, more, err
}

// alertsByID are the alerts with these ids, in this order, with the names of
// their incidents.
func (tx *Tx) alertsByID(ids []string) (out []tocsin.Alert, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	byID := make(map[string]*tocsin.Alert, len(ids))
	rows, err := tx.queryOnce(`SELECT `+alertColumns+fromAlert+`a.id IN `+inList(2, len(ids)), anys(ids)...)
	err = each(rows, err, func(rows *sql.Rows) error {
		a, err := scanAlert(rows)
		if err == nil {
			byID[a.ID] = a
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	names := map[int64]string{}
	for _, a := range byID {
		names[a.IncidentID] = ""
	}
	of := slices.Collect(maps.Keys(names))
	if tx.scope != nil {
		// The name that is kept may tell of alerts that are not to be seen.
		seen, err := tx.incidents(of)
		if err != nil {
			return nil, err
		}
		clear(names)
		for i := range seen {
			names[seen[i].ID] = seen[i].DisplayName
		}
	} else if len(of) > 0 {
		rows, err = tx.queryOnce(`SELECT id, display_name FROM incident WHERE tenant = $1 AND id IN `+inList(2, len(of)), anys(of)...)
		err = each(rows, err, func(rows *sql.Rows) error {
			var id int64
			var name string
			err := rows.Scan(&id, &name)
			names[id] = name
			return err
		})
	}
	for _, id := range ids {
		if a := byID[id]; a != nil {
			a.IncidentName = names[a.IncidentID]
			out = append(out, *a)
		}
	}
	if err != nil {
		return nil, err
	}
	return tx.narrowAlerts(out)
}
