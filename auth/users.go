package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/store"
)

// User is an account, without its password.
type User struct {
	ID          string
	UserName    string
	DisplayName string
	Roles       []tocsin.Role
	Groups      []int64 // device groups that it is limited to; nil: not limited
	Disabled    bool
	Created     time.Time
}

func userOf(u store.User) User {
	return User{ID: u.ID, UserName: u.UserName, DisplayName: u.DisplayName, Roles: u.Roles, Groups: u.Groups, Disabled: u.Disabled, Created: u.Created}
}

// FirstUser is the name of the administrator that Bootstrap makes.
const FirstUser = "admin"

// Bootstrap makes the first administrator of a tenant that has no accounts,
// with a generated password that is returned once and known to nobody else.
// created is false, and nothing changes, when there are accounts.
func (a *Auth) Bootstrap(ctx context.Context) (userName string, password tocsin.Secret, created bool, err error) {
	ctx = tocsin.WithPrincipal(ctx, tocsin.System(a.cfg.Tenant, "first start"))
	var have []store.User
	err = a.cfg.Store.View(ctx, func(tx *store.Tx) (err error) {
		have, err = tx.Users()
		return err
	})
	if err != nil || len(have) > 0 {
		return "", "", false, err
	}
	plain, err := generatePassword(a.cfg.Rand)
	if err != nil {
		return "", "", false, err
	}
	u, err := a.newAccount(ctx, FirstUser, "Administrator", []tocsin.Role{tocsin.RoleAdministrator}, plain)
	if err != nil {
		return "", "", false, err
	}
	err = a.cfg.Store.Update(ctx, func(tx *store.Tx) error {
		have, err := tx.Users() // another process may have been first
		if err != nil || len(have) > 0 {
			return err
		}
		if err := tx.PutUser(u); err != nil {
			return err
		}
		created = true
		_, err = tx.Append(tocsin.Change{Noun: "user", ID: u.ID, Kind: "created", After: standing(&u), Summary: "Made the first administrator, " + u.UserName})
		return err
	})
	if err != nil || !created {
		return "", "", false, err
	}
	return u.UserName, tocsin.Secret(plain), true, nil
}

func (a *Auth) newAccount(ctx context.Context, name, display string, roles []tocsin.Role, password string) (store.User, error) {
	u := store.User{UserName: name, DisplayName: display, Roles: roles, Created: a.now()}
	var err error
	if u.ID, err = a.newID(); err != nil {
		return u, err
	}
	u.PasswordHash, err = a.hasher.hash(ctx, password)
	return u, err
}

// NewUser asks for an account. With no password one is generated.
type NewUser struct {
	UserName    string
	DisplayName string
	Roles       []tocsin.Role
	Groups      []int64 // device groups to limit it to; nil: none
	Password    tocsin.Secret
}

// CreateUser makes an account. The password is returned when it was generated,
// and only now. Nobody can give roles that allow more than they may themselves.
func (a *Auth) CreateUser(ctx context.Context, n NewUser) (User, tocsin.Secret, error) {
	p, err := principalFrom(ctx)
	if err != nil {
		return User{}, "", err
	}
	name, err := CanonicalUserName(n.UserName)
	if err != nil {
		return User{}, "", err
	}
	display, err := checkName("the display name", n.DisplayName, 100)
	if err != nil {
		return User{}, "", err
	}
	if err := grantable(p, n.Roles, nil); err != nil {
		return User{}, "", err
	}
	plain, shown := n.Password.Reveal(), tocsin.Secret("")
	if plain == "" {
		if plain, err = generatePassword(a.cfg.Rand); err != nil {
			return User{}, "", err
		}
		shown = tocsin.Secret(plain)
	} else if err := checkPassword(name, plain); err != nil {
		return User{}, "", err
	}
	u, err := a.newAccount(ctx, name, display, n.Roles, plain)
	if err != nil {
		return User{}, "", err
	}
	err = a.cfg.Store.Update(ctx, func(tx *store.Tx) error {
		u.Groups = n.Groups
		if err := knownGroups(tx, u.Groups); err != nil {
			return err
		}
		// PutUser refuses a second account of one name.
		if err := tx.PutUser(u); err != nil {
			return err
		}
		_, err := tx.Append(tocsin.Change{Noun: "user", ID: u.ID, Kind: "created", After: standing(&u),
			Summary: fmt.Sprintf("Created the user %s with the roles %s", u.UserName, roleNames(u.Roles))})
		return err
	})
	if err != nil {
		return User{}, "", err
	}
	return userOf(u), shown, nil
}

