package cases

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
)

// entityKinds are the kinds of entity that a column of a result can name, as
// the portal calls them, and the evidence that they become.
var entityKinds = map[string]tocsin.EvidenceType{
	"device": tocsin.EvDevice, "user": tocsin.EvUser, "account": tocsin.EvUser, "mailbox": tocsin.EvMailbox,
	"cloudApplication": tocsin.EvCloudApp, "azureResource": tocsin.EvAzureResource, "amazonResource": tocsin.EvAmazonResource,
	"googleCloudResource": tocsin.EvGoogleResource,
	"process":             tocsin.EvProcess, "file": tocsin.EvFile, "registryKey": tocsin.EvRegistryKey, "registryValue": tocsin.EvRegistryValue,
	"ip": tocsin.EvIP, "oauthApplication": tocsin.EvOAuthApp, "dns": tocsin.EvDNS, "securityGroup": tocsin.EvSecurityGroup, "url": tocsin.EvURL,
	"mailCluster": tocsin.EvMailCluster, "mailMessage": tocsin.EvAnalyzedMessage,
}

// EntityKinds lists the kinds that EntityOf knows, sorted; those of assets only
// with assets.
func EntityKinds(assets bool) (kinds []string) {
	for k := range entityKinds {
		if !assets || assetKind(k) {
			kinds = append(kinds, k)
		}
	}
	slices.Sort(kinds)
	return kinds
}

func assetKind(kind string) bool {
	e := tocsin.Evidence{Type: entityKinds[kind]}
	return e.Entity().IsAsset() && kind != "oauthApplication"
}

// EntityOf is the entity of a kind that a column of a result row names, with
// what the columns beside it say of it: of InitiatingProcessSHA1, also
// InitiatingProcessFileName. It is false for a kind that is not known, or when
// the column names nothing.
func EntityOf(kind, column string, row map[string]any) (tocsin.Evidence, bool) {
	t, ok := entityKinds[kind]
	m := entityMaker{row: row, column: column, value: cellText(row[column])}
	if !ok || m.value == "" {
		return tocsin.Evidence{}, false
	}
	e := tocsin.Evidence{Type: t, Device: m.cell("DeviceName"), Props: map[string]any{}}
	if make := entityMakers[t]; !make(&m, &e) {
		return tocsin.Evidence{}, false
	}
	for k, v := range e.Props {
		if v == "" {
			delete(e.Props, k)
		}
	}
	return e, true
}

type entityMaker struct {
	row           map[string]any
	column, value string
}

// cell is the text of a column; "" when there is none.
func (m *entityMaker) cell(name string) string { return cellText(m.row[name]) }

// number is the whole number in a column, or "".
func (m *entityMaker) number(name string) any {
	if n, err := strconv.ParseInt(m.cell(name), 10, 64); err == nil {
		return n
	}
	return ""
}

// before is what stands in front of one of the endings in the column's name;
// false when it has none of them.
func (m *entityMaker) before(endings ...string) (string, bool) {
	for _, end := range endings {
		if prefix, ok := strings.CutSuffix(m.column, end); ok {
			return prefix, true
		}
	}
	return "", false
}

// cellText is a cell of a result as text, in the form that evidence has it.
func cellText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return strings.TrimSpace(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool, int64, int:
		return fmt.Sprint(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	}
	return ""
}

