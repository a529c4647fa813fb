package tocsin

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"
)

// EvidenceType is the name of a concrete evidence type of Graph security
// without the word Evidence: "device", "user", "process", "analyzedMessage".
type EvidenceType string

// The evidence types that Tocsin's own detections make; all 48 of Graph are
// accepted.
const (
	EvDevice           EvidenceType = "device"
	EvUser             EvidenceType = "user"
	EvProcess          EvidenceType = "process"
	EvFile             EvidenceType = "file"
	EvIP               EvidenceType = "ip"
	EvURL              EvidenceType = "url"
	EvDNS              EvidenceType = "dns"
	EvRegistryKey      EvidenceType = "registryKey"
	EvRegistryValue    EvidenceType = "registryValue"
	EvAnalyzedMessage  EvidenceType = "analyzedMessage"
	EvMailCluster      EvidenceType = "mailCluster"
	EvMailbox          EvidenceType = "mailbox"
	EvMailboxConfig    EvidenceType = "mailboxConfiguration"
	EvOAuthApp         EvidenceType = "oauthApplication"
	EvServicePrincipal EvidenceType = "servicePrincipal"
	EvCloudApp         EvidenceType = "cloudApplication"
	EvCloudSession     EvidenceType = "cloudLogonSession"
	EvHostSession      EvidenceType = "hostLogonSession"
	EvAzureResource    EvidenceType = "azureResource"
	EvAmazonResource   EvidenceType = "amazonResource"
	EvGoogleResource   EvidenceType = "googleCloudResource"
	EvSecurityGroup    EvidenceType = "securityGroup"
	EvMalware          EvidenceType = "malware"
)

// EvidenceTypes lists every type, sorted.
func EvidenceTypes() []EvidenceType {
	out := make([]EvidenceType, 0, len(evidenceProperties))
	for t := range evidenceProperties {
		out = append(out, t)
	}
	slices.Sort(out)
	return out
}

// EvidenceRole is the part that an entity played.
type EvidenceRole string

const (
	RoleUnknown           EvidenceRole = "unknown"
	RoleContextual        EvidenceRole = "contextual"
	RoleScanned           EvidenceRole = "scanned"
	RoleSource            EvidenceRole = "source"
	RoleDestination       EvidenceRole = "destination"
	RoleCreated           EvidenceRole = "created"
	RoleAdded             EvidenceRole = "added"
	RoleCompromised       EvidenceRole = "compromised"
	RoleEdited            EvidenceRole = "edited"
	RoleAttacked          EvidenceRole = "attacked"
	RoleAttacker          EvidenceRole = "attacker"
	RoleCommandAndControl EvidenceRole = "commandAndControl"
	RoleLoaded            EvidenceRole = "loaded"
	RoleSuspicious        EvidenceRole = "suspicious"
	RolePolicyViolator    EvidenceRole = "policyViolator"
)

// EvidenceRoles lists every role, in schema order.
var EvidenceRoles = []EvidenceRole{RoleUnknown, RoleContextual, RoleScanned, RoleSource, RoleDestination, RoleCreated,
	RoleAdded, RoleCompromised, RoleEdited, RoleAttacked, RoleAttacker, RoleCommandAndControl, RoleLoaded, RoleSuspicious, RolePolicyViolator}

// Verdict is what an investigation or a detection holds an entity to be.
type Verdict string

const (
	VerdictUnknown    Verdict = "unknown"
	VerdictSuspicious Verdict = "suspicious"
	VerdictMalicious  Verdict = "malicious"
	VerdictNoThreats  Verdict = "noThreatsFound"
)

// Verdicts lists every verdict, in schema order.
var Verdicts = []Verdict{VerdictUnknown, VerdictSuspicious, VerdictMalicious, VerdictNoThreats}

// RemediationStatus is how far an entity has been dealt with.
type RemediationStatus string