// UserUpdate changes what is not nil. ResetPassword generates a new password.
type UserUpdate struct {
	DisplayName   *string
	Roles         *[]tocsin.Role
	Groups        *[]int64 // device groups to limit it to; a nil list lifts the limit
	Disabled      *bool
	Password      *tocsin.Secret
	ResetPassword bool
}

// UpdateUser changes an account; taking something away ends what it was used
// by at once. The last enabled administrator cannot be disabled or demoted, and
// nobody can change an account that may do more than they themselves.
func (a *Auth) UpdateUser(ctx context.Context, id string, up UserUpdate) (User, tocsin.Secret, error) {
	p, err := principalFrom(ctx)
	if err != nil {
		return User{}, "", err
	}
	hash, shown, err := a.nextPassword(ctx, id, up)
	if err != nil {
		return User{}, "", err
	}
	var out store.User
	err = a.cfg.Store.Update(ctx, func(tx *store.Tx) error {
		u, err := tx.User(id)
		if err != nil {
			return err
		}
		if err := grantable(p, u.Roles, nil); err != nil {
			return tocsin.Errorf(tocsin.CodeForbidden, "you cannot change an account that may do more than you")
		}
		was := standing(&u)
		var said []string
		if said, err = change(p, &u, up); err != nil {
			return err
		}
		if err := knownGroups(tx, u.Groups); err != nil {
			return err
		}
		if hash != "" {
			u.PasswordHash = hash
			said = append(said, "set a new password")
		}
		if len(said) == 0 {
			out = u
			return nil
		}
		if err := tx.PutUser(u); err != nil {
			return err
		}
		if err := needAdministrator(tx); err != nil {
			return err
		}
		if u.Disabled || hash != "" {
			if err := tx.DeleteSessionsOf(u.ID, ""); err != nil {
				return err
			}
		}
		out = u
		_, err = tx.Append(tocsin.Change{Noun: "user", ID: u.ID, Kind: "changed", Before: was, After: standing(&u),
			Summary: fmt.Sprintf("User %s: %s", u.UserName, strings.Join(said, "; "))})
		return err
	})
	if err != nil {
		return User{}, "", err
	}
	return userOf(out), shown, nil
}

// standing is an account as the record tells it, without what proves its owner.
func standing(u *store.User) json.RawMessage {
	b, _ := json.Marshal(map[string]any{"userName": u.UserName, "displayName": u.DisplayName, "roles": u.Roles, "disabled": u.Disabled}) // texts only: it cannot fail
	return b
}

// nextPassword hashes outside of the transaction: it takes a tenth of a second,
// and the store has one writer.
func (a *Auth) nextPassword(ctx context.Context, id string, up UserUpdate) (hash string, shown tocsin.Secret, err error) {
	if up.Password == nil && !up.ResetPassword {
		return "", "", nil
	}
	if up.Password != nil {
		var u store.User
		err := a.cfg.Store.View(ctx, func(tx *store.Tx) (err error) {
			u, err = tx.User(id)
			return err
		})
		if err != nil {
			return "", "", err
		}
		if err := checkPassword(u.UserName, up.Password.Reveal()); err != nil {
			return "", "", err
		}
		hash, err = a.hasher.hash(ctx, up.Password.Reveal())
		return hash, "", err
	}
	plain, err := generatePassword(a.cfg.Rand)
	if err != nil {
		return "", "", err
	}
	hash, err = a.hasher.hash(ctx, plain)
	return hash, tocsin.Secret(plain), err
}

