package api

import (
	"bytes"
	"net/http"
	"slices"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/auth"
)

type tokenInfo struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Kind      string     `json:"kind" one:"apiToken,client"`
	ClientID  string     `json:"clientId,omitempty"`
	CreatedBy string     `json:"createdBy"`
	Roles     []string   `json:"roles"`
	Scopes    []string   `json:"scopes"`
	Groups    *[]int64   `json:"deviceGroups"` // null: not limited
	Created   *time.Time `json:"created"`
	Expires   *time.Time `json:"expires"`
	LastUsed  *time.Time `json:"lastUsed"`
	Revoked   *time.Time `json:"revoked"`
}

type newTokenBody struct {
	Name    string     `json:"name"`
	Kind    string     `json:"kind,omitempty" one:"apiToken,client"`
	Roles   []string   `json:"roles"`
	Scopes  []string   `json:"scopes,omitempty"`
	Groups  []int64    `json:"deviceGroups,omitempty"`
	Expires *time.Time `json:"expires,omitempty"`
}

type newTokenAnswer struct {
	Token tokenInfo `json:"token"`
	// Secret is the token, or the client's secret.
	Secret string `json:"secret"`
}

type userInfo struct {
	ID          string     `json:"id"`
	UserName    string     `json:"userName"`
	DisplayName string     `json:"displayName"`
	Roles       []string   `json:"roles"`
	Groups      *[]int64   `json:"deviceGroups"` // null: not limited
	Disabled    bool       `json:"disabled"`
	Created     *time.Time `json:"created"`
}

type newUserBody struct {
	UserName    string   `json:"userName"`
	DisplayName string   `json:"displayName,omitempty"`
	Roles       []string `json:"roles"`
	Groups      []int64  `json:"deviceGroups,omitempty"`
	Password    string   `json:"password,omitempty"`
}

type newUserAnswer struct {
	User userInfo `json:"user"`
	// Password is there when it was generated.
	Password string `json:"password,omitempty"`
}

type userPatchBody struct {
	DisplayName   *string   `json:"displayName,omitempty"`
	Roles         *[]string `json:"roles,omitempty"`
	Groups        *[]int64  `json:"deviceGroups,omitempty"` // an empty list lifts the limit
	Disabled      *bool     `json:"disabled,omitempty"`
	Password      *string   `json:"password,omitempty"`
	ResetPassword bool      `json:"resetPassword,omitempty"`
}

type rulePatchBody struct {
	Enabled *bool `json:"enabled"`
}

// orNull is a list that null stands for when it is nil.
func orNull(ids []int64) *[]int64 {
	if ids == nil {
		return nil
	}
	return &ids
}

func tokenInfoOf(t auth.Token) tokenInfo {
	kind := "apiToken"
	if t.Client {
		kind = "client"
	}
	return tokenInfo{ID: t.ID, Name: t.Name, Kind: kind, ClientID: t.ClientID, CreatedBy: t.CreatedBy, Roles: list(t.Roles), Scopes: list(t.Scopes), Groups: orNull(t.Groups),
		Created: moment(t.Created), Expires: moment(t.Expires), LastUsed: moment(t.LastUsed), Revoked: moment(t.Revoked)}
}

func (a *API) listTokens(w http.ResponseWriter, r *http.Request) error {
	tokens, err := a.cfg.Auth.Tokens(r.Context())
	if err != nil {
		return err
	}
	out := valueOf[tokenInfo]{Value: make([]tokenInfo, 0, len(tokens))}
	for _, t := range tokens {
		out.Value = append(out.Value, tokenInfoOf(t))
	}
	return writeJSON(w, http.StatusOK, out)
}

func (a *API) createToken(w http.ResponseWriter, r *http.Request) error {
	var b newTokenBody
	if err := decodeBody(r, &b); err != nil {
		return err
	}
	n := auth.NewToken{Name: b.Name, Roles: typed[tocsin.Role](b.Roles), Scopes: typed[tocsin.Verb](b.Scopes), Groups: limit(b.Groups)}
	switch b.Kind {
	case "", "apiToken":
	case "client":
		n.Client = true
	default:
		return tocsin.Errorf(tocsin.CodeInvalid, "kind is apiToken or client")
	}
	if b.Expires != nil {
		n.Expires = *b.Expires
	}
	t, secret, err := a.cfg.Auth.CreateToken(r.Context(), n)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, newTokenAnswer{tokenInfoOf(t), secret.Reveal()})
}