const (
	RemediationNone            RemediationStatus = "none"
	RemediationRemediated      RemediationStatus = "remediated"
	RemediationPrevented       RemediationStatus = "prevented"
	RemediationBlocked         RemediationStatus = "blocked"
	RemediationNotFound        RemediationStatus = "notFound"
	RemediationActive          RemediationStatus = "active"
	RemediationPendingApproval RemediationStatus = "pendingApproval"
	RemediationDeclined        RemediationStatus = "declined"
	RemediationUnremediated    RemediationStatus = "unremediated"
	RemediationRunning         RemediationStatus = "running"
	RemediationPartially       RemediationStatus = "partiallyRemediated"
)

// RemediationStatuses lists every status, in schema order.
var RemediationStatuses = []RemediationStatus{RemediationNone, RemediationRemediated, RemediationPrevented, RemediationBlocked,
	RemediationNotFound, RemediationActive, RemediationPendingApproval, RemediationDeclined, RemediationUnremediated,
	RemediationRunning, RemediationPartially}

// Evidence is one entity of an alert with the part it played. Props are the
// properties that its Graph type adds to the base, by their Graph names;
// nested objects are map[string]any and collections []any.
type Evidence struct {
	Type               EvidenceType      `json:"type"`
	Created            time.Time         `json:"created"`
	Roles              []EvidenceRole    `json:"roles,omitempty"`
	DetailedRoles      []string          `json:"detailedRoles,omitempty"`
	Tags               []string          `json:"tags,omitempty"`
	Verdict            Verdict           `json:"verdict,omitempty"`
	RemediationStatus  RemediationStatus `json:"remediationStatus,omitempty"`
	RemediationDetails string            `json:"remediationDetails,omitempty"`
	Props              map[string]any    `json:"props,omitempty"`
	// UniqueID is the sensor's own id of a process, Device the host on which
	// the entity was seen. Graph has no place for them; correlation needs them.
	UniqueID string `json:"uniqueId,omitempty"`
	Device   string `json:"device,omitempty"`
}

