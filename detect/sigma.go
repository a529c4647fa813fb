package detect

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

const (
	// MaxRuleFile is the largest rule file that is read, in bytes.
	MaxRuleFile = 1 << 20
	maxDocs     = 200    // rules in one file
	maxNodes    = 50_000 // YAML nodes of one rule, aliases expanded
	maxDepth    = 32
	// maxPredicates bounds a rule after modifiers have multiplied its values.
	maxPredicates = 20_000
)

// Logsource is what a rule is about, folded: each part may be empty.
type Logsource struct {
	Product  string `json:"product,omitempty"`
	Category string `json:"category,omitempty"`
	Service  string `json:"service,omitempty"`
}

func (l Logsource) String() string {
	return strings.TrimRight(l.Product+"/"+l.Category+"/"+l.Service, "/")
}

// Rule is one detection rule as read, and how it is kept.
type Rule struct {
	ID          string   `json:"id"`
	Name        string   `json:"name,omitempty"` // what correlation rules call it
	Title       string   `json:"title"`
	Description string   `json:"description,omitempty"`
	Level       string   `json:"level"` // informational, low, medium, high, critical
	Status      string   `json:"status,omitempty"`
	Author      string   `json:"author,omitempty"`
	Date        string   `json:"date,omitempty"`
	Modified    string   `json:"modified,omitempty"`
	Tags        []string `json:"tags,omitempty"`
	// Tactics are Defender's category names ("CredentialAccess"), Techniques
	// ATT&CK ids ("T1003.001"), both in the order of the tags.
	Tactics        []string  `json:"tactics,omitempty"`
	Techniques     []string  `json:"techniques,omitempty"`
	References     []string  `json:"references,omitempty"`
	FalsePositives []string  `json:"falsePositives,omitempty"`
	Logsource      Logsource `json:"logsource"`
	// Path is the file the rule came from, Origin who brought it: "builtin" or
	// "imported".
	Path    string `json:"path,omitempty"`
	Origin  string `json:"origin,omitempty"`
	Enabled bool   `json:"enabled"`
	// InputOnly is set on a rule that feeds a correlation rule and raises no
	// alert by itself. Its hits go to Windows.Add and nowhere else.
	InputOnly bool `json:"inputOnly,omitempty"`
	// Correlation is set on a rule over the hits of other rules.
	Correlation *Correlation `json:"correlation,omitempty"`

	cond *expr
}

// RuleError says what is wrong with one rule. Feature is set when the rule is
// sound Sigma that asks for something that is not done here.
type RuleError struct {
	Path    string `json:"path"`
	Line    int    `json:"line,omitempty"`
	RuleID  string `json:"ruleId,omitempty"`
	Title   string `json:"title,omitempty"`
	Feature string `json:"feature,omitempty"`
	Reason  string `json:"reason"`
}

func (e *RuleError) Error() string {
	where := e.Path
	if e.Line > 0 {
		where += fmt.Sprintf(":%d", e.Line)
	}
	return where + ": " + e.Reason
}

// lineError carries the line on which something is wrong.
type lineError struct {
	line int
	err  error
}

func (e *lineError) Error() string { return e.err.Error() }
func (e *lineError) Unwrap() error { return e.err }

func at(n *yaml.Node, err error) error {
	var le *lineError
	if err == nil || errors.As(err, &le) {
		return err
	}
	return &lineError{n.Line, err}
}

func atf(n *yaml.Node, format string, args ...any) error {
	return &lineError{n.Line, fmt.Errorf(format, args...)}
}