// change applies the update to u and says in words what it did.
func change(p tocsin.Principal, u *store.User, up UserUpdate) (said []string, err error) {
	if up.DisplayName != nil {
		name, err := checkName("the display name", *up.DisplayName, 100)
		if err != nil {
			return nil, err
		}
		if name != u.DisplayName {
			u.DisplayName = name
			said = append(said, fmt.Sprintf("is called %q", name))
		}
	}
	if up.Roles != nil && !slices.Equal(*up.Roles, u.Roles) {
		if err := grantable(p, *up.Roles, nil); err != nil {
			return nil, err
		}
		u.Roles = *up.Roles
		said = append(said, "has the roles "+roleNames(u.Roles))
	}
	if up.Groups != nil && ((*up.Groups == nil) != (u.Groups == nil) || !slices.Equal(*up.Groups, u.Groups)) {
		if p.ID == u.ID {
			return nil, tocsin.Errorf(tocsin.CodeForbidden, "nobody limits themselves to device groups; ask another administrator")
		}
		u.Groups = *up.Groups
		said = append(said, groupsSaid(u.Groups))
	}
	if up.Disabled != nil && *up.Disabled != u.Disabled {
		u.Disabled = *up.Disabled
		said = append(said, map[bool]string{true: "is disabled", false: "is enabled"}[u.Disabled])
	}
	return said, nil
}

func groupsSaid(groups []int64) string {
	if groups == nil {
		return "sees all devices"
	}
	return fmt.Sprintf("sees only the devices of the groups %v", groups)
}

// knownGroups refuses to limit somebody to device groups that do not exist,
// which would be to nothing.
func knownGroups(tx *store.Tx, groups []int64) error {
	if groups == nil {
		return nil
	}
	if len(groups) == 0 || len(groups) > tocsin.MaxDeviceGroups {
		return tocsin.Errorf(tocsin.CodeInvalid, "name 1 to %d device groups, or none at all not to limit", tocsin.MaxDeviceGroups)
	}
	have, _, err := tx.DeviceGroups()
	if err != nil {
		return err
	}
	for _, id := range groups {
		if id != tocsin.UngroupedDevices && !slices.ContainsFunc(have, func(g tocsin.DeviceGroup) bool { return g.ID == id }) {
			return tocsin.Errorf(tocsin.CodeInvalid, "there is no device group %d", id)
		}
	}
	return nil
}

// needAdministrator refuses a transaction after which nobody could manage
// accounts.
func needAdministrator(tx *store.Tx) error {
	us, err := tx.Users()
	if err != nil {
		return err
	}
	for _, u := range us {
		if !u.Disabled && u.Groups == nil && slices.Contains(u.Roles, tocsin.RoleAdministrator) {
			return nil
		}
	}
	return tocsin.Errorf(tocsin.CodeConflict, "this is the last administrator; make another one first")
}

// Users lists the accounts of the tenant by name.
func (a *Auth) Users(ctx context.Context) ([]User, error) {
	var out []User
	err := a.cfg.Store.View(ctx, func(tx *store.Tx) error {
		us, err := tx.Users()
		for _, u := range us {
			out = append(out, userOf(u))
		}
		return err
	})
	return out, err
}

// People lists enabled accounts whose name holds q in any case, at most limit.
func (a *Auth) People(ctx context.Context, q string, limit int) ([]User, error) {
	all, err := a.Users(ctx)
	if err != nil {
		return nil, err
	}
	q = strings.ToLower(strings.TrimSpace(q))
	var out []User
	for _, u := range all {
		if !u.Disabled && (strings.Contains(u.UserName, q) || strings.Contains(strings.ToLower(u.DisplayName), q)) && len(out) < limit {
			out = append(out, u)
		}
	}
	return out, nil
}
