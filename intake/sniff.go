package intake

import "strings"

// recordFormat is the source and rendering of one JSON record.
type recordFormat uint8

const (
	formatUnknown recordFormat = iota
	formatNXLog
	formatFlat
	formatArray
	formatBeat6
	formatBeat7
	formatEventXMLJSON
	formatSentinel
	formatSyslog
	formatZeekJSON
	formatCloudTrail
	formatUAL
	formatEntraAudit
	formatEntraSignIn
	formatOffice
	formatVMConnection
	formatDefender
)

var formatNames = map[recordFormat]string{
	formatNXLog: "nxlog", formatFlat: "flat-TimeCreated", formatArray: "array-TimeGenerated",
	formatBeat6: "winlogbeat6", formatBeat7: "winlogbeat7", formatEventXMLJSON: "windows-event",
	formatSentinel: "sentinel", formatSyslog: "syslog", formatCloudTrail: "cloudtrail", formatUAL: "m365-ual",
	formatEntraAudit: "entra-audit", formatEntraSignIn: "entra-signin", formatOffice: "office-activity",
	formatVMConnection: "vm-connection", formatDefender: "defender-row",
}

// Sniff names the format of a JSON object: winlogbeat6, winlogbeat7, nxlog,
// flat-TimeCreated, array-TimeGenerated, sentinel, syslog, windows-event,
// zeek-<path>, cloudtrail, m365-ual, entra-audit, entra-signin,
// office-activity, vm-connection or defender-row; for a wrapper, the format of
// its first element; "" when it is none of them or no JSON object.
func Sniff(obj []byte) string {
	var d jdoc
	if d.parse(obj) != nil || d.root().kind != '{' {
		return ""
	}
	n := d.root()
	x := d.shape(n)
	if x.wrapper != "" && x.wrapper != "tables" {
		list := d.child(n, x.wrapper)
		if first := d.first(list); first < list.next && d.n[first].kind == '{' {
			x = d.shape(&d.n[first])
		}
	}
	switch x.format {
	case formatZeekJSON:
		return "zeek-" + x.path
	case formatUnknown:
		if x.wrapper == "tables" {
			return "sentinel"
		}
	}
	return formatNames[x.format]
}

// shape is what the names at the top of an object tell of it.
type recordShape struct {
	format  recordFormat
	wrapper string // the member whose elements are the records
	path    string // Zeek log, or hunting table
}

// marks are the names that tell formats apart, as bits.
type marks uint64

const (
	hasEventID marks = 1 << iota
	hasChannel
	hasTimeCreated
	hasTimeGenerated
	hasEventTime
	hasLogName
	hasEventData
	hasWinlog
	hasEvent
	hasType
	hasEventName
	hasEventSource
	hasUserIdentity
	hasCreationTime
	hasOperation
	hasWorkload
	hasOfficeWorkload
	hasTimestamp
	hasActionType
	hasTS
	hasUID
	hasStream
	hasActivityDisplayName
	hasTargetResources
	hasAppDisplayName
	hasUserPrincipalName
	hasRecords
	hasTables
	hasCategory
	hasProperties
	hasHostname
	hasComputer
	hasEventLog
	hasSyslogMessage
	hasAuditData
	hasReportID
	hasEventIDLower
	hasCreatedDateTime
	hasEventXML
	hasNetworkMessageID
)

var markOf = map[string]marks{
	"EventID": hasEventID, "Channel": hasChannel, "TimeCreated": hasTimeCreated, "TimeGenerated": hasTimeGenerated,
	"EventTime": hasEventTime, "log_name": hasLogName, "event_data": hasEventData, "winlog": hasWinlog, "Event": hasEvent,
	"Type": hasType, "eventName": hasEventName, "eventSource": hasEventSource, "userIdentity": hasUserIdentity,
	"CreationTime": hasCreationTime, "Operation": hasOperation, "Workload": hasWorkload, "OfficeWorkload": hasOfficeWorkload,
	"Timestamp": hasTimestamp, "ActionType": hasActionType, "ts": hasTS, "uid": hasUID, "@stream": hasStream, "_path": hasStream,
	"ActivityDisplayName": hasActivityDisplayName, "activityDisplayName": hasActivityDisplayName,
	"TargetResources": hasTargetResources, "targetResources": hasTargetResources,
	"AppDisplayName": hasAppDisplayName, "appDisplayName": hasAppDisplayName,
	"UserPrincipalName": hasUserPrincipalName, "userPrincipalName": hasUserPrincipalName,
	"Category": hasCategory, "category": hasCategory, "properties": hasProperties,
	"Hostname": hasHostname, "Computer": hasComputer, "EventLog": hasEventLog, "SyslogMessage": hasSyslogMessage,
	"AuditData": hasAuditData, "ReportId": hasReportID, "ReportId_long": hasReportID, "event_id": hasEventIDLower,
	"createdDateTime": hasCreatedDateTime, "CreatedDateTime": hasCreatedDateTime, "NetworkMessageId": hasNetworkMessageID,
}