// ParseRules reads all rules of one file. A bad rule does not hide the others.
func ParseRules(path string, data []byte) ([]*Rule, []*RuleError) {
	if len(data) > MaxRuleFile {
		return nil, []*RuleError{{Path: path, Reason: fmt.Sprintf("the file is larger than %d bytes", MaxRuleFile)}}
	}
	var rules []*Rule
	var errs []*RuleError
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for doc := 0; ; doc++ {
		var n yaml.Node
		err := dec.Decode(&n)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return rules, append(errs, &RuleError{Path: path, Reason: "not YAML: " + err.Error()})
		}
		if doc >= maxDocs {
			return rules, append(errs, &RuleError{Path: path, Line: n.Line, Reason: fmt.Sprintf("more than %d rules in one file", maxDocs)})
		}
		r, err := parseRule(&n)
		if r == nil && err == nil {
			continue // an empty document
		}
		if err != nil {
			e := &RuleError{Path: path, Reason: err.Error()}
			var le *lineError
			if errors.As(err, &le) {
				e.Line = le.line
			}
			var ue *unsupportedError
			if errors.As(err, &ue) {
				e.Feature = ue.feature
			}
			if r != nil {
				e.RuleID, e.Title = r.ID, r.Title
			}
			errs = append(errs, e)
			continue
		}
		r.Path = path
		rules = append(rules, r)
	}
	return rules, errs
}

// parseRule makes a rule of a document. On an error the rule, as far as known,
// comes back with it so that the error can name it.
func parseRule(doc *yaml.Node) (*Rule, error) {
	budget := maxNodes
	root, err := plainTree(doc, 0, &budget)
	if err != nil || root == nil {
		return nil, err
	}
	if root.Kind != yaml.MappingNode {
		return nil, atf(root, "a rule is a mapping")
	}
	r := &Rule{Enabled: true}
	parts := map[string]*yaml.Node{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		k, v := root.Content[i], root.Content[i+1]
		if !r.describe(k.Value, v) {
			parts[k.Value] = v
		}
	}
	if n := parts["action"]; n != nil {
		return r, at(n, &unsupportedError{"rule collections (action)"})
	}
	r.Tactics, r.Techniques = attack(r.Tags)
	if r.Title == "" {
		return r, atf(root, "the rule has no title")
	}
	if r.ID == "" && r.Name == "" {
		return r, atf(root, "the rule has no id")
	}
	if r.ID == "" {
		r.ID = r.Name
	}
	if r.Level == "" {
		r.Level = "medium"
	}
	if !slices.Contains(levels, r.Level) {
		return r, atf(root, "unknown level %q", r.Level)
	}
	if n := parts["correlation"]; n != nil {
		r.Correlation, err = parseCorrelation(n)
		return r, err
	}
	if parts["logsource"] == nil || parts["detection"] == nil {
		return r, atf(root, "the rule has no logsource or no detection")
	}
	if r.Logsource, err = parseLogsource(parts["logsource"]); err != nil {
		return r, err
	}
	r.cond, err = parseDetection(parts["detection"])
	return r, err
}

// describe takes a key that says something about the rule; it is false for
// the keys that say what it detects.
func (r *Rule) describe(key string, v *yaml.Node) bool {
	switch key {
	case "title":
		r.Title = v.Value
	case "id":
		r.ID = strings.ToLower(v.Value)
	case "name":
		r.Name = v.Value
	case "description":
		r.Description = strings.TrimSpace(v.Value)
	case "level":
		r.Level = strings.ToLower(v.Value)
	case "status":
		r.Status = strings.ToLower(v.Value)
	case "author":
		r.Author = scalars(v)
	case "date":
		r.Date = v.Value
	case "modified":
		r.Modified = v.Value
	case "tags":
		r.Tags = scalarList(v)
	case "references":
		r.References = scalarList(v)
	case "falsepositives":
		r.FalsePositives = scalarList(v)
	default:
		return false
	}
	return true
}

var levels = []string{"informational", "low", "medium", "high", "critical"}

