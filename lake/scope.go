package lake

import (
	"context"
	"strings"

	"github.com/tocsinhq/tocsin"
)

// deviceLimit is whose rows a principal that is limited to device groups reads.
type deviceLimit struct{ ids, names map[string]bool }

func (l *Lake) deviceLimit(p tocsin.Principal) (*deviceLimit, error) {
	d := &deviceLimit{ids: map[string]bool{}, names: map[string]bool{}}
	if l.cfg.Devices == nil {
		return d, nil
	}
	ids, names, err := l.cfg.Devices(tocsin.WithPrincipal(l.ctx, p))
	for _, id := range ids {
		d.ids[strings.ToLower(id)] = true
	}
	for _, n := range names {
		d.names[strings.ToLower(n)] = true
	}
	return d, err
}

const (
	deviceIDColumn   = "DeviceId"
	deviceNameColumn = "DeviceName"
)

// filter is the predicate on the rows of a table; "" when the table does not say
// which device a row is of, and so is not for the principal at all.
func (d *deviceLimit) filter(t *Table) string {
	var parts []string
	for _, c := range t.Columns {
		values := d.ids
		switch c.Name {
		case deviceIDColumn:
		case deviceNameColumn:
			values = d.names
		default:
			continue
		}
		if len(values) == 0 {
			parts = append(parts, "false")
			continue
		}
		list := make([]string, 0, len(values))
		for v := range values {
			list = append(list, kqlString(v))
		}
		parts = append(parts, c.Name+" in~ ("+strings.Join(list, ", ")+")")
	}
	return strings.Join(parts, " or ")
}

// kqlString is a text as a literal of the query language.
func kqlString(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s) + `"`
}

// mayRead tells which rows of a table the principal of ctx may read one by one.
// Work of the portal itself, which has no principal here, reads all.
func (l *Lake) mayRead(ctx context.Context, t *Table) (func(row map[string]any) bool, error) {
	p, _ := tocsin.PrincipalFrom(ctx)
	if !p.Scoped() {
		return func(map[string]any) bool { return true }, nil
	}
	d, err := l.deviceLimit(p)
	return func(row map[string]any) bool {
		id, _ := row[deviceIDColumn].(string)
		name, _ := row[deviceNameColumn].(string)
		return d.ids[strings.ToLower(id)] || d.names[strings.ToLower(name)]
	}, err
}
