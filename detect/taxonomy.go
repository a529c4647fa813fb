package detect

import (
	"strings"

	"github.com/tocsinhq/tocsin/lake"
)

// tableSource is one log source whose rules apply to a hunting table: which
// rows, and what the fields are called there.
type tableSource struct {
	source  Logsource
	column  string // the gate's column, "" for all rows
	values  []string
	prefix  bool
	os      byte // 'w' Windows rows only, 'u' Unix rows only
	fields  map[string]string
	also    []map[string]string
	payload string // JSON column that has what no column has
}

// Bindings are written `kind:Column,Column`; see parseBinding. "" says that
// the table has no such thing.
var (
	initiator = map[string]string{
		"image": "path:InitiatingProcessFolderPath,InitiatingProcessFileName", "commandline": "InitiatingProcessCommandLine",
		"processid": "InitiatingProcessId", "processguid": "InitiatingProcessUniqueId", "parentimage": "tail:InitiatingProcessParentFileName",
		"user": "account:InitiatingProcessAccountDomain,InitiatingProcessAccountName", "originalfilename": "InitiatingProcessVersionInfoOriginalFileName",
		"company": "InitiatingProcessVersionInfoCompanyName", "product": "InitiatingProcessVersionInfoProductName",
		"description": "InitiatingProcessVersionInfoFileDescription", "computer": "DeviceName", "hostname": "DeviceName",
	}
	processFields = map[string]string{
		"image": "path:FolderPath,FileName", "commandline": "ProcessCommandLine", "originalfilename": "ProcessVersionInfoOriginalFileName",
		"description": "ProcessVersionInfoFileDescription", "product": "ProcessVersionInfoProductName", "company": "ProcessVersionInfoCompanyName",
		"fileversion": "ProcessVersionInfoProductVersion", "user": "account:AccountDomain,AccountName", "integritylevel": "ProcessIntegrityLevel",
		"hashes": "hashes:SHA1,MD5,SHA256", "processid": "ProcessId", "processguid": "ProcessUniqueId", "logonid": "LogonId",
		"parentimage": "path:InitiatingProcessFolderPath,InitiatingProcessFileName", "parentcommandline": "InitiatingProcessCommandLine",
		"parentprocessid": "InitiatingProcessId", "parentprocessguid": "InitiatingProcessUniqueId",
		"parentuser":       "account:InitiatingProcessAccountDomain,InitiatingProcessAccountName",
		"currentdirectory": "json:AdditionalFields.CurrentDirectory", "computer": "DeviceName", "hostname": "DeviceName",
		"terminalsessionid": "CreatedProcessSessionId",
	}
	fileFields = map[string]string{
		"targetfilename": "path:FolderPath,FileName", "hashes": "hashes:SHA1,MD5,SHA256", "sourcefilename": "path:PreviousFolderPath,PreviousFileName",
		"creationutctime": "json:AdditionalFields.CreationUtcTime", "contents": "json:AdditionalFields.Contents",
	}
	moduleFields   = map[string]string{"imageloaded": "path:FolderPath,FileName", "hashes": "hashes:SHA1,MD5,SHA256", "originalfilename": "", "company": "", "product": "", "description": ""}
	registryFields = map[string]string{
		"targetobject": "registry:RegistryKey,RegistryValueName", "details": "details:RegistryValueData,RegistryValueType",
		"newname": "registry:RegistryKey,RegistryValueName", "eventtype": "",
	}
	networkFields = map[string]string{
		"destinationip": "peer:RemoteIP,LocalIP,ActionType", "destinationport": "peer:RemotePort,LocalPort,ActionType",
		"sourceip": "peer:LocalIP,RemoteIP,ActionType", "sourceport": "peer:LocalPort,RemotePort,ActionType",
		"destinationhostname": "host:RemoteUrl", "initiated": "outbound:ActionType", "protocol": "Protocol",
	}
	targetFields = map[string]string{
		"sourceimage": "path:InitiatingProcessFolderPath,InitiatingProcessFileName", "sourcecommandline": "InitiatingProcessCommandLine",
		"sourceuser":  "account:InitiatingProcessAccountDomain,InitiatingProcessAccountName",
		"targetimage": "path:FolderPath,FileName", "targetcommandline": "ProcessCommandLine", "targetuser": "account:AccountDomain,AccountName",
		"sourceparentimage": "tail:InitiatingProcessParentFileName",
	}
	cloudTrailFields = map[string]string{
		"eventname": "ActionType", "useragent": "UserAgent", "sourceipaddress": "IPAddress",
	}
)

