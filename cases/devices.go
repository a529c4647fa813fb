package cases

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/store"
)

const (
	// RegroupKind is the job that asks the rules of the device groups again about
	// every device, FillDevicesKind the one that finds the devices of alerts that
	// were taken before devices were kept.
	RegroupKind     = "cases.regroup"
	FillDevicesKind = "cases.filldevices"

	regroupAt    = "devices.regroup"
	fillAt       = "devices.fill"
	regroupChunk = 500
	fillChunk    = 200
	// MaxDeviceMatches is how many devices a preview of a rule names.
	MaxDeviceMatches = 100
)

// DeviceGroupList is the device groups in their order.
type DeviceGroupList struct {
	Groups    []tocsin.DeviceGroup
	Ungrouped int64 // devices that no rule takes
	Regroup   Progress
}

// Progress is how far the sorting of devices into groups is.
type Progress struct {
	Running bool  `json:"running"`
	Done    int64 `json:"done"` // devices
	After   int64 `json:"after"`
}

// DeviceGroups lists the device groups; for a principal that is limited to some,
// only those.
func (c *Cases) DeviceGroups(ctx context.Context) (out DeviceGroupList, err error) {
	err = c.st.View(ctx, func(tx *store.Tx) error {
		if out.Groups, out.Ungrouped, err = tx.DeviceGroups(); err != nil || tx.Limited() {
			return err
		}
		text, running, err := tx.Meta(regroupAt)
		if err == nil && running {
			err = json.Unmarshal([]byte(text), &out.Regroup)
		}
		out.Regroup.Running = running
		return err
	})
	return out, err
}

// CreateDeviceGroup makes a group, behind all others unless it says a rank, and
// has the devices sorted anew.
func (c *Cases) CreateDeviceGroup(ctx context.Context, g tocsin.DeviceGroup) (tocsin.DeviceGroup, error) {
	g.ID = 0
	return c.putDeviceGroup(ctx, g)
}

// UpdateDeviceGroup changes a group, its place among the others included, and
// has the devices sorted anew.
func (c *Cases) UpdateDeviceGroup(ctx context.Context, g tocsin.DeviceGroup) (tocsin.DeviceGroup, error) {
	if g.ID == tocsin.UngroupedDevices {
		return g, noDeviceGroup(g.ID)
	}
	return c.putDeviceGroup(ctx, g)
}

func noDeviceGroup(id int64) error {
	return tocsin.Errorf(tocsin.CodeNotFound, "there is no device group %d", id)
}

func (c *Cases) putDeviceGroup(ctx context.Context, g tocsin.DeviceGroup) (tocsin.DeviceGroup, error) {
	g.Normalize()
	if err := g.Validate(); err != nil {
		return g, err
	}
	err := c.st.Update(ctx, func(tx *store.Tx) error {
		all, _, err := tx.DeviceGroups()
		if err != nil {
			return err
		}
		kind, summary, before := "created", fmt.Sprintf("The device group “%s” was made", g.Name), json.RawMessage(nil)
		if g.ID == 0 {
			if len(all) >= tocsin.MaxDeviceGroups {
				return tocsin.Errorf(tocsin.CodeLimit, "%d device groups are the most that there can be", tocsin.MaxDeviceGroups)
			}
			if g.Rank <= 0 {
				g.Rank = len(all) + 1
			}
		} else {
			at := slices.IndexFunc(all, func(o tocsin.DeviceGroup) bool { return o.ID == g.ID })
			if at < 0 {
				return noDeviceGroup(g.ID)
			}
			kind, summary, before = "changed", fmt.Sprintf("The device group “%s” was changed", all[at].Name), groupState(&all[at])
			if g.Rank <= 0 {
				g.Rank = all[at].Rank
			}
			all = slices.Delete(all, at, at+1)
		}
		if err := tx.PutDeviceGroup(&g); err != nil {
			return err
		}
		place := min(g.Rank-1, len(all))
		if err := rankGroups(tx, slices.Insert(all, place, g)); err != nil {
			return err
		}
		g.Rank = place + 1
		if _, err := tx.Append(tocsin.Change{Noun: "deviceGroup", ID: strconv.FormatInt(g.ID, 10), Kind: kind, Summary: summary, Before: before, After: groupState(&g)}); err != nil {
			return err
		}
		return beginRegroup(tx)
	})
	return g, err
}