var entityMakers = map[tocsin.EvidenceType]func(m *entityMaker, e *tocsin.Evidence) bool{
	tocsin.EvDevice:        (*entityMaker).device,
	tocsin.EvUser:          (*entityMaker).user,
	tocsin.EvMailbox:       (*entityMaker).mailbox,
	tocsin.EvCloudApp:      (*entityMaker).cloudApp,
	tocsin.EvFile:          (*entityMaker).file,
	tocsin.EvProcess:       (*entityMaker).process,
	tocsin.EvRegistryKey:   (*entityMaker).registry,
	tocsin.EvRegistryValue: (*entityMaker).registry,
	tocsin.EvIP: func(m *entityMaker, e *tocsin.Evidence) bool {
		a, ok := tocsin.ParseIP(m.value)
		e.Props["ipAddress"] = a.String()
		return ok
	},
	tocsin.EvURL: named("url"),
	tocsin.EvDNS: named("domainName"),
	tocsin.EvOAuthApp: func(m *entityMaker, e *tocsin.Evidence) bool {
		if looksLikeID(m.value) {
			e.Props["appId"], e.Props["displayName"] = m.value, m.cell("AppDisplayName")
		} else {
			e.Props["displayName"] = m.value
		}
		return true
	},
	tocsin.EvAzureResource: func(m *entityMaker, e *tocsin.Evidence) bool {
		e.Props["resourceId"], e.Props["resourceName"] = m.value, lastPart(m.value, "/")
		return true
	},
	tocsin.EvAmazonResource: func(m *entityMaker, e *tocsin.Evidence) bool {
		e.Props["amazonResourceId"], e.Props["resourceName"] = m.value, lastPart(m.value, "/:")
		return true
	},
	tocsin.EvGoogleResource: func(m *entityMaker, e *tocsin.Evidence) bool {
		e.Props["fullResourceName"], e.Props["resourceName"] = m.value, lastPart(m.value, "/")
		return true
	},
	tocsin.EvSecurityGroup: func(m *entityMaker, e *tocsin.Evidence) bool {
		switch {
		case isSID(m.value):
			e.Props["sid"] = m.value
		case looksLikeID(m.value):
			e.Props["securityGroupId"] = m.value
		default:
			e.Props["displayName"] = m.value
		}
		return true
	},
	tocsin.EvMailCluster: named("query"),
	tocsin.EvAnalyzedMessage: func(m *entityMaker, e *tocsin.Evidence) bool {
		e.Props["networkMessageId"], e.Props["internetMessageId"] = m.cell("NetworkMessageId"), m.cell("InternetMessageId")
		if strings.Contains(m.column, "Internet") {
			e.Props["internetMessageId"] = m.value
		} else {
			e.Props["networkMessageId"] = m.value
		}
		e.Props["subject"], e.Props["recipientEmailAddress"], e.Props["senderIp"] = m.cell("Subject"), m.cell("RecipientEmailAddress"), m.cell("SenderIPv4")
		return true
	},
}

func named(prop string) func(*entityMaker, *tocsin.Evidence) bool {
	return func(m *entityMaker, e *tocsin.Evidence) bool {
		e.Props[prop] = m.value
		return true
	}
}

func lastPart(s, separators string) string { return s[strings.LastIndexAny(s, separators)+1:] }

func isSID(s string) bool { return strings.HasPrefix(strings.ToUpper(s), "S-1-") }

// looksLikeID reports a GUID.
func looksLikeID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range []byte(strings.ToLower(s)) {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (c == '-') || !dash && !strings.ContainsRune("0123456789abcdef", rune(c)) {
			return false
		}
	}
	return true
}

func (m *entityMaker) device(e *tocsin.Evidence) bool {
	var name, id string
	if prefix, ok := m.before("DeviceId"); ok {
		name, id = m.cell(prefix+"DeviceName"), m.value
	} else {
		name = m.value
		if prefix, ok := m.before("DeviceName"); ok {
			id = m.cell(prefix + "DeviceId")
		}
	}
	dns := strings.ToLower(name)
	short, domain, _ := strings.Cut(dns, ".")
	e.Props["deviceDnsName"], e.Props["hostName"], e.Props["dnsDomain"], e.Props["mdeDeviceId"] = dns, short, domain, id
	e.Device = dns
	return true
}

