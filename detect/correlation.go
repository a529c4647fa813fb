package detect

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// Correlation is a rule over the hits of other rules within a sliding window
// of event time.
type Correlation struct {
	Type    string        `json:"type"`    // event_count, value_count, temporal, temporal_ordered
	Rules   []string      `json:"rules"`   // names or ids of the input rules
	GroupBy []string      `json:"groupBy"` // fields, as the input rule's log source spells them
	Span    time.Duration `json:"timespan"`
	Field   string        `json:"field,omitempty"` // value_count: the field whose values are counted
	Op      string        `json:"op,omitempty"`    // gte, gt, lte, lt, eq
	Count   int           `json:"count,omitempty"`
	// Generate keeps the input rules' own alerts.
	Generate bool `json:"generate,omitempty"`
	// Aliases give a group-by field its name in each input rule.
	Aliases map[string]map[string]string `json:"aliases,omitempty"`
}

const maxSpan = 30 * 24 * time.Hour

func parseCorrelation(n *yaml.Node) (*Correlation, error) {
	if n.Kind != yaml.MappingNode {
		return nil, atf(n, "correlation is not a mapping")
	}
	c := &Correlation{}
	var err error
	for i := 0; i+1 < len(n.Content) && err == nil; i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch k.Value {
		case "type":
			c.Type = strings.ToLower(v.Value)
		case "rules":
			c.Rules = scalarList(v)
		case "group-by":
			c.GroupBy = scalarList(v)
		case "timespan", "timeframe":
			c.Span, err = parseSpan(v.Value)
			err = at(v, err)
		case "generate":
			c.Generate = v.Value == "true"
		case "condition":
			err = at(v, c.parseCondition(v))
		case "aliases":
			err = at(v, c.parseAliases(v))
		}
	}
	if err != nil {
		return nil, err
	}
	switch c.Type {
	case "event_count", "value_count":
		if c.Op == "" {
			return nil, atf(n, "correlation has no condition")
		}
		if c.Op != "gte" && c.Op != "gt" {
			// "Fewer than" is about what did not happen; a stream can only say
			// so when the window is over.
			return nil, at(n, &unsupportedError{"correlation condition " + c.Op})
		}
		if (c.Field == "") != (c.Type == "event_count") {
			return nil, atf(n, "value_count needs a field, event_count has none")
		}
		if c.Op == "gt" {
			c.Op, c.Count = "gte", c.Count+1
		}
		if c.Count < 1 || c.Count > maxWindow {
			return nil, atf(n, "the count must be 1 to %d", maxWindow)
		}
	case "temporal", "temporal_ordered":
		if c.Op != "" {
			return nil, at(n, &unsupportedError{"condition of a temporal correlation"})
		}
		if len(c.Rules) > 32 {
			return nil, atf(n, "more than 32 rules in one correlation")
		}
	case "":
		return nil, atf(n, "correlation has no type")
	default:
		return nil, at(n, &unsupportedError{"correlation type " + c.Type})
	}
	if len(c.Rules) == 0 || c.Span <= 0 {
		return nil, atf(n, "correlation has no rules or no timespan")
	}
	return c, nil
}

func (c *Correlation) parseCondition(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return &unsupportedError{"correlation condition as an expression"}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i].Value, n.Content[i+1]
		switch k {
		case "field":
			c.Field = v.Value
		case "gte", "gt", "lte", "lt", "eq":
			if c.Op != "" {
				return &unsupportedError{"correlation condition with two bounds"}
			}
			num, err := strconv.Atoi(v.Value)
			if err != nil {
				return fmt.Errorf("%q is no count", v.Value)
			}
			c.Op, c.Count = k, num
		default:
			return fmt.Errorf("correlation condition has %q", k)
		}
	}
	return nil
}

func (c *Correlation) parseAliases(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("aliases is not a mapping")
	}
	c.Aliases = map[string]map[string]string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		per := n.Content[i+1]
		if per.Kind != yaml.MappingNode {
			return fmt.Errorf("alias %q is not a mapping", n.Content[i].Value)
		}
		m := map[string]string{}
		for j := 0; j+1 < len(per.Content); j += 2 {
			m[per.Content[j].Value] = per.Content[j+1].Value
		}
		c.Aliases[n.Content[i].Value] = m
	}
	return nil
}

// parseSpan reads 30s, 15m, 2h, 1d.
func parseSpan(s string) (time.Duration, error) {
	if len(s) < 2 {
		return 0, fmt.Errorf("%q is no timespan", s)
	}
	unit, ok := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}[s[len(s)-1]]
	n, err := strconv.Atoi(s[:len(s)-1])
	if !ok || err != nil || n <= 0 {
		return 0, fmt.Errorf("%q is no timespan", s)
	}
	if time.Duration(n) > maxSpan/unit {
		return 0, &unsupportedError{"correlation timespan above 30 days"}
	}
	return time.Duration(n) * unit, nil
}