// wrappers are members that hold the records of an export or an API's page.
var wrappers = map[string]bool{"Records": true, "records": true, "value": true, "Results": true, "results": true, "Events": true, "tables": true}

// shape looks at the names at the top of an object and decides its format.
// Deliberately one list of conditions, most telling first, because formats
// share most of their names and only the order keeps them apart.
func (d *jdoc) shape(n *jnode) recordShape {
	var m marks
	wrapper := ""
	for i := d.first(n); i < n.next; i = d.n[i].next {
		c := &d.n[i]
		m |= c.mark
		if c.kind == '[' && wrappers[c.key] {
			wrapper = c.key
		}
	}
	has := func(all marks) bool { return m&all == all }
	any := func(some marks) bool { return m&some != 0 }
	typ := ""
	if has(hasType) {
		typ = d.text(d.child(n, "Type"))
	}
	switch {
	case has(hasWinlog):
		return recordShape{format: formatBeat7}
	case has(hasLogName) || has(hasEventData|hasEventIDLower):
		return recordShape{format: formatBeat6}
	case has(hasEvent) && d.at(n, "Event", "System") != nil:
		return recordShape{format: formatEventXMLJSON}
	case has(hasEventName|hasEventSource) && any(hasUserIdentity) || has(hasEventName|hasUserIdentity):
		return recordShape{format: formatCloudTrail}
	case typ == "Syslog" || has(hasSyslogMessage):
		return recordShape{format: formatSyslog}
	case typ == "VMConnection":
		return recordShape{format: formatVMConnection}
	case typ == "OfficeActivity" || has(hasOfficeWorkload|hasOperation):
		return recordShape{format: formatOffice}
	case typ == "AuditLogs" || has(hasActivityDisplayName|hasTargetResources):
		return recordShape{format: formatEntraAudit}
	case strings.HasSuffix(typ, "SigninLogs") || typ == "AADNonInteractiveUserSignInLogs" ||
		has(hasAppDisplayName|hasUserPrincipalName) && any(hasCreatedDateTime|hasTimeGenerated):
		return recordShape{format: formatEntraSignIn}
	case has(hasCategory | hasProperties):
		return d.diagnostic(n)
	case has(hasAuditData) || has(hasCreationTime|hasOperation):
		return recordShape{format: formatUAL}
	case has(hasEventTime) && any(hasEventID|hasChannel):
		return recordShape{format: formatNXLog}
	case has(hasTimeCreated|hasTimeGenerated) && any(hasEventID):
		return recordShape{format: formatArray}
	case has(hasTimeGenerated|hasEventID) && any(hasChannel|hasEventLog|hasComputer|hasType):
		return recordShape{format: formatSentinel}
	case has(hasTimeCreated|hasEventID) && any(hasChannel|hasHostname|hasComputer):
		return recordShape{format: formatFlat}
	case has(hasTS) && any(hasStream):
		return recordShape{format: formatZeekJSON, path: d.zeekPath(n)}
	case has(hasTS|hasUID) || has(hasTS) && d.child(n, "fuid") != nil:
		if p := d.guessZeek(n); p != "" {
			return recordShape{format: formatZeekJSON, path: p}
		}
	case any(hasTimestamp|hasTimeGenerated) && any(hasActionType|hasReportID|hasNetworkMessageID):
		if t := d.huntingTable(n); t != "" {
			return recordShape{format: formatDefender, path: t}
		}
	case wrapper != "":
		return recordShape{wrapper: wrapper}
	}
	return recordShape{}
}

// diagnostic tells the records of Azure's diagnostic settings apart, which
// have the payload in "properties".
func (d *jdoc) diagnostic(n *jnode) recordShape {
	c := d.child(n, "category")
	if c == nil {
		c = d.child(n, "Category")
	}
	switch name := d.text(c); {
	case name == "AuditLogs":
		return recordShape{format: formatEntraAudit}
	case strings.HasSuffix(strings.ToLower(name), "signinlogs"):
		return recordShape{format: formatEntraSignIn}
	case strings.HasPrefix(name, "AdvancedHunting-"):
		return recordShape{format: formatDefender, path: strings.TrimPrefix(name, "AdvancedHunting-")}
	}
	return recordShape{}
}