func (m *entityMaker) user(e *tocsin.Evidence) bool {
	upn, domain, name, sid, id := "", "", "", "", ""
	if prefix, ok := m.before("AccountObjectId", "AccountUpn", "AccountSid", "AccountName"); ok {
		at := func(s string) string { return m.cell(prefix + "Account" + s) }
		upn, domain, name, sid, id = at("Upn"), at("Domain"), at("Name"), at("Sid"), at("ObjectId")
	}
	switch v := m.value; {
	case isSID(v):
		sid = v
	case looksLikeID(v):
		id = v
	case strings.Contains(v, "@"):
		upn = v
	default:
		name = v
	}
	if d, n, ok := strings.Cut(name, `\`); ok {
		domain, name = d, n
	}
	e.Props["userAccount"] = accountProps(upn, domain, name, sid, id)
	return true
}

func accountProps(upn, domain, name, sid, id string) map[string]any {
	out := map[string]any{}
	if name == "" {
		name, _, _ = strings.Cut(upn, "@")
	}
	for k, v := range map[string]string{"userPrincipalName": upn, "domainName": domain, "accountName": name, "userSid": sid, "azureAdUserId": id} {
		if v != "" {
			out[k] = v
		}
	}
	return out
}

func (m *entityMaker) mailbox(e *tocsin.Evidence) bool {
	e.Props["primaryAddress"], e.Props["upn"] = m.value, m.value
	id := ""
	if m.column == "RecipientEmailAddress" {
		id = m.cell("RecipientObjectId")
	}
	e.Props["userAccount"] = accountProps(m.value, "", "", "", id)
	return strings.Contains(m.value, "@")
}

func (m *entityMaker) cloudApp(e *tocsin.Evidence) bool {
	if n, err := strconv.ParseInt(m.value, 10, 64); err == nil {
		e.Props["appId"], e.Props["saasAppId"], e.Props["displayName"] = n, n, m.cell("Application")
	} else {
		e.Props["displayName"] = m.value
		if m.column == "Application" {
			e.Props["appId"], e.Props["saasAppId"] = m.number("ApplicationId"), m.number("ApplicationId")
		}
	}
	return true
}

// fileAt is the file that the columns with this prefix tell of.
func (m *entityMaker) fileAt(prefix string) map[string]any {
	dir, name := m.cell(prefix+"FolderPath"), m.cell(prefix+"FileName")
	if name == "" {
		name = lastPart(dir, `\/`)
	}
	d := map[string]any{"fileName": name, "filePath": dir, "sha256": m.cell(prefix + "SHA256"), "sha1": m.cell(prefix + "SHA1"),
		"md5": m.cell(prefix + "MD5"), "fileSize": m.number(prefix + "FileSize")}
	return withoutEmpty(d)
}

func withoutEmpty(d map[string]any) map[string]any {
	for k, v := range d {
		if v == "" {
			delete(d, k)
		}
	}
	return d
}

func (m *entityMaker) file(e *tocsin.Evidence) bool {
	d := map[string]any{}
	if prefix, ok := m.before("SHA256", "SHA1", "MD5", "FileName", "FolderPath"); ok {
		d = m.fileAt(prefix)
	}
	switch hash := strings.ToLower(m.value); {
	case strings.Trim(hash, "0123456789abcdef") != "":
		if strings.ContainsAny(m.value, `\/`) {
			d["filePath"] = m.value
			m.value = lastPart(m.value, `\/`)
		}
		if m.value != "" {
			d["fileName"] = m.value
		}
	case len(hash) == 64:
		d["sha256"] = m.value
	case len(hash) == 40:
		d["sha1"] = m.value
	case len(hash) == 32:
		d["md5"] = m.value
	default:
		d["fileName"] = m.value
	}
	e.Props["fileDetails"], e.Props["mdeDeviceId"] = d, m.cell("DeviceId")
	return true
}

func (m *entityMaker) process(e *tocsin.Evidence) bool {
	file, at := "", "Process"
	if strings.HasPrefix(m.column, "InitiatingProcess") {
		file, at = "InitiatingProcess", "InitiatingProcess"
	}
	e.Props["processId"], e.Props["processCommandLine"] = m.number(at+"Id"), m.cell(at+"CommandLine")
	e.Props["processCreationDateTime"], e.Props["mdeDeviceId"] = m.cell(at+"CreationTime"), m.cell("DeviceId")
	if d := m.fileAt(file); len(d) > 0 {
		e.Props["imageFile"] = d
	}
	e.UniqueID = m.cell(at + "UniqueId")
	switch _, known := e.Props["imageFile"]; {
	case strings.HasSuffix(m.column, "CommandLine"):
		e.Props["processCommandLine"] = m.value
	case strings.HasSuffix(m.column, "ProcessId"):
		e.Props["processId"] = m.number(m.column)
	case !known:
		e.Props["imageFile"] = map[string]any{"fileName": m.value}
	}
	return true
}

func (m *entityMaker) registry(e *tocsin.Evidence) bool {
	key := m.cell("RegistryKey")
	if strings.HasSuffix(m.column, "RegistryKey") {
		key = m.value
	}
	e.Props["registryKey"] = key
	if e.Type == tocsin.EvRegistryKey {
		return key != ""
	}
	e.Props["mdeDeviceId"], e.Props["registryValueName"], e.Props["registryValue"] = m.cell("DeviceId"), m.cell("RegistryValueName"), m.cell("RegistryValueData")
	e.Props["registryValueType"] = m.cell("RegistryValueType")
	return key != ""
}