func with(more map[string]string) []map[string]string { return []map[string]string{more, initiator} }

func windowsOn(category string, column string, values []string, fields []map[string]string) tableSource {
	return tableSource{source: Logsource{Product: "windows", Category: category}, column: column, values: values,
		fields: fields[0], also: fields[1:], payload: "AdditionalFields"}
}

// tableSources lists what applies to a table, its own rules first. It is long
// because it is a table; each case stands for itself.
func tableSources(table string) []tableSource {
	out := []tableSource{{source: Logsource{Product: HuntingProduct, Service: fold(table)}}}
	action := func(category string, fields []map[string]string, values ...string) {
		out = append(out, windowsOn(category, "ActionType", values, fields))
	}
	switch table {
	case "EntraIdSignInEvents", "AADSignInEventsBeta":
		// One table under its old and its new name.
		other := map[string]string{"EntraIdSignInEvents": "AADSignInEventsBeta", "AADSignInEventsBeta": "EntraIdSignInEvents"}[table]
		out = append(out, tableSource{source: Logsource{Product: HuntingProduct, Service: fold(other)}},
			tableSource{source: Logsource{Product: "azure", Service: "signinlogs"}, fields: map[string]string{
				"resulttype": "ErrorCode", "userprincipalname": "AccountUpn", "appid": "ApplicationId", "appdisplayname": "Application",
				"clientapp": "ClientAppUsed", "clientappused": "ClientAppUsed", "location": "Country", "useragent": "UserAgent",
				"authenticationrequirement": "AuthenticationRequirement", "resourcedisplayname": "ResourceDisplayName"}})
	case "AADSpnSignInEventsBeta", "EntraIdSpnSignInEvents":
		other := map[string]string{"EntraIdSpnSignInEvents": "AADSpnSignInEventsBeta", "AADSpnSignInEventsBeta": "EntraIdSpnSignInEvents"}[table]
		out = append(out, tableSource{source: Logsource{Product: HuntingProduct, Service: fold(other)}})
	case "SigninLogs":
		out = append(out, tableSource{source: Logsource{Product: "azure", Service: "signinlogs"}, fields: map[string]string{
			"status": "ResultDescription", "clientapp": "ClientAppUsed"}})
	case "AuditLogs":
		out = append(out, tableSource{source: Logsource{Product: "azure", Service: "auditlogs"}, payload: "AdditionalDetails", fields: map[string]string{
			"properties.message": "OperationName,ActivityDisplayName", "operationname": "OperationName,ActivityDisplayName"}})
	case "DeviceProcessEvents":
		// "" is taken for a creation: shippers of this table leave the action out.
		for _, os := range []struct {
			product string
			os      byte
		}{{"windows", 'w'}, {"linux", 'u'}, {"macos", 'u'}} {
			out = append(out, tableSource{source: Logsource{Product: os.product, Category: "process_creation"}, column: "ActionType",
				values: []string{"ProcessCreated", ""}, os: os.os, fields: processFields, payload: "AdditionalFields"})
		}
	case "DeviceFileEvents":
		action("file_event", with(fileFields), "FileCreated", "FileModified")
		action("file_change", with(fileFields), "FileModified")
		action("file_rename", with(fileFields), "FileRenamed")
		action("file_delete", with(fileFields), "FileDeleted")
	case "DeviceImageLoadEvents":
		out = append(out, windowsOn("image_load", "", nil, with(moduleFields)))
	case "DeviceRegistryEvents":
		action("registry_set", with(registryFields), "RegistryValueSet")
		action("registry_add", with(registryFields), "RegistryKeyCreated")
		action("registry_delete", with(registryFields), "RegistryKeyDeleted", "RegistryValueDeleted")
		action("registry_rename", with(registryFields), "RegistryKeyRenamed")
		out = append(out, windowsOn("registry_event", "", nil, with(registryFields)))
	case "DeviceNetworkEvents":
		action("network_connection", with(networkFields), "ConnectionSuccess", "ConnectionAttempt", "ConnectionFailed", "ConnectionRequest", "InboundConnectionAccepted", "ConnectionFound", "")
		action("dns_query", with(map[string]string{"queryname": "json:AdditionalFields.query", "queryresults": "json:AdditionalFields.answers"}), "DnsConnectionInspected")
	case "DeviceEvents":
		action("driver_load", with(moduleFields), "DriverLoad")
		action("dns_query", with(map[string]string{"queryname": "json:AdditionalFields.QueryName|DnsQueryString"}), "DnsQueryResponse")
		action("pipe_created", with(map[string]string{"pipename": "pipe:AdditionalFields.PipeName"}), "NamedPipeEvent")
		action("process_access", with(targetFields), "OpenProcessApiCall")
		action("create_remote_thread", with(targetFields), "CreateRemoteThreadApiCall")
		action("ps_script", with(map[string]string{"scriptblocktext": "json:AdditionalFields.ScriptBlockText|Command"}), "PowerShellCommand")
		action("wmi_event", with(nil), "WmiBindEventFilterToConsumer")
	case "CloudAppEvents":
		out = append(out, tableSource{source: Logsource{Product: "aws", Service: "cloudtrail"}, column: "Application", values: []string{"Amazon Web Services", "AWS"}, prefix: true,
			fields: cloudTrailFields, also: []map[string]string{{"useridentity.arn": "AccountId"}}, payload: "RawEventData"})
		for _, svc := range []string{"audit", "exchange", "threat_management", "threat_detection"} {
			out = append(out, tableSource{source: Logsource{Product: "m365", Service: svc}, column: "Application", values: []string{"Microsoft", "Office 365", "OneDrive", "SharePoint", "Exchange"}, prefix: true, payload: "RawEventData",
				fields: map[string]string{"eventname": "ActionType", "operation": "ActionType", "eventsource": "json:RawEventData.Workload", "status": "json:RawEventData.ResultStatus"}})
		}
	case "CloudAuditEvents":
		out = append(out, tableSource{source: Logsource{Product: "aws", Service: "cloudtrail"}, column: "DataSource", values: []string{"AWS", "Amazon"}, prefix: true,
			fields: map[string]string{"eventname": "OperationName,ActionType", "useridentity.arn": "Account"}, also: []map[string]string{cloudTrailFields}, payload: "RawEventData"})
		out = append(out, tableSource{source: Logsource{Product: "azure", Service: "activitylogs"}, column: "DataSource", values: []string{"Azure"}, prefix: true,
			fields: map[string]string{"operationname": "OperationName"}, payload: "RawEventData"})
	case "SecurityEvent":
		out = append(out, tableSource{source: Logsource{Product: "windows", Service: "security"}, fields: map[string]string{"provider_name": "EventSourceName"}},
			tableSource{source: Logsource{Product: "windows", Category: "process_creation"}, column: "EventID", values: []string{"4688"}, fields: map[string]string{
				"image": "NewProcessName", "parentimage": "ParentProcessName", "user": "account:SubjectDomainName,SubjectUserName", "logonid": "SubjectLogonId"}})
	case "CloudProcessEvents":
		out = append(out, tableSource{source: Logsource{Product: "linux", Category: "process_creation"}, fields: map[string]string{
			"image": "path:FolderPath,FileName", "commandline": "ProcessCommandLine", "parentimage": "ParentProcessName", "user": "AccountName",
			"currentdirectory": "ProcessCurrentWorkingDirectory"}, payload: "AdditionalFields"})
	}
	return out
}

