package auth

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

func TestTokens(t *testing.T) {
	h := open(t, nil)
	ctx := h.admin()
	tok, secret, err := h.CreateToken(ctx, NewToken{Name: "shipper", Roles: []tocsin.Role{tocsin.RoleSender}, Expires: h.clock.now().Add(48 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(secret.Reveal(), "tcs_") {
		t.Errorf("token begins with %.4s", secret.Reveal())
	}
	pair := func(id, s string) string { return base64.StdEncoding.EncodeToString([]byte(id + ":" + s)) }
	for _, header := range []string{"Bearer " + secret.Reveal(), "bearer  " + secret.Reveal(), "Splunk " + secret.Reveal(),
		"Basic " + pair("elastic", secret.Reveal()), "ApiKey " + pair(tok.ID, secret.Reveal())} {
		p, m, err := h.Authenticate(withHeader(header))
		if err != nil || m != MethodToken || !tocsin.Can(p, tocsin.VerbIntakeWrite) || tocsin.Can(p, tocsin.VerbIncidentRead) || p.Kind != tocsin.ActorIntegration {
			t.Errorf("%.6s...: %+v, %q, %v", header, p, m, err)
		}
	}
	for _, header := range []string{"Bearer", "Bearer tcs_", "Bearer " + secret.Reveal() + "x", "Digest " + secret.Reveal(), "Basic !!!", "Basic " + base64.StdEncoding.EncodeToString([]byte("no colon")),
		"ApiKey " + pair("another-id", secret.Reveal()), "Bearer " + strings.Repeat("tcs_", 1000)} {
		_, _, err := h.Authenticate(withHeader(header))
		h.wantCode(err, tocsin.CodeUnauthenticated, header[:min(len(header), 12)])
	}
	two := withHeader("Bearer " + secret.Reveal())
	two.Header.Add("Authorization", "Bearer x")
	_, _, err = h.Authenticate(two)
	h.wantCode(err, tocsin.CodeUnauthenticated, "two headers")

	in := h.signIn(FirstUser, h.password)
	both := withCookie(in.Cookie)
	both.Header.Set("Authorization", "Bearer wrong")
	_, _, err = h.Authenticate(both)
	h.wantCode(err, tocsin.CodeUnauthenticated, "a wrong token beside a good cookie")

	h.clock.forward(48 * time.Hour)
	_, _, err = h.Authenticate(withHeader("Bearer " + secret.Reveal()))
	h.wantCode(err, tocsin.CodeUnauthenticated, "expired token")

	tok, secret, err = h.CreateToken(ctx, NewToken{Name: "second", Roles: []tocsin.Role{tocsin.RoleReader}, Scopes: []tocsin.Verb{tocsin.VerbIncidentRead}})
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := h.Authenticate(withHeader("Bearer " + secret.Reveal()))
	if err != nil || !tocsin.Can(p, tocsin.VerbIncidentRead) || tocsin.Can(p, tocsin.VerbAlertRead) {
		t.Errorf("scoped token: %+v, %v", p, err)
	}
	list, err := h.Tokens(ctx)
	if err != nil || len(list) != 2 || list[0].LastUsed.IsZero() {
		t.Errorf("Tokens = %+v, %v", list, err)
	}
	if err := h.RevokeToken(ctx, tok.ID); err != nil {
		t.Fatal(err)
	}
	_, _, err = h.Authenticate(withHeader("Bearer " + secret.Reveal()))
	h.wantCode(err, tocsin.CodeUnauthenticated, "revoked token")
	h.wantCode(h.RevokeToken(ctx, "no-such"), tocsin.CodeNotFound, "revoking nothing")
	if k := h.kinds(); k["token.created"] != 2 || k["token.revoked"] != 1 {
		t.Errorf("record: %v", k)
	}
}

func TestTokenIsNoMoreThanItsMaker(t *testing.T) {
	h := open(t, nil)
	ctx := h.admin()
	// A second administrator makes a token, then loses the role, then leaves.
	u, pw, err := h.CreateUser(ctx, NewUser{UserName: "second", Roles: []tocsin.Role{tocsin.RoleAdministrator}})
	if err != nil {
		t.Fatal(err)
	}
	in := h.signIn("second", pw)
	_, secret, err := h.CreateToken(tocsin.WithPrincipal(t.Context(), in.Principal), NewToken{Name: "x", Roles: []tocsin.Role{tocsin.RoleAdministrator}})
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := h.Authenticate(withHeader("Bearer " + secret.Reveal()))
	if err != nil || !tocsin.Can(p, tocsin.VerbUserManage) {
		t.Fatalf("before: %+v, %v", p, err)
	}
	reader := []tocsin.Role{tocsin.RoleReader}
	if _, _, err := h.UpdateUser(ctx, u.ID, UserUpdate{Roles: &reader}); err != nil {
		t.Fatal(err)
	}
	p, _, err = h.Authenticate(withHeader("Bearer " + secret.Reveal()))
	if err != nil || tocsin.Can(p, tocsin.VerbUserManage) || !tocsin.Can(p, tocsin.VerbIncidentRead) {
		t.Errorf("after the role went: %+v, %v", p, err)
	}
	off := true
	if _, _, err := h.UpdateUser(ctx, u.ID, UserUpdate{Disabled: &off}); err != nil {
		t.Fatal(err)
	}
	_, _, err = h.Authenticate(withHeader("Bearer " + secret.Reveal()))
	h.wantCode(err, tocsin.CodeUnauthenticated, "after the maker left")
	_, _, err = h.Authenticate(withCookie(in.Cookie))
	h.wantCode(err, tocsin.CodeUnauthenticated, "session of a disabled account")
}

func TestNobodyRaisesThemselves(t *testing.T) {
	h := open(t, nil)
	admin := h.admin()
	_, secret, err := h.CreateToken(admin, NewToken{Name: "minter", Roles: []tocsin.Role{tocsin.RoleAdministrator}, Scopes: []tocsin.Verb{tocsin.VerbTokenManage, tocsin.VerbUserManage}})
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := h.Authenticate(withHeader("Bearer " + secret.Reveal()))
	if err != nil {
		t.Fatal(err)
	}
	ctx := tocsin.WithPrincipal(t.Context(), p)
	_, _, err = h.CreateToken(ctx, NewToken{Name: "up", Roles: []tocsin.Role{tocsin.RoleAdministrator}})
	h.wantCode(err, tocsin.CodeForbidden, "a wider token")
	_, _, err = h.CreateUser(ctx, NewUser{UserName: "up", Roles: []tocsin.Role{tocsin.RoleAdministrator}})
	h.wantCode(err, tocsin.CodeForbidden, "an account above")
	users, err := h.Users(admin)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = h.UpdateUser(ctx, users[0].ID, UserUpdate{ResetPassword: true})
	h.wantCode(err, tocsin.CodeForbidden, "the administrator's password")
	_, _, err = h.CreateToken(ctx, NewToken{Name: "same", Roles: []tocsin.Role{tocsin.RoleAdministrator}, Scopes: []tocsin.Verb{tocsin.VerbTokenManage}})
	if err != nil {
		t.Errorf("an equal token: %v", err)
	}
	for _, roles := range [][]tocsin.Role{nil, {tocsin.RoleSystem}, {"root"}} {
		_, _, err = h.CreateToken(admin, NewToken{Name: "x", Roles: roles})
		h.wantCode(err, tocsin.CodeInvalid, "impossible roles")
	}
}

func TestLastAdministratorStays(t *testing.T) {
	h := open(t, nil)
	ctx := h.admin()
	users, err := h.Users(ctx)
	if err != nil {
		t.Fatal(err)
	}
	off, reader := true, []tocsin.Role{tocsin.RoleReader}
	_, _, err = h.UpdateUser(ctx, users[0].ID, UserUpdate{Disabled: &off})
	h.wantCode(err, tocsin.CodeConflict, "disabling the last administrator")
	_, _, err = h.UpdateUser(ctx, users[0].ID, UserUpdate{Roles: &reader})
	h.wantCode(err, tocsin.CodeConflict, "demoting the last administrator")
	h.signIn(FirstUser, h.password)
}

func TestUserNames(t *testing.T) {
	h := open(t, nil)
	ctx := h.admin()
	roles := []tocsin.Role{tocsin.RoleReader}
	for _, name := range []string{"Ann", "a.b-c_d+e@corp.example", "7"} {
		if _, _, err := h.CreateUser(ctx, NewUser{UserName: name, Roles: roles}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, _, err := h.CreateUser(ctx, NewUser{UserName: "ANN ", Roles: roles})
	h.wantCode(err, tocsin.CodeConflict, "the same name in capitals")
	for _, name := range []string{"", "\u0430dmin", "ad\u200bmin", "admin\u202e", "a b", ".a", "a/b", strings.Repeat("a", 129)} {
		_, _, err := h.CreateUser(ctx, NewUser{UserName: name, Roles: roles})
		h.wantCode(err, tocsin.CodeInvalid, name)
	}
	_, _, err = h.CreateUser(ctx, NewUser{UserName: "x", DisplayName: "nice\u202egnp.exe", Roles: roles})
	h.wantCode(err, tocsin.CodeInvalid, "display name that turns the text")
	people, err := h.People(ctx, "AN", 10)
	if err != nil || len(people) != 1 || people[0].UserName != "ann" {
		t.Errorf("People = %+v, %v", people, err)
	}
}

func TestClientCredentials(t *testing.T) {
	h := open(t, nil)
	ctx := h.admin()
	c, secret, err := h.CreateToken(ctx, NewToken{Name: "soar", Roles: []tocsin.Role{tocsin.RoleOperator}, Client: true})
	if err != nil || c.ClientID == "" || !strings.HasPrefix(secret.Reveal(), "tcc_") {
		t.Fatalf("client %+v, %v", c, err)
	}
	_, _, err = h.Authenticate(withHeader("Bearer " + secret.Reveal()))
	h.wantCode(err, tocsin.CodeUnauthenticated, "the client's secret is no token")
	access, age, err := h.ClientCredentials(request("POST"), c.ClientID, secret)
	if err != nil || age != time.Hour {
		t.Fatalf("ClientCredentials: %v, %v", age, err)
	}
	p, m, err := h.Authenticate(withHeader("Bearer " + access.Reveal()))
	if err != nil || m != MethodOAuth || p.UserName != "soar" || !tocsin.Can(p, tocsin.VerbIncidentWrite) {
		t.Fatalf("%+v, %q, %v", p, m, err)
	}
	if list, err := h.Tokens(ctx); err != nil || len(list) != 1 {
		t.Errorf("access tokens are listed: %+v, %v", list, err)
	}
	h.clock.forward(time.Hour)
	_, _, err = h.Authenticate(withHeader("Bearer " + access.Reveal()))
	h.wantCode(err, tocsin.CodeUnauthenticated, "access token after an hour")
	access, _, err = h.ClientCredentials(request("POST"), c.ClientID, secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.RevokeToken(ctx, c.ID); err != nil {
		t.Fatal(err)
	}
	_, _, err = h.Authenticate(withHeader("Bearer " + access.Reveal()))
	h.wantCode(err, tocsin.CodeUnauthenticated, "access token of a revoked client")
	_, _, wrong := h.ClientCredentials(request("POST"), c.ClientID, "tcc_wrong")
	_, _, unknown := h.ClientCredentials(request("POST"), "nobody", secret)
	if wrong == nil || unknown == nil || wrong.Error() != unknown.Error() {
		t.Errorf("wrong: %v, unknown: %v", wrong, unknown)
	}
	for range 10 {
		_, _, err = h.ClientCredentials(request("POST"), c.ClientID, "tcc_wrong")
	}
	h.wantCode(err, tocsin.CodeLimit, "guessing a client's secret")
}
