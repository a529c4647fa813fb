package tocsin

import (
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
)

// EntityType is the kind of thing that an alert is about, coarser than the
// evidence types: evidence of several types may speak of one entity.
type EntityType string

const (
	EntityDevice        EntityType = "device"
	EntityUser          EntityType = "user"
	EntityProcess       EntityType = "process"
	EntityFile          EntityType = "file"
	EntityIP            EntityType = "ip"
	EntityURL           EntityType = "url"
	EntityDomain        EntityType = "domain"
	EntityMail          EntityType = "mailMessage"
	EntityMailCluster   EntityType = "mailCluster"
	EntityMailbox       EntityType = "mailbox"
	EntityRegistry      EntityType = "registry"
	EntityLogonSession  EntityType = "logonSession"
	EntityOAuthApp      EntityType = "oauthApplication"
	EntityCloudApp      EntityType = "cloudApplication"
	EntityCloudResource EntityType = "cloudResource"
	EntityGroup         EntityType = "securityGroup"
	EntityOther         EntityType = "other"
)

// IsAsset reports whether the type is one of the five that the Assets tab
// lists; the others are evidence only.
func (t EntityType) IsAsset() bool {
	switch t {
	case EntityDevice, EntityUser, EntityMailbox, EntityOAuthApp, EntityCloudApp, EntityCloudResource:
		return true
	}
	return false
}

// EntityKey is the canonical name of an entity: two spellings of one thing
// have equal keys. ID is never shown to people.
type EntityKey struct {
	Type EntityType `json:"type"`
	ID   string     `json:"id"`
}

func (k EntityKey) String() string { return string(k.Type) + ":" + k.ID }

// IsZero reports a key that names nothing.
func (k EntityKey) IsZero() bool { return k.ID == "" }

// ParseEntityKey reads what String wrote.
func ParseEntityKey(s string) EntityKey {
	t, id, _ := strings.Cut(s, ":")
	return EntityKey{EntityType(t), id}
}

func clean(s string) string {
	s = strings.TrimSpace(s)
	if s == "-" || s == "N/A" {
		return ""
	}
	return s
}

// ShortHost is a host's short name in lower case: the first label of a FQDN,
// an address as it is, without a leading `\\` or trailing `$`.
func ShortHost(host string) string {
	h := strings.ToLower(clean(host))
	h = strings.TrimPrefix(h, `\\`)
	h = strings.TrimSuffix(strings.TrimSuffix(h, "."), "$")
	if _, err := netip.ParseAddr(h); err == nil {
		return h
	}
	if i := strings.IndexByte(h, '.'); i > 0 {
		h = h[:i]
	}
	return h
}

// DeviceKeys are the keys of a host known by name, by id, or by both. FQDN and
// short name give one key. Two hosts of one short name in different domains
// are taken for one: sources mix the forms too freely to tell them apart.
func DeviceKeys(host, id string) []EntityKey {
	var ks []EntityKey
	if d := DeviceID(host); d != "" {
		ks = append(ks, EntityKey{EntityDevice, d})
	}
	if id = strings.ToLower(clean(id)); id != "" {
		ks = appendKey(ks, EntityKey{EntityDevice, id})
	}
	return ks
}