func (src *tableSource) gate(t *lake.Table) rowGate {
	g := rowGate{column: -1, values: src.values, prefix: src.prefix, unix: src.os == 'u', notUnix: src.os == 'w'}
	if c, ok := t.Column(src.column); ok {
		g.column = c
	}
	if c, ok := t.Column("FolderPath"); ok {
		g.paths[0] = c
	} else {
		g.unix, g.notUnix = false, false
	}
	return g
}

// binding says where a rule's field lies in the table: by the log source's
// dictionary, else the column of that name, else inside the JSON column.
func (src *tableSource) binding(t *lake.Table, columns map[string]int, field string) binding {
	if src.source.Product != HuntingProduct {
		for _, m := range append([]map[string]string{src.fields}, src.also...) {
			if spec, ok := m[field]; ok {
				if spec == "" {
					return binding{}
				}
				return parseBinding(t, spec)
			}
		}
	}
	name, rest, dotted := strings.Cut(field, ".")
	if c, ok := columns[field]; ok {
		return binding{kind: bindColumns, cols: [4]int{c, -1, -1, -1}}
	}
	if c, ok := columns[name]; ok && dotted {
		return binding{kind: bindJSON, cols: [4]int{c, -1, -1, -1}, path: strings.Split(rest, ".")}
	}
	if src.payload != "" && field != "" {
		if c, ok := t.Column(src.payload); ok {
			return binding{kind: bindJSON, cols: [4]int{c, -1, -1, -1}, path: strings.Split(field, ".")}
		}
	}
	return binding{}
}

