package api

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/lake"
)

var preparedRoutes = []route{
	{id: "preparedHunts", method: "GET", path: "/api/v1/hunting/prepared", verb: tocsin.VerbHunt, tag: "hunting",
		doc: "Queries to hunt on for an entity with: its activity, where else it was seen, what came of it",
		params: []param{query("type", "string", "device, user, mailbox, ip, file, process, url, domain, mailMessage, mailCluster, oauthApplication, cloudApplication, cloudResource, securityGroup, registry, event"),
			query("value", "string", "name, id, address or hash of the entity; of an event, the id of its device"), query("from", "string", "time"), query("to", "string", "time")},
		out: is[preparedAnswer](), handle: (*API).preparedHunts},
}

type preparedAnswer struct {
	Queries []preparedQuery `json:"queries"`
}

type preparedQuery struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// prepared is one query for a kind of entity. Its text is a body that begins
// with a table; $value, and $range for the time, stand for what is asked about.
type prepared struct {
	name   string
	tables []string // that must be there for the one who asks
	text   string
	when   func(value string) bool // nil for always
}

const (
	deviceTables = "DeviceProcessEvents, DeviceNetworkEvents, DeviceFileEvents, DeviceRegistryEvents, DeviceLogonEvents, DeviceImageLoadEvents, DeviceEvents"
	maxPrepared  = 1024 // bytes of a value
)

func isHash(v string) bool {
	return (len(v) == 32 || len(v) == 40 || len(v) == 64) && strings.Trim(strings.ToLower(v), "0123456789abcdef") == ""
}
func noHash(v string) bool { return !isHash(v) }

