package api

import (
	"net/http"
	"strings"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/auth"
)

type signInBody struct {
	UserName string `json:"userName"`
	Password string `json:"password"`
}

type passwordBody struct {
	Current string `json:"current"`
	New     string `json:"new"`
}

type sessionAnswer struct {
	User      sessionUser `json:"user"`
	CSRFToken string      `json:"csrfToken"`
	Tenant    tenantInfo  `json:"tenant"`
	Version   string      `json:"version"`
}

type sessionUser struct {
	ID          string   `json:"id"`
	UserName    string   `json:"userName"`
	DisplayName string   `json:"displayName"`
	Roles       []string `json:"roles"`
	Permissions []string `json:"permissions"`
}

type tenantInfo struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type tokenAnswer struct {
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	ExtExpiresIn int    `json:"ext_expires_in"`
	AccessToken  string `json:"access_token"`
}

func (a *API) sessionAnswer(p tocsin.Principal, csrf string) sessionAnswer {
	return sessionAnswer{
		User: sessionUser{ID: p.ID, UserName: p.UserName, DisplayName: p.DisplayName, Roles: list(p.Roles),
			Permissions: list(tocsin.Permissions(p))},
		CSRFToken: csrf, Tenant: tenantInfo{ID: a.cfg.TenantID, Name: a.cfg.TenantName}, Version: a.cfg.Version,
	}
}

func (a *API) signIn(w http.ResponseWriter, r *http.Request) error {
	var b signInBody
	if err := decodeBody(r, &b); err != nil {
		return err
	}
	in, err := a.cfg.Auth.Login(r, b.UserName, tocsin.Secret(b.Password))
	if err != nil {
		return err
	}
	stateOf(r).who = auth.Identity{Principal: in.Principal, Method: auth.MethodSession}
	http.SetCookie(w, in.Cookie)
	return writeJSON(w, http.StatusOK, a.sessionAnswer(in.Principal, in.CSRF))
}

func (a *API) getSession(w http.ResponseWriter, r *http.Request) error {
	id := stateOf(r).who
	return writeJSON(w, http.StatusOK, a.sessionAnswer(id.Principal, id.CSRF))
}

func (a *API) signOut(w http.ResponseWriter, r *http.Request) error {
	c, err := a.cfg.Auth.Logout(r, stateOf(r).who)
	if err != nil {
		return err
	}
	http.SetCookie(w, c)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) changePassword(w http.ResponseWriter, r *http.Request) error {
	var b passwordBody
	if err := decodeBody(r, &b); err != nil {
		return err
	}
	in, err := a.cfg.Auth.ChangePassword(r, stateOf(r).who, tocsin.Secret(b.Current), tocsin.Secret(b.New))
	if err != nil {
		return err
	}
	http.SetCookie(w, in.Cookie)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// oauthToken is the token endpoint of the client credentials flow (RFC 6749,
// 4.4), at the path and with the answers of Entra ID.
func (a *API) oauthToken(w http.ResponseWriter, r *http.Request) error {
	if t := r.PathValue("tenant"); !strings.EqualFold(t, a.cfg.TenantID) {
		return oauthError("invalid_request", "there is no such tenant")
	}
	if ct, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(ct), "application/x-www-form-urlencoded") {
		return oauthError("invalid_request", "the body must be application/x-www-form-urlencoded")
	}
	if err := r.ParseForm(); err != nil {
		return oauthError("invalid_request", "the body cannot be read")
	}
	form := r.PostForm
	for name, values := range form {
		if len(values) != 1 {
			return oauthError("invalid_request", "the parameter "+name+" is given twice")
		}
	}
	if form.Get("grant_type") != "client_credentials" {
		return oauthError("unsupported_grant_type", "only client_credentials is supported")
	}
	if s := form.Get("scope"); s != "" && !strings.HasSuffix(s, "/.default") && s != ".default" {
		return oauthError("invalid_scope", "the scope must end in /.default; roles of the client decide what it may do")
	}
	id, secret := form.Get("client_id"), form.Get("client_secret")
	if user, pass, ok := r.BasicAuth(); ok && id == "" && secret == "" {
		id, secret = user, pass
	}
	token, age, err := a.cfg.Auth.ClientCredentials(r, id, tocsin.Secret(secret))
	if err != nil {
		return err
	}
	w.Header().Set("Pragma", "no-cache")
	return writeJSON(w, http.StatusOK, tokenAnswer{"Bearer", int(age.Seconds()), int(age.Seconds()), token.Reveal()})
}