// Str is the string property with this name, following dots into nested
// objects ("userAccount.userPrincipalName"); "" when absent.
func (e *Evidence) Str(name string) string {
	v := e.prop(name)
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

func (e *Evidence) prop(name string) any {
	var cur any = e.Props
	for part := range strings.SplitSeq(name, ".") {
		m, ok := cur.(map[string]any)
		if !ok {
			return nil
		}
		cur = m[part]
	}
	return cur
}

func (e *Evidence) num(name string) int64 {
	switch v := e.prop(name).(type) {
	case int64:
		return v
	case int:
		return int64(v)
	case float64:
		return int64(v)
	}
	return 0
}

// Keys are the canonical keys of the entity, the most specific first. Several
// keys mean that the entity is known by several names, not several entities;
// only a URL also answers for its host name, and a cloud session for its account.
func (e *Evidence) Keys() []EntityKey {
	one := func(k EntityKey) []EntityKey {
		if k.IsZero() {
			return nil
		}
		return []EntityKey{k}
	}
	text := func(t EntityType, names ...string) []EntityKey {
		for _, n := range names {
			if v := strings.ToLower(clean(e.Str(n))); v != "" {
				return []EntityKey{{t, v}}
			}
		}
		return nil
	}
	switch e.Type {
	case EvDevice:
		host := e.Str("deviceDnsName")
		if host == "" {
			host = e.Str("hostName")
		}
		return DeviceKeys(host, e.Str("mdeDeviceId"))
	case EvUser:
		return e.userKeys("userAccount")
	case EvMailbox:
		// A mailbox is keyed by its address and, through its owner, joins what
		// is known of the user.
		return append(text(EntityMailbox, "primaryAddress", "upn"), UserKeys(e.Str("upn"), "", "", "", "")...)
	case EvMailboxConfig:
		return append(text(EntityMailbox, "mailboxPrimaryAddress", "upn"), UserKeys(e.Str("upn"), "", "", "", "")...)
	case EvProcess:
		created := int64(0)
		if t, err := time.Parse(time.RFC3339Nano, e.Str("processCreationDateTime")); err == nil {
			created = t.Unix()
		}
		return one(ProcessKey(e.UniqueID, e.Device, e.num("processId"), created))
	case EvFile:
		return FileKeys(e.Str("fileDetails.sha256"), e.Str("fileDetails.sha1"), e.Str("fileDetails.md5"), e.Str("fileDetails.filePath"), e.Device)
	case "fileHash":
		return one(EntityKey{EntityFile, strings.ToLower(e.Str("algorithm") + ":" + e.Str("value"))})
	case EvIP:
		return one(IPKey(e.Str("ipAddress")))
	case EvURL:
		return URLKeys(e.Str("url"))
	case EvDNS:
		return one(DomainKey(e.Str("domainName")))
	case EvRegistryKey:
		return one(RegistryKey(e.Device, joinHive(e.Str("registryHive"), e.Str("registryKey")), ""))
	case EvRegistryValue:
		return one(RegistryKey(e.Device, joinHive(e.Str("registryHive"), e.Str("registryKey")), e.Str("registryValueName")))
	case EvAnalyzedMessage, "submissionMail":
		return one(MailKey(e.Str("networkMessageId"), e.Str("internetMessageId")))
	case EvMailCluster:
		return text(EntityMailCluster, "urn", "query", "clusterByValue")
	case EvOAuthApp:
		return text(EntityOAuthApp, "appId", "objectId", "displayName")
	case EvServicePrincipal:
		return text(EntityOAuthApp, "appId", "servicePrincipalObjectId", "servicePrincipalName")
	case EvCloudApp:
		return text(EntityCloudApp, "saasAppId", "appId", "displayName")
	case EvCloudSession:
		return append(text(EntityLogonSession, "sessionId"), e.userKeys("account.userAccount")...)
	case EvHostSession:
		return one(SessionKey(e.Device, e.Str("sessionId")))
	case EvAzureResource:
		return text(EntityCloudResource, "resourceId")
	case EvAmazonResource:
		return text(EntityCloudResource, "amazonResourceId")
	case EvGoogleResource:
		return text(EntityCloudResource, "fullResourceName")
	case EvSecurityGroup:
		return text(EntityGroup, "sid", "securityGroupId", "distinguishedName", "displayName")
	}
	return text(EntityOther, "url", "name", "resourceId", "clusterId", "displayName")
}

func (e *Evidence) userKeys(at string) []EntityKey {
	return UserKeys(e.Str(at+".userPrincipalName"), e.Str(at+".domainName"), e.Str(at+".accountName"), e.Str(at+".userSid"), e.Str(at+".azureAdUserId"))
}

// systemUser reports evidence of an account that every host has. An account
// that is known only by UPN or object id is none of these.
func (e *Evidence) systemUser() bool {
	name, sid := e.Str("userAccount.accountName"), e.Str("userAccount.userSid")
	return e.Type == EvUser && (name != "" || sid != "") && SystemAccount(name, sid)
}

func joinHive(hive, key string) string {
	if hive == "" || strings.HasPrefix(strings.ToLower(key), strings.ToLower(hive)) {
		return key
	}
	return hive + `\` + key
}

// Entity is the type of entity that the evidence speaks of.
func (e *Evidence) Entity() EntityType {
	switch e.Type {
	case EvDevice, "ioTDevice":
		return EntityDevice
	case EvUser:
		return EntityUser
	case EvMailbox, EvMailboxConfig:
		return EntityMailbox
	case EvProcess:
		return EntityProcess
	case EvFile, "fileHash":
		return EntityFile
	case EvIP:
		return EntityIP
	case EvURL:
		return EntityURL
	case EvDNS:
		return EntityDomain
	case EvRegistryKey, EvRegistryValue:
		return EntityRegistry
	case EvAnalyzedMessage, "submissionMail":
		return EntityMail
	case EvMailCluster:
		return EntityMailCluster
	case EvOAuthApp, EvServicePrincipal:
		return EntityOAuthApp
	case EvCloudApp:
		return EntityCloudApp
	case EvCloudSession, EvHostSession, "cloudLogonRequest":
		return EntityLogonSession
	case EvAzureResource, EvAmazonResource, EvGoogleResource, "blob", "blobContainer", "kubernetesCluster", "containerRegistry":
		return EntityCloudResource
	case EvSecurityGroup:
		return EntityGroup
	}
	return EntityOther
}

// Name is what people call the entity.
func (e *Evidence) Name() string {
	for _, n := range evidenceNames[e.Type] {
		if v := clean(e.Str(n)); v != "" {
			if n == "userAccount.accountName" && e.Str("userAccount.domainName") != "" {
				return e.Str("userAccount.domainName") + `\` + v
			}
			return v
		}
	}
	for _, n := range []string{"displayName", "name", "resourceName", "url", "urn", "value"} {
		if v := clean(e.Str(n)); v != "" {
			return v
		}
	}
	return string(e.Type)
}

var evidenceNames = map[EvidenceType][]string{
	EvDevice:           {"deviceDnsName", "hostName", "mdeDeviceId"},
	EvUser:             {"userAccount.userPrincipalName", "userAccount.accountName", "userAccount.displayName", "userAccount.userSid", "userAccount.azureAdUserId"},
	EvMailbox:          {"primaryAddress", "upn"},
	EvMailboxConfig:    {"mailboxPrimaryAddress", "upn", "displayName"},
	EvProcess:          {"imageFile.fileName", "processCommandLine"},
	EvFile:             {"fileDetails.fileName", "fileDetails.filePath", "fileDetails.sha256", "fileDetails.sha1"},
	EvIP:               {"ipAddress"},
	EvURL:              {"url"},
	EvDNS:              {"domainName"},
	EvRegistryKey:      {"registryKey"},
	EvRegistryValue:    {"registryKey", "registryValueName"},
	EvAnalyzedMessage:  {"subject", "networkMessageId", "internetMessageId"},
	EvMailCluster:      {"urn", "query"},
	EvOAuthApp:         {"displayName", "appId"},
	EvServicePrincipal: {"servicePrincipalName", "appId"},
	EvCloudSession:     {"sessionId"},
	EvHostSession:      {"sessionId"},
	EvAzureResource:    {"resourceName", "resourceId"},
	EvAmazonResource:   {"resourceName", "amazonResourceId"},
	EvGoogleResource:   {"resourceName", "fullResourceName"},
	EvSecurityGroup:    {"displayName", "sid"},
}

// Validate reports an unknown type, role, verdict, status or property as an
// Error of CodeInvalid that names it.
func (e *Evidence) Validate() error {
	props, ok := evidenceProperties[e.Type]
	if !ok {
		return Errorf(CodeInvalid, "unknown evidence type %q", e.Type)
	}
	for _, r := range e.Roles {
		if !slices.Contains(EvidenceRoles, r) {
			return Errorf(CodeInvalid, "unknown evidence role %q", r)
		}
	}
	if !slices.Contains(Verdicts, e.Verdict) {
		return Errorf(CodeInvalid, "unknown verdict %q", e.Verdict)
	}
	if !slices.Contains(RemediationStatuses, e.RemediationStatus) {
		return Errorf(CodeInvalid, "unknown remediation status %q", e.RemediationStatus)
	}
	names := make([]string, 0, len(e.Props))
	for n := range e.Props {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		if _, ok := props[n]; !ok {
			return Errorf(CodeInvalid, "evidence of type %q has no property %q", e.Type, n)
		}
	}
	return nil
}