var preparedHunts = map[string][]prepared{
	"device": {
		{"All activity of the device", nil, "search in (" + deviceTables + ", IdentityLogonEvents) $range and (DeviceName =~ value or DeviceId =~ value)\n| sort by Timestamp desc\n| take 100", nil},
		{"Who logged on to it", []string{"DeviceLogonEvents"}, "DeviceLogonEvents\n| where $range and (DeviceName =~ value or DeviceId =~ value)\n| summarize Logons = count(), Failed = countif(ActionType has \"Failed\"), First = min(Timestamp), Last = max(Timestamp) by AccountDomain, AccountName, LogonType, RemoteIP\n| sort by Logons desc", nil},
		{"Where it connected to", []string{"DeviceNetworkEvents"}, "DeviceNetworkEvents\n| where $range and (DeviceName =~ value or DeviceId =~ value)\n| summarize Connections = count(), First = min(Timestamp), Last = max(Timestamp) by RemoteIP, RemoteUrl, RemotePort, InitiatingProcessFileName\n| sort by Connections desc", nil},
		{"Processes that are rare here", []string{"DeviceProcessEvents"}, "let all = DeviceProcessEvents | where $range;\nlet common = all | summarize Devices = dcount(DeviceId) by FileName;\nall\n| where DeviceName =~ value or DeviceId =~ value\n| lookup kind=leftouter common on FileName\n| where Devices <= 3\n| project Timestamp, FileName, FolderPath, ProcessCommandLine, AccountName, InitiatingProcessFileName, Devices\n| sort by Timestamp desc", nil},
	},
	"user": {
		{"All activity of the user", nil, "search in (" + deviceTables + ", IdentityLogonEvents, EntraIdSignInEvents, CloudAppEvents) $range and ($account)\n| sort by Timestamp desc\n| take 100", nil},
		{"Sign-ins", []string{"EntraIdSignInEvents"}, "EntraIdSignInEvents\n| where $range and (AccountUpn =~ value or AccountObjectId =~ value)\n| project Timestamp, AccountUpn, Application, ErrorCode, IPAddress, Country, City, DeviceName, UserAgent\n| sort by Timestamp desc", nil},
		{"Devices that the user logged on to", []string{"DeviceLogonEvents"}, "DeviceLogonEvents\n| where $range and (AccountName =~ short or AccountSid =~ value)\n| summarize Logons = count(), Failed = countif(ActionType has \"Failed\"), First = min(Timestamp), Last = max(Timestamp) by DeviceName, LogonType, RemoteIP\n| sort by Logons desc", nil},
		{"What the user did in cloud apps", []string{"CloudAppEvents"}, "CloudAppEvents\n| where $range and (AccountId =~ value or AccountObjectId =~ value or AccountDisplayName =~ value)\n| summarize Actions = count(), First = min(Timestamp), Last = max(Timestamp) by Application, ActionType, IPAddress\n| sort by Last desc", nil},
		{"Mail to and from the user", []string{"EmailEvents"}, "EmailEvents\n| where $range and (RecipientEmailAddress =~ value or SenderFromAddress =~ value or RecipientObjectId =~ value)\n| sort by Timestamp desc\n| take 100", nil},
	},
	"mailbox": {
		{"Mail to and from the mailbox", []string{"EmailEvents"}, "EmailEvents\n| where $range and (RecipientEmailAddress =~ value or SenderFromAddress =~ value)\n| sort by Timestamp desc\n| take 100", nil},
		{"Links that were followed", []string{"UrlClickEvents"}, "UrlClickEvents\n| where $range and AccountUpn =~ value\n| sort by Timestamp desc", nil},
		{"Rules and delegations of the mailbox", []string{"CloudAppEvents"}, "CloudAppEvents\n| where $range and ActionType in~ (\"New-InboxRule\", \"Set-InboxRule\", \"Set-Mailbox\", \"Add-MailboxPermission\", \"UpdateInboxRules\")\n| where AccountId =~ value or tostring(RawEventData) has value\n| sort by Timestamp desc", nil},
	},
	"ip": {
		{"Everything that names the address", nil, "search in (" + deviceTables + ", IdentityLogonEvents, EntraIdSignInEvents, CloudAppEvents, EmailEvents, UrlClickEvents) $range and (RemoteIP == value or LocalIP == value or IPAddress == value or SenderIPv4 == value or SenderIPv6 == value or FileOriginIP == value)\n| sort by Timestamp desc\n| take 100", nil},
		{"Devices that connected to it", []string{"DeviceNetworkEvents"}, "DeviceNetworkEvents\n| where $range and RemoteIP == value\n| summarize Connections = count(), First = min(Timestamp), Last = max(Timestamp), Ports = make_set(RemotePort, 20) by DeviceName, InitiatingProcessFileName, InitiatingProcessCommandLine\n| sort by Connections desc", nil},
		{"Accounts that signed in from it", []string{"EntraIdSignInEvents"}, "EntraIdSignInEvents\n| where $range and IPAddress == value\n| summarize SignIns = count(), Failed = countif(ErrorCode != 0), First = min(Timestamp), Last = max(Timestamp) by AccountUpn, Application\n| sort by SignIns desc", nil},
		{"Mail that came from it", []string{"EmailEvents"}, "EmailEvents\n| where $range and (SenderIPv4 == value or SenderIPv6 == value)\n| sort by Timestamp desc\n| take 100", nil},
	},
	"file": {
		{"Everywhere the file was seen", nil, "search in (DeviceProcessEvents, DeviceFileEvents, DeviceImageLoadEvents, DeviceNetworkEvents, DeviceEvents, EmailAttachmentInfo) $range and (SHA1 =~ value or SHA256 =~ value or MD5 =~ value or InitiatingProcessSHA1 =~ value or InitiatingProcessSHA256 =~ value or InitiatingProcessMD5 =~ value)\n| sort by Timestamp desc\n| take 100", isHash},
		{"Everywhere the file was seen", nil, "search in (DeviceProcessEvents, DeviceFileEvents, DeviceImageLoadEvents, DeviceNetworkEvents, DeviceEvents, EmailAttachmentInfo) $range and (FileName =~ value or FolderPath =~ value or InitiatingProcessFileName =~ value)\n| sort by Timestamp desc\n| take 100", noHash},
		{"Devices that have it", []string{"DeviceFileEvents"}, "DeviceFileEvents\n| where $range and (SHA1 =~ value or SHA256 =~ value or MD5 =~ value or FileName =~ value)\n| summarize Events = count(), First = min(Timestamp), Last = max(Timestamp), Paths = make_set(FolderPath, 10) by DeviceName, FileName, SHA256\n| sort by First asc", nil},
		{"What it started, and how it was started", []string{"DeviceProcessEvents"}, "DeviceProcessEvents\n| where $range and (SHA1 =~ value or SHA256 =~ value or FileName =~ value or InitiatingProcessSHA1 =~ value or InitiatingProcessSHA256 =~ value or InitiatingProcessFileName =~ value)\n| project Timestamp, DeviceName, FileName, ProcessCommandLine, AccountName, InitiatingProcessFileName, InitiatingProcessCommandLine\n| sort by Timestamp desc", nil},
		{"Mail that carried it", []string{"EmailAttachmentInfo"}, "EmailAttachmentInfo\n| where $range and (SHA256 =~ value or FileName =~ value)\n| sort by Timestamp desc", nil},
	},
	"process": {
		{"Starts of the process", []string{"DeviceProcessEvents"}, "DeviceProcessEvents\n| where $range and (FileName =~ value or ProcessCommandLine has value)\n| project Timestamp, DeviceName, FileName, ProcessCommandLine, AccountName, InitiatingProcessFileName, InitiatingProcessCommandLine\n| sort by Timestamp desc\n| take 100", nil},
		{"What the process did", nil, "search in (" + deviceTables + ") $range and InitiatingProcessFileName =~ value\n| sort by Timestamp desc\n| take 100", nil},
	},
	"url": {
		{"Everything that names the URL", nil, "search in (DeviceNetworkEvents, DeviceFileEvents, DeviceEvents, EmailUrlInfo, UrlClickEvents) $range and (RemoteUrl has value or Url has value or FileOriginUrl has value)\n| sort by Timestamp desc\n| take 100", nil},
		{"Who followed it", []string{"UrlClickEvents"}, "UrlClickEvents\n| where $range and Url has value\n| project Timestamp, AccountUpn, Url, ActionType, IPAddress, Workload, NetworkMessageId\n| sort by Timestamp desc", nil},
		{"Mail that carried it", []string{"EmailUrlInfo", "EmailEvents"}, "EmailUrlInfo\n| where $range and Url has value\n| join kind=inner (EmailEvents | where $range) on NetworkMessageId\n| project Timestamp, Url, SenderFromAddress, RecipientEmailAddress, Subject, DeliveryAction, NetworkMessageId\n| sort by Timestamp desc", nil},
		{"Devices that connected to it", []string{"DeviceNetworkEvents"}, "DeviceNetworkEvents\n| where $range and RemoteUrl has value\n| summarize Connections = count(), First = min(Timestamp), Last = max(Timestamp) by DeviceName, InitiatingProcessFileName, RemoteUrl, RemoteIP\n| sort by Connections desc", nil},
	},
	"mailMessage": {
		{"The message and its copies", []string{"EmailEvents"}, "EmailEvents\n| where $range and (NetworkMessageId =~ value or InternetMessageId =~ value)\n| sort by Timestamp desc", nil},
		{"What became of it", nil, "search in (EmailPostDeliveryEvents, EmailAttachmentInfo, EmailUrlInfo, UrlClickEvents) $range and NetworkMessageId =~ value\n| sort by Timestamp desc", nil},
	},
	"mailCluster": {
		{"Mail like it", []string{"EmailEvents"}, "EmailEvents\n| where $range and (Subject =~ value or SenderFromAddress =~ value or SenderFromDomain =~ value or NetworkMessageId =~ value)\n| sort by Timestamp desc\n| take 100", nil},
	},
	"oauthApplication": {
		{"What the application did", []string{"CloudAppEvents"}, "CloudAppEvents\n| where $range and (OAuthAppId =~ value or ObjectId =~ value or ObjectName =~ value)\n| sort by Timestamp desc\n| take 100", nil},
		{"Sign-ins of the application", []string{"EntraIdSpnSignInEvents"}, "EntraIdSpnSignInEvents\n| where $range and (ApplicationId =~ value or Application =~ value or ServicePrincipalId =~ value)\n| sort by Timestamp desc\n| take 100", nil},
		{"Who consented to it, and to what", []string{"CloudAppEvents"}, "CloudAppEvents\n| where $range and ActionType has_any (\"Consent to application\", \"Add delegated permission grant\", \"Add app role assignment\")\n| where tostring(RawEventData) has value\n| project Timestamp, ActionType, AccountDisplayName, AccountObjectId, IPAddress, ObjectName, RawEventData\n| sort by Timestamp desc", nil},
		{"Calls to Microsoft Graph", []string{"GraphApiAuditEvents"}, "GraphApiAuditEvents\n| where $range and ApplicationId =~ value\n| summarize Calls = count(), First = min(Timestamp), Last = max(Timestamp) by RequestMethod, RequestUri, ResponseStatusCode, IpAddress\n| sort by Calls desc", nil},
	},
	"cloudApplication": {
		{"What was done in the app", []string{"CloudAppEvents"}, "CloudAppEvents\n| where $range and (Application =~ value or tostring(ApplicationId) == value)\n| summarize Actions = count(), Accounts = dcount(AccountObjectId), First = min(Timestamp), Last = max(Timestamp) by ActionType\n| sort by Actions desc", nil},
		{"Sign-ins to the app", []string{"EntraIdSignInEvents"}, "EntraIdSignInEvents\n| where $range and Application =~ value\n| sort by Timestamp desc\n| take 100", nil},
	},
	"cloudResource": {
		{"What was done with the resource", []string{"CloudAuditEvents"}, "CloudAuditEvents\n| where $range and (AzureResourceId =~ value or AwsResourceName =~ value or GcpFullResourceName =~ value or tostring(RawEventData) has value)\n| sort by Timestamp desc\n| take 100", nil},
		{"Processes in it", []string{"CloudProcessEvents"}, "CloudProcessEvents\n| where $range and (AzureResourceId =~ value or AwsResourceName =~ value or GcpFullResourceName =~ value)\n| sort by Timestamp desc\n| take 100", nil},
	},
	"securityGroup": {
		{"Changes of the group", []string{"IdentityDirectoryEvents"}, "IdentityDirectoryEvents\n| where $range and (TargetAccountDisplayName =~ value or tostring(AdditionalFields) has value)\n| sort by Timestamp desc\n| take 100", nil},
		{"Changes of the group in the cloud", []string{"CloudAppEvents"}, "CloudAppEvents\n| where $range and ActionType has \"group\" and (ObjectName =~ value or ObjectId =~ value or tostring(RawEventData) has value)\n| sort by Timestamp desc\n| take 100", nil},
	},
	"registry": {
		{"Changes of the key", []string{"DeviceRegistryEvents"}, "DeviceRegistryEvents\n| where $range and (RegistryKey has value or RegistryValueName =~ value)\n| project Timestamp, DeviceName, ActionType, RegistryKey, RegistryValueName, RegistryValueData, InitiatingProcessFileName, InitiatingProcessCommandLine\n| sort by Timestamp desc\n| take 100", nil},
	},
	"event": {
		{"What happened on the device around it", nil, "search in (" + deviceTables + ") $range and DeviceId =~ value\n| sort by Timestamp desc\n| extend Relevance = iff(Timestamp == selectedTimestamp, \"Selected event\", iff(Timestamp < selectedTimestamp, \"Earlier event\", \"Later event\"))\n| project-reorder Relevance", nil},
	},
}