// plainTree is the document without aliases, each counted as often as it is
// used, so that a bomb is refused before it is unfolded.
func plainTree(n *yaml.Node, depth int, budget *int) (*yaml.Node, error) {
	if depth > maxDepth {
		return nil, atf(n, "nested deeper than %d", maxDepth)
	}
	if *budget--; *budget < 0 {
		return nil, atf(n, "more than %d values", maxNodes)
	}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) == 0 {
			return nil, nil
		}
		return plainTree(n.Content[0], depth, budget)
	case yaml.AliasNode:
		return plainTree(n.Alias, depth+1, budget)
	case yaml.ScalarNode:
		if depth == 0 && n.Tag == "!!null" {
			return nil, nil
		}
		return n, nil
	}
	out := &yaml.Node{Kind: n.Kind, Tag: n.Tag, Line: n.Line, Column: n.Column, Content: make([]*yaml.Node, 0, len(n.Content))}
	seen := map[string]bool{}
	for i, c := range n.Content {
		c, err := plainTree(c, depth+1, budget)
		if err != nil {
			return nil, err
		}
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			if c.Kind != yaml.ScalarNode {
				return nil, atf(c, "a key is not plain text")
			}
			if c.Tag == "!!merge" {
				return nil, at(c, &unsupportedError{"YAML merge keys"})
			}
			if seen[c.Value] {
				return nil, atf(c, "key %q is given twice", c.Value)
			}
			seen[c.Value] = true
		}
		out.Content = append(out.Content, c)
	}
	return out, nil
}

func parseLogsource(n *yaml.Node) (l Logsource, err error) {
	if n.Kind != yaml.MappingNode {
		return l, atf(n, "logsource is not a mapping")
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		v := fold(n.Content[i+1].Value)
		switch n.Content[i].Value {
		case "product":
			l.Product = v
		case "category":
			l.Category = v
		case "service":
			l.Service = v
		}
	}
	if l == (Logsource{}) {
		return l, atf(n, "logsource names no product, category or service")
	}
	return l, nil
}

// parseDetection reads the search identifiers and puts them into the condition.
func parseDetection(n *yaml.Node) (*expr, error) {
	if n.Kind != yaml.MappingNode {
		return nil, atf(n, "detection is not a mapping")
	}
	var names []string
	defs := map[string]*expr{}
	var condition *yaml.Node
	left := maxPredicates
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch k.Value {
		case "condition":
			condition = v
			continue
		case "timeframe":
			return nil, at(v, &unsupportedError{"timeframe in the detection"})
		}
		e, err := parseSearch(v, &left)
		if err != nil {
			return nil, at(v, err)
		}
		names = append(names, k.Value)
		defs[k.Value] = e
	}
	if condition == nil {
		return nil, atf(n, "detection has no condition")
	}
	// Several conditions are several ways to fire.
	texts := []*yaml.Node{condition}
	if condition.Kind == yaml.SequenceNode {
		texts = condition.Content
	}
	var kids []*expr
	for _, t := range texts {
		if t.Kind != yaml.ScalarNode {
			return nil, atf(t, "condition is not plain text")
		}
		e, err := parseCondition(t.Value, names, defs)
		if err != nil {
			return nil, at(t, err)
		}
		kids = append(kids, e)
	}
	if len(kids) == 0 {
		return nil, atf(condition, "detection has no condition")
	}
	return orOf(kids), nil
}

// parseSearch reads one search identifier: a mapping (all of it), a list of
// mappings (one of them) or of texts (keywords).
func parseSearch(n *yaml.Node, left *int) (*expr, error) {
	switch n.Kind {
	case yaml.MappingNode:
		var kids []*expr
		for i := 0; i+1 < len(n.Content); i += 2 {
			e, err := parseItem(n.Content[i].Value, n.Content[i+1], left)
			if err != nil {
				return nil, at(n.Content[i], err)
			}
			kids = append(kids, e)
		}
		if len(kids) == 0 {
			return nil, atf(n, "an empty selection")
		}
		return andOf(kids), nil
	case yaml.SequenceNode:
		var kids []*expr
		for _, c := range n.Content {
			e, err := parseSearch(c, left)
			if err != nil {
				return nil, at(c, err)
			}
			kids = append(kids, e)
		}
		if len(kids) == 0 {
			return nil, atf(n, "an empty list")
		}
		return orOf(kids), nil
	}
	return parseItem("", n, left)
}

