package cases

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/store"
)

// owner is how the record calls an owner: a person by user name, a group by
// name. A group that there is not is an error of CodeInvalid.
func owner(tx *store.Tx, who string) (string, error) {
	who = strings.TrimSpace(who)
	if utf8.RuneCountInString(who) > maxPersonRunes {
		return "", tocsin.Errorf(tocsin.CodeLimit, "a name takes at most %d characters", maxPersonRunes)
	}
	id, group := tocsin.OwnerGroupID(who)
	if !group {
		return who, nil
	}
	g, err := tx.OwnerGroup(id)
	if tocsin.CodeOf(err) == tocsin.CodeNotFound {
		return "", tocsin.Errorf(tocsin.CodeInvalid, "there is no group %q to assign to", id)
	}
	return "the group " + g.Name, err
}

// OwnerGroups lists the groups that can own incidents, by name.
func (c *Cases) OwnerGroups(ctx context.Context) (out []tocsin.OwnerGroup, err error) {
	err = c.st.View(ctx, func(tx *store.Tx) error {
		out, err = tx.OwnerGroups()
		return err
	})
	return out, err
}

// PutOwnerGroup makes a group, when g.ID is new or empty, or changes one, and
// returns it. Members must be accounts of the tenant. Without an ID it gets one
// made of its name.
func (c *Cases) PutOwnerGroup(ctx context.Context, g tocsin.OwnerGroup) (tocsin.OwnerGroup, error) {
	g.Name, g.Description = strings.Join(strings.Fields(g.Name), " "), strings.TrimSpace(g.Description)
	switch {
	case g.Name == "" || utf8.RuneCountInString(g.Name) > tocsin.MaxGroupNameRunes || strings.ContainsFunc(g.Name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return g, tocsin.Errorf(tocsin.CodeInvalid, "a group needs a name of at most %d printable characters", tocsin.MaxGroupNameRunes)
	case utf8.RuneCountInString(g.Description) > tocsin.MaxGroupDescribRunes:
		return g, tocsin.Errorf(tocsin.CodeLimit, "a description takes at most %d characters", tocsin.MaxGroupDescribRunes)
	case len(g.Members) > tocsin.MaxGroupMembers:
		return g, tocsin.Errorf(tocsin.CodeLimit, "a group takes at most %d members", tocsin.MaxGroupMembers)
	}
	err := c.st.Update(ctx, func(tx *store.Tx) error {
		all, err := tx.OwnerGroups()
		if err != nil {
			return err
		}
		users, err := tx.Users()
		if err != nil {
			return err
		}
		if g.Members, err = members(g.Members, users); err != nil {
			return err
		}
		if g.ID == "" {
			g.ID = groupID(g.Name, all)
		}
		i := slices.IndexFunc(all, func(have tocsin.OwnerGroup) bool { return have.ID == g.ID })
		line := tocsin.Change{Noun: "group", ID: g.ID, Kind: "groupCreated", Summary: "Group “" + g.Name + "” created"}
		g.Created = tx.Now()
		if i >= 0 {
			g.Created = all[i].Created
			line.Kind, line.Summary, line.Before = "groupChanged", "Group “"+g.Name+"” changed", object("name", all[i].Name, "description", all[i].Description, "members", all[i].Members)
		} else if len(all) >= tocsin.MaxOwnerGroups {
			return tocsin.Errorf(tocsin.CodeLimit, "there can be at most %d groups", tocsin.MaxOwnerGroups)
		}
		line.After = object("name", g.Name, "description", g.Description, "members", g.Members)
		if err := tx.PutOwnerGroup(g); err != nil {
			return err
		}
		_, err = tx.Append(line)
		return err
	})
	return g, err
}

// members are the names in the spelling of the accounts, each once.
func members(names []string, users []store.User) ([]string, error) {
	out := []string{}
	for _, n := range names {
		i := slices.IndexFunc(users, func(u store.User) bool { return strings.EqualFold(u.UserName, strings.TrimSpace(n)) })
		if i < 0 {
			return nil, tocsin.Errorf(tocsin.CodeInvalid, "there is no user %q", n)
		}
		if !slices.Contains(out, users[i].UserName) {
			out = append(out, users[i].UserName)
		}
	}
	slices.Sort(out)
	return out, nil
}

// groupID makes an id of a name: letters, digits and dashes, and a number
// behind it when that is taken.
func groupID(name string, all []tocsin.OwnerGroup) string {
	id := strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, name), "-")
	if id == "" {
		id = "group"
	}
	id = id[:min(len(id), 60)]
	for n, try := 2, id; ; n++ {
		if !slices.ContainsFunc(all, func(g tocsin.OwnerGroup) bool { return g.ID == try }) {
			return try
		}
		try = fmt.Sprintf("%s-%d", id, n)
	}
}

// DeleteOwnerGroup removes a group that owns no open incident; one that does is
// an error of CodeConflict.
func (c *Cases) DeleteOwnerGroup(ctx context.Context, id string) error {
	return c.st.Update(ctx, func(tx *store.Tx) error {
		g, err := tx.OwnerGroup(id)
		if err != nil {
			return err
		}
		owned, err := tx.Matching("incident", tocsin.Query{Filter: tocsin.And{
			tocsin.Compare{Field: "assignedTo", Op: tocsin.Eq, Value: tocsin.GroupOwner(id)},
			tocsin.Compare{Field: "status", Op: tocsin.Ne, Value: string(tocsin.IncidentResolved)}}}, 1)
		if err != nil {
			return err
		}
		if len(owned) > 0 {
			return tocsin.Errorf(tocsin.CodeConflict, "the group %s still owns open incidents; assign them to others first", g.Name)
		}
		if err := tx.DeleteOwnerGroup(id); err != nil {
			return err
		}
		_, err = tx.Append(tocsin.Change{Noun: "group", ID: id, Kind: "groupDeleted", Summary: "Group “" + g.Name + "” deleted",
			Before: object("name", g.Name, "description", g.Description, "members", g.Members)})
		return err
	})
}