// preparedNames are other names of the kinds.
var preparedNames = map[string]string{"account": "user", "fileHash": "file", "domain": "url", "dns": "url", "analyzedMessage": "mailMessage", "servicePrincipal": "oauthApplication",
	"azureResource": "cloudResource", "amazonResource": "cloudResource", "googleCloudResource": "cloudResource", "registryKey": "registry", "registryValue": "registry"}

// users are the columns by which tables name an account, in the words of $account.
const users = "AccountUpn =~ value or AccountName =~ short or AccountObjectId =~ value or AccountSid =~ value or InitiatingProcessAccountUpn =~ value or InitiatingProcessAccountName =~ short"

func (a *API) preparedHunts(w http.ResponseWriter, r *http.Request) error {
	if a.cfg.Hunting == nil {
		return missing("hunting")
	}
	q := r.URL.Query()
	kind, value := q.Get("type"), strings.TrimSpace(q.Get("value"))
	if other, ok := preparedNames[kind]; ok {
		kind = other
	}
	list, ok := preparedHunts[kind]
	switch {
	case !ok:
		return tocsin.Errorf(tocsin.CodeInvalid, "there are no prepared queries for the type %q", q.Get("type"))
	case value == "" || len(value) > maxPrepared:
		return tocsin.Errorf(tocsin.CodeInvalid, "value is the name of an entity, of 1 to %d bytes", maxPrepared)
	}
	span, err := preparedRange(q.Get("from"), q.Get("to"))
	if err != nil {
		return err
	}
	catalog, err := a.cfg.Hunting.Catalog(r.Context())
	if err != nil {
		return err
	}
	out := preparedAnswer{Queries: []preparedQuery{}}
	for _, p := range list {
		if p.when != nil && !p.when(value) {
			continue
		}
		text := p.write(kind, value, span)
		// What the one who asks may not read, or what is no table here, is not
		// offered: a prepared query must run.
		if !readable(catalog, p.tables) {
			continue
		}
		if _, err := a.cfg.Hunting.Check(r.Context(), text, lake.HuntOptions{}); err != nil {
			continue
		}
		out.Queries = append(out.Queries, preparedQuery{p.name, text})
	}
	return writeJSON(w, http.StatusOK, out)
}