// rankGroups numbers the groups in this order.
func rankGroups(tx *store.Tx, groups []tocsin.DeviceGroup) error {
	for i := range groups {
		if groups[i].Rank != i+1 {
			groups[i].Rank = i + 1
			if err := tx.PutDeviceGroup(&groups[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func groupState(g *tocsin.DeviceGroup) json.RawMessage {
	return object("name", g.Name, "description", g.Description, "rank", g.Rank, "rule", g.Rule, "remediationLevel", g.Level)
}

// DeleteDeviceGroup removes a group; its devices go to the next whose rule takes
// them. A group that somebody is limited to is an error of CodeConflict that
// names them: they would see nothing, and nobody would know why.
func (c *Cases) DeleteDeviceGroup(ctx context.Context, id int64) error {
	return c.st.Update(ctx, func(tx *store.Tx) error {
		all, _, err := tx.DeviceGroups()
		if err != nil {
			return err
		}
		at := slices.IndexFunc(all, func(g tocsin.DeviceGroup) bool { return g.ID == id })
		if at < 0 {
			return noDeviceGroup(id)
		}
		who, err := limitedTo(tx, id)
		if err != nil {
			return err
		}
		if len(who) > 0 {
			return tocsin.Errorf(tocsin.CodeConflict, "the device group “%s” is what %s may see; change that first", all[at].Name, strings.Join(who[:min(len(who), 5)], ", "))
		}
		g := all[at]
		if err := tx.DeleteDeviceGroup(id); err != nil {
			return err
		}
		if err := rankGroups(tx, slices.Delete(all, at, at+1)); err != nil {
			return err
		}
		if _, err := tx.Append(tocsin.Change{Noun: "deviceGroup", ID: strconv.FormatInt(id, 10), Kind: "deleted", Before: groupState(&g),
			Summary: fmt.Sprintf("The device group “%s” was deleted", g.Name)}); err != nil {
			return err
		}
		return beginRegroup(tx)
	})
}

// limitedTo are the accounts and tokens that a group is given to.
func limitedTo(tx *store.Tx, group int64) (names []string, err error) {
	users, err := tx.Users()
	if err != nil {
		return nil, err
	}
	for _, u := range users {
		if slices.Contains(u.Groups, group) {
			names = append(names, u.UserName)
		}
	}
	tokens, err := tx.Tokens()
	for _, t := range tokens {
		if slices.Contains(t.Groups, group) && t.Revoked.IsZero() {
			names = append(names, "the token "+t.Name)
		}
	}
	return names, err
}

// MatchDevices are the devices that a rule would take, at most MaxDeviceMatches,
// and how many there are of all that are known. It does not ask the rules before
// it: it answers what the rule says.
func (c *Cases) MatchDevices(ctx context.Context, rule tocsin.DeviceRule) (out []tocsin.Device, matching, known int64, err error) {
	g := tocsin.DeviceGroup{Name: "-", Rule: rule}
	g.Normalize()
	if err := g.Rule.Validate(); err != nil {
		return nil, 0, 0, err
	}
	err = c.st.View(ctx, func(tx *store.Tx) error {
		for after := int64(0); ; {
			ds, err := tx.DevicesAfter(after, 1000)
			if err != nil || len(ds) == 0 {
				return err
			}
			for i := range ds {
				known++
				if g.Rule.Matches(&ds[i]) {
					if matching++; len(out) < MaxDeviceMatches {
						out = append(out, ds[i])
					}
				}
			}
			after = ds[len(ds)-1].ID
		}
	})
	return out, matching, known, err
}

func beginRegroup(tx *store.Tx) error {
	if err := tx.PutMeta(regroupAt, `{}`); err != nil {
		return err
	}
	return tx.Enqueue(store.Job{Kind: RegroupKind, Key: "devices"})
}

// Regroup is the handler of the jobs of RegroupKind. It goes through all devices
// in short transactions; after a crash, or when the groups change meanwhile, it
// goes on, or begins again, from what it has noted.
func (c *Cases) Regroup(ctx context.Context, _ store.Claim) error {
	for more := true; more; {
		err := c.st.Update(ctx, func(tx *store.Tx) error {
			text, running, err := tx.Meta(regroupAt)
			if more = running; err != nil || !running {
				return err
			}
			var p Progress
			if err := json.Unmarshal([]byte(text), &p); err != nil {
				return fmt.Errorf("read how far devices are sorted: %w", err)
			}
			ds, err := tx.DevicesAfter(p.After, regroupChunk)
			if err != nil {
				return err
			}
			if more = len(ds) == regroupChunk; len(ds) > 0 {
				p.After = ds[len(ds)-1].ID
				p.Done += int64(len(ds))
				if _, err := tx.Regroup(ds); err != nil {
					return err
				}
			}
			if !more {
				return tx.DeleteMeta(regroupAt)
			}
			return tx.PutMeta(regroupAt, string(object("after", p.After, "done", p.Done)))
		})
		if err != nil {
			return fmt.Errorf("sort devices into groups: %w", err)
		}
	}
	return nil
}

// FillDevices is the handler of the jobs of FillDevicesKind. It has nothing to
// do where it has been through; until then limited principals see less.
func (c *Cases) FillDevices(ctx context.Context, _ store.Claim) error {
	for more := true; more; {
		err := c.st.Update(ctx, func(tx *store.Tx) error {
			after, _, err := tx.Meta(fillAt)
			if more = after != "done"; err != nil || !more {
				return err
			}
			alerts, next, err := tx.AlertsWithoutDevices(after, fillChunk)
			if err != nil {
				return err
			}
			for i := range alerts {
				if err := tx.PutDevices(alerts[i].ID, alerts[i].IncidentID, alerts[i].Devices()); err != nil {
					return err
				}
			}
			if more = next != ""; !more {
				next = "done"
			}
			return tx.PutMeta(fillAt, next)
		})
		if err != nil {
			return fmt.Errorf("find the devices of alerts: %w", err)
		}
	}
	return nil
}