// UserKeys are the keys of an account known by any of UPN, domain and SAM
// name, SID and directory object id. The name key is name@domain with the
// first label of a DNS domain standing for its NetBIOS name, so that
// CORP\ann and ann@corp.example are one; a bare name gives no name key when
// a SID or id is there, since half the world has an "admin".
func UserKeys(upn, domain, name, sid, objectID string) []EntityKey {
	var ks []EntityKey
	upn, domain, name = strings.ToLower(clean(upn)), strings.ToLower(clean(domain)), strings.ToLower(clean(name))
	if upn == "" && strings.Contains(name, "@") {
		upn, name = name, ""
	}
	if d, n, ok := strings.Cut(name, `\`); ok {
		domain, name = d, n
	}
	if n, d, ok := strings.Cut(upn, "@"); ok {
		ks = appendKey(ks, EntityKey{EntityUser, n + "@" + firstLabel(d)})
	} else if upn != "" && name == "" {
		name = upn
	}
	sid, objectID = strings.ToLower(clean(sid)), strings.ToLower(clean(objectID))
	if name != "" && (domain != "" || (sid == "" && objectID == "" && len(ks) == 0)) {
		ks = appendKey(ks, EntityKey{EntityUser, name + "@" + firstLabel(domain)})
	}
	if sid != "" && sid != "s-1-0-0" {
		ks = appendKey(ks, EntityKey{EntityUser, sid})
	}
	if objectID != "" {
		ks = appendKey(ks, EntityKey{EntityUser, objectID})
	}
	return ks
}

func firstLabel(d string) string {
	if i := strings.IndexByte(d, '.'); i > 0 {
		return d[:i]
	}
	return d
}

// SystemAccount reports whether an account is one that every Windows or Unix
// host has (SYSTEM, the service and window-manager accounts, anonymous, a
// machine account): what happens under it says nothing about who did it.
func SystemAccount(name, sid string) bool {
	switch strings.ToLower(clean(sid)) {
	case "s-1-5-18", "s-1-5-19", "s-1-5-20", "s-1-5-7", "s-1-0-0", "s-1-1-0":
		return true
	}
	n := strings.ToLower(clean(name))
	if i := strings.LastIndexByte(n, '\\'); i >= 0 {
		n = n[i+1:]
	}
	switch n {
	case "", "system", "localsystem", "local system", "local service", "network service", "anonymous logon", "root", "système", "system@nt authority":
		return true
	}
	return strings.HasSuffix(n, "$") || strings.HasPrefix(n, "dwm-") || strings.HasPrefix(n, "umfd-") || strings.HasPrefix(n, "font driver host")
}

// FileKeys are the keys of a file: its hashes, strongest first; or, with no
// hash, its path on the device (device may be empty for cloud files).
func FileKeys(sha256, sha1, md5, filePath, device string) []EntityKey {
	var ks []EntityKey
	for _, h := range []struct{ alg, v string }{{"sha256:", sha256}, {"sha1:", sha1}, {"md5:", md5}} {
		if v := strings.ToLower(clean(h.v)); v != "" && strings.Trim(v, "0") != "" {
			ks = append(ks, EntityKey{EntityFile, h.alg + v})
		}
	}
	if len(ks) == 0 {
		if p := CanonicalPath(filePath); p != "" {
			ks = append(ks, EntityKey{EntityFile, "path:" + DeviceID(device) + ":" + p})
		}
	}
	return ks
}

// CanonicalPath is a file path in lower case with one kind of slash and
// without the NT prefix, so that spellings of one path are equal.
func CanonicalPath(p string) string {
	p = strings.ToLower(clean(p))
	p = strings.TrimPrefix(strings.TrimPrefix(p, `\??\`), `\\?\`)
	return strings.ReplaceAll(p, `\`, "/")
}

// ProcessKey is the key of a process: by its unique id where the sensor gives
// one, else by device, pid and start time in seconds. Zero when neither is known.
func ProcessKey(uniqueID, device string, pid int64, createdUnix int64) EntityKey {
	if u := strings.ToLower(strings.Trim(clean(uniqueID), "{}")); u != "" && strings.Trim(u, "0-") != "" {
		return EntityKey{EntityProcess, u}
	}
	if pid <= 0 || createdUnix <= 0 || device == "" {
		return EntityKey{}
	}
	return EntityKey{EntityProcess, DeviceID(device) + "/" + strconv.FormatInt(pid, 10) + "/" + strconv.FormatInt(createdUnix, 10)}
}

// IPKey is the key of an address. It takes "v4:port", "[v6]:port", zones and
// v4-in-v6 forms; zero for anything that is no address, and for the
// unspecified and loopback addresses, which name no peer.
func IPKey(s string) EntityKey {
	a, ok := ParseIP(s)
	if !ok || a.IsUnspecified() || a.IsLoopback() {
		return EntityKey{}
	}
	return EntityKey{EntityIP, a.String()}
}

// ParseIP reads an address in any of the forms that logs use.
func ParseIP(s string) (netip.Addr, bool) {
	s = clean(s)
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return a.Unmap().WithZone(""), true
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

// URLKeys are the keys of a URL and of its host name.
func URLKeys(raw string) []EntityKey {
	raw = clean(raw)
	if raw == "" {
		return nil
	}
	if !strings.Contains(raw, "://") {
		raw = "http://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return []EntityKey{{EntityURL, strings.ToLower(raw)}}
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	var ks []EntityKey
	if p := path.Clean("/" + u.Path); p != "/" || u.RawQuery != "" {
		// The scheme is left out: a click logged as http and a mail that says
		// https are the same lure.
		q := ""
		if u.RawQuery != "" {
			q = "?" + u.RawQuery
		}
		ks = append(ks, EntityKey{EntityURL, host + p + q})
	}
	if k := IPKey(host); !k.IsZero() {
		return append(ks, k)
	}
	return append(ks, EntityKey{EntityDomain, host})
}

// DomainKey is the key of a DNS name.
func DomainKey(name string) EntityKey {
	d := strings.TrimSuffix(strings.ToLower(clean(name)), ".")
	if d == "" {
		return EntityKey{}
	}
	return EntityKey{EntityDomain, d}
}

// MailKey is the key of a message: its network message id, which is one per
// delivered copy, else its internet message id.
func MailKey(networkMessageID, internetMessageID string) EntityKey {
	if n := strings.ToLower(clean(networkMessageID)); n != "" {
		return EntityKey{EntityMail, n}
	}
	if i := strings.ToLower(strings.Trim(clean(internetMessageID), "<>")); i != "" {
		return EntityKey{EntityMail, i}
	}
	return EntityKey{}
}

// SessionKey is the key of a logon session on a device; zero for the ids that
// every boot has (0x3e7 SYSTEM, 0x3e4 network service, 0x3e5 local service).
func SessionKey(device, logonID string) EntityKey {
	l := strings.ToLower(clean(logonID))
	l = strings.TrimLeft(strings.TrimPrefix(l, "0x"), "0")
	switch l {
	case "", "3e7", "3e4", "3e5", "999", "996", "997":
		return EntityKey{}
	}
	if device == "" {
		return EntityKey{}
	}
	return EntityKey{EntityLogonSession, DeviceID(device) + "/" + l}
}

// RegistryKey is the key of a registry key or value on a device.
func RegistryKey(device, key, value string) EntityKey {
	k := strings.ToLower(clean(key))
	if k == "" {
		return EntityKey{}
	}
	for short, long := range map[string]string{"hklm": "hkey_local_machine", "hkcu": "hkey_current_user", "hku": "hkey_users", "hkcr": "hkey_classes_root"} {
		if rest, ok := strings.CutPrefix(k, short+`\`); ok {
			k = long + `\` + rest
			break
		}
	}
	if v := strings.ToLower(clean(value)); v != "" {
		k += `\` + v
	}
	return EntityKey{EntityRegistry, DeviceID(device) + ":" + k}
}

func appendKey(ks []EntityKey, k EntityKey) []EntityKey {
	for _, have := range ks {
		if have == k {
			return ks
		}
	}
	return append(ks, k)
}