func readable(catalog kql.Catalog, tables []string) bool {
	for _, t := range tables {
		if catalog.Table(t) == nil {
			return false
		}
	}
	return true
}

// preparedSpan is the time that prepared queries look at, zero when it is left
// to the page.
type preparedSpan struct{ from, to time.Time }

// preparedRange reads from and to. The moments are those of activity, so an
// hour around them belongs to it.
func preparedRange(from, to string) (s preparedSpan, err error) {
	for _, one := range []struct {
		name, text string
		at         *time.Time
	}{{"from", from, &s.from}, {"to", to, &s.to}} {
		if one.text == "" {
			continue
		}
		if *one.at, err = time.Parse(time.RFC3339Nano, one.text); err != nil {
			return s, tocsin.Errorf(tocsin.CodeInvalid, "%s is a time such as 2026-11-05T08:30:00Z", one.name)
		}
	}
	switch {
	case s.from.IsZero():
		s.from = s.to
	case s.to.IsZero():
		s.to = s.from
	}
	if s.to.Before(s.from) {
		return s, tocsin.Errorf(tocsin.CodeInvalid, "from is later than to")
	}
	return s, nil
}

func (p *prepared) write(kind, value string, s preparedSpan) string {
	var b strings.Builder
	around := "1h"
	if kind == "event" {
		around = "30m"
	}
	span := "Timestamp > ago(30d)"
	if !s.from.IsZero() {
		fmt.Fprintf(&b, "let selectedTimestamp = datetime(%s);\n", s.from.UTC().Format(time.RFC3339Nano))
		last := "selectedTimestamp"
		if !s.to.Equal(s.from) {
			fmt.Fprintf(&b, "let lastTimestamp = datetime(%s);\n", s.to.UTC().Format(time.RFC3339Nano))
			last = "lastTimestamp"
		}
		span = fmt.Sprintf("Timestamp between ((selectedTimestamp - %s) .. (%s + %s))", around, last, around)
	} else if strings.Contains(p.text, "selectedTimestamp") {
		b.WriteString("let selectedTimestamp = now();\n")
	}
	fmt.Fprintf(&b, "let value = %s;\n", kqlString(value))
	body := strings.NewReplacer("$range", span, "$account", users).Replace(p.text)
	if strings.Contains(body, "short") {
		fmt.Fprintf(&b, "let short = %s;\n", kqlString(shortAccount(value)))
	}
	b.WriteString(body)
	return b.String()
}

// shortAccount is the bare name of an account: of CORP\ann and ann@corp.example, ann.
func shortAccount(v string) string {
	name, _, _ := strings.Cut(v[strings.LastIndexByte(v, '\\')+1:], "@")
	return name
}

// kqlString writes a string literal.
func kqlString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r == 0x7F || r == 0x85 || r == 0x2028 || r == 0x2029:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