// parseItem reads `Field|modifier: value(s)`.
func parseItem(key string, n *yaml.Node, left *int) (*expr, error) {
	parts := strings.Split(key, "|")
	m, err := parseModifiers(parts[1:])
	if err != nil {
		return nil, err
	}
	field := fold(parts[0])
	values := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		values = n.Content
		if len(values) == 0 {
			return nil, atf(n, "an empty list of values")
		}
	}
	var kids []*expr
	for _, v := range values {
		e, err := parseValue(m, field, v, left)
		if err != nil {
			return nil, at(v, err)
		}
		kids = append(kids, e)
	}
	if m.all {
		return andOf(kids), nil
	}
	return orOf(kids), nil
}

func parseValue(m modifiers, field string, v *yaml.Node, left *int) (*expr, error) {
	if v.Kind != yaml.ScalarNode {
		return nil, fmt.Errorf("a value is not plain text")
	}
	if v.Tag == "!!null" {
		if field == "" {
			return nil, fmt.Errorf("a keyword is null")
		}
		return &expr{op: exprPred, pred: &predicate{field: field, op: opNull}}, nil
	}
	if field == "" && (m.exists || m.fieldref) {
		return nil, fmt.Errorf("a modifier needs a field")
	}
	preds, err := m.predicatesOf(field, v.Value, v.Tag == "!!str")
	if err != nil {
		return nil, err
	}
	if *left -= len(preds); *left < 0 {
		return nil, fmt.Errorf("the rule has more than %d values", maxPredicates)
	}
	kids := make([]*expr, len(preds))
	for i, p := range preds {
		kids[i] = &expr{op: exprPred, pred: p}
	}
	e := orOf(kids)
	if m.neg {
		e = &expr{op: exprNot, kids: []*expr{e}}
	}
	return e, nil
}

func scalarList(n *yaml.Node) []string {
	if n.Kind != yaml.SequenceNode {
		if n.Value == "" {
			return nil
		}
		return []string{n.Value}
	}
	var out []string
	for _, c := range n.Content {
		if c.Kind == yaml.ScalarNode && c.Value != "" {
			out = append(out, c.Value)
		}
	}
	return out
}

func scalars(n *yaml.Node) string { return strings.Join(scalarList(n), ", ") }

// tactics maps Sigma's tactic tags to the category names of Defender alerts.
var tactics = map[string]string{
	"reconnaissance": "Reconnaissance", "resource-development": "ResourceDevelopment",
	"initial-access": "InitialAccess", "execution": "Execution", "persistence": "Persistence",
	"privilege-escalation": "PrivilegeEscalation", "defense-evasion": "DefenseEvasion",
	"stealth": "DefenseEvasion", "impair-defenses": "DefenseEvasion", "defense-impairment": "DefenseEvasion",
	"credential-access": "CredentialAccess", "discovery": "Discovery",
	"lateral-movement": "LateralMovement", "collection": "Collection",
	"command-and-control": "CommandAndControl", "exfiltration": "Exfiltration", "impact": "Impact",
}

func attack(tags []string) (cats, techniques []string) {
	for _, t := range tags {
		t, ok := strings.CutPrefix(strings.ToLower(t), "attack.")
		if !ok {
			continue
		}
		t = strings.ReplaceAll(t, "_", "-")
		if c := tactics[t]; c != "" {
			if !slices.Contains(cats, c) {
				cats = append(cats, c)
			}
		} else if len(t) >= 5 && t[0] == 't' && '0' <= t[1] && t[1] <= '9' {
			if id := strings.ToUpper(t); !slices.Contains(techniques, id) {
				techniques = append(techniques, id)
			}
		}
	}
	return cats, techniques
}