func typed[T ~string](in []string) []T {
	out := make([]T, len(in))
	for i, s := range in {
		out[i] = T(s)
	}
	return out
}

// limit is the device groups of a body: none named is no limit.
func limit(groups []int64) []int64 {
	if len(groups) == 0 {
		return nil
	}
	groups = slices.Clone(groups)
	slices.Sort(groups)
	return slices.Compact(groups)
}

func (a *API) revokeToken(w http.ResponseWriter, r *http.Request) error {
	if err := a.cfg.Auth.RevokeToken(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func userInfoOf(u auth.User) userInfo {
	return userInfo{ID: u.ID, UserName: u.UserName, DisplayName: u.DisplayName, Roles: list(u.Roles), Groups: orNull(u.Groups), Disabled: u.Disabled, Created: moment(u.Created)}
}

func (a *API) listUsers(w http.ResponseWriter, r *http.Request) error {
	users, err := a.cfg.Auth.Users(r.Context())
	if err != nil {
		return err
	}
	out := valueOf[userInfo]{Value: make([]userInfo, 0, len(users))}
	for _, u := range users {
		out.Value = append(out.Value, userInfoOf(u))
	}
	return writeJSON(w, http.StatusOK, out)
}

func (a *API) createUser(w http.ResponseWriter, r *http.Request) error {
	var b newUserBody
	if err := decodeBody(r, &b); err != nil {
		return err
	}
	u, shown, err := a.cfg.Auth.CreateUser(r.Context(), auth.NewUser{UserName: b.UserName, DisplayName: b.DisplayName,
		Roles: typed[tocsin.Role](b.Roles), Groups: limit(b.Groups), Password: tocsin.Secret(b.Password)})
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, newUserAnswer{userInfoOf(u), shown.Reveal()})
}

func (a *API) updateUser(w http.ResponseWriter, r *http.Request) error {
	var b userPatchBody
	if err := decodeBody(r, &b); err != nil {
		return err
	}
	up := auth.UserUpdate{DisplayName: b.DisplayName, Disabled: b.Disabled, ResetPassword: b.ResetPassword}
	if b.Roles != nil {
		roles := typed[tocsin.Role](*b.Roles)
		up.Roles = &roles
	}
	if b.Groups != nil {
		groups := limit(*b.Groups)
		up.Groups = &groups
	}
	if b.Password != nil {
		password := tocsin.Secret(*b.Password)
		up.Password = &password
	}
	u, shown, err := a.cfg.Auth.UpdateUser(r.Context(), r.PathValue("id"), up)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, newUserAnswer{userInfoOf(u), shown.Reveal()})
}

func (a *API) listRules(w http.ResponseWriter, r *http.Request) error {
	if a.cfg.Rules == nil {
		return missing("detection")
	}
	rules, err := a.cfg.Rules.List(r.Context())
	if err != nil {
		return err
	}
	for i := range rules {
		rules[i].Tags = list(rules[i].Tags)
	}
	if rules == nil {
		rules = []RuleInfo{}
	}
	return writeJSON(w, http.StatusOK, valueOf[RuleInfo]{rules})
}

func (a *API) updateRule(w http.ResponseWriter, r *http.Request) error {
	if a.cfg.Rules == nil {
		return missing("detection")
	}
	var b rulePatchBody
	if err := decodeBody(r, &b); err != nil {
		return err
	}
	if b.Enabled == nil {
		return tocsin.Errorf(tocsin.CodeInvalid, "the property \"enabled\" is missing")
	}
	rule, err := a.cfg.Rules.SetEnabled(r.Context(), r.PathValue("id"), *b.Enabled)
	if err != nil {
		return err
	}
	rule.Tags = list(rule.Tags)
	return writeJSON(w, http.StatusOK, rule)
}

func (a *API) importRules(w http.ResponseWriter, r *http.Request) error {
	if a.cfg.Rules == nil {
		return missing("detection")
	}
	raw, err := readBody(r)
	if err != nil {
		return err
	}
	res, err := a.cfg.Rules.Import(r.Context(), bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return err
	}
	if res.Unsupported == nil {
		res.Unsupported = map[string]int{}
	}
	if res.Failed == nil {
		res.Failed = map[string]string{}
	}
	return writeJSON(w, http.StatusOK, res)
}