// foldedColumns finds a table's columns by their folded names, the time
// column by its aliases too.
func foldedColumns(t *lake.Table) map[string]int {
	m := make(map[string]int, len(t.Columns)+2)
	for _, n := range t.Aliases() {
		m[fold(n)] = t.Time
	}
	for i, c := range t.Columns {
		m[fold(c.Name)] = i
	}
	return m
}

var bindKinds = map[string]bindKind{
	"path": bindPath, "account": bindAccount, "tail": bindTail, "registry": bindRegistry, "details": bindDetails, "hashes": bindHashes,
	"outbound": bindOutbound, "peer": bindPeer, "host": bindHost, "json": bindJSON, "pipe": bindPipe,
}

// parseBinding reads `Column,Column` or `kind:Column,Column`; for JSON
// `json:Column.path|otherpath`. A binding whose columns the table lacks is none.
func parseBinding(t *lake.Table, spec string) binding {
	b := binding{kind: bindColumns, cols: [4]int{-1, -1, -1, -1}}
	if kind, rest, ok := strings.Cut(spec, ":"); ok {
		b.kind, spec = bindKinds[kind], rest
	}
	if b.kind == bindJSON || b.kind == bindPipe {
		col, path, _ := strings.Cut(spec, ".")
		c, ok := t.Column(col)
		if !ok {
			return binding{}
		}
		b.cols[0] = c
		first, second, _ := strings.Cut(path, "|")
		b.path = strings.Split(fold(first), ".")
		if second != "" {
			b.other = strings.Split(fold(second), ".")
		}
		return b
	}
	for i, n := range strings.Split(spec, ",") {
		if c, ok := t.Column(n); ok {
			b.cols[i] = c
		}
	}
	if b.cols[0] < 0 || (b.kind != bindColumns && b.kind != bindHashes && b.kind != bindPath && strings.Contains(spec, ",") && b.cols[1] < 0) {
		return binding{}
	}
	return b
}
