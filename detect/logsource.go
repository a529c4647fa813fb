package detect

import (
	"strconv"
	"strings"

	"github.com/tocsinhq/tocsin"
)

// routeKey is all that the choice of rules for an event depends on.
type routeKey struct {
	product, service, category, channel string
	eventID                             int
	eventType                           string // Sysmon 12 is three things
}

// route is the programs that an event runs through, and the names that its
// fields get beside their own.
type route struct {
	programs []*program
	aliases  []alias
	special  func(*Scratch, *tocsin.Event)
	eventID  string
}

// alias gives a rule's field the value of the first source field that has one.
type alias struct {
	field string // folded
	from  []string
}

// channels are the Windows services of Sigma by their event log, folded.
var channels = map[string]string{
	"security": "security", "system": "system", "application": "application",
	"microsoft-windows-sysmon/operational": "sysmon", "linux-sysmon/operational": "sysmon",
	"microsoft-windows-powershell/operational": "powershell", "powershellcore/operational": "powershell",
	"windows powershell":                                                       "powershell-classic",
	"microsoft-windows-windows defender/operational":                           "windefend",
	"microsoft-windows-windows firewall with advanced security/firewall":       "firewall-as",
	"microsoft-windows-bits-client/operational":                                "bits-client",
	"microsoft-windows-codeintegrity/operational":                              "codeintegrity-operational",
	"microsoft-windows-appxdeploymentserver/operational":                       "appxdeployment-server",
	"microsoft-windows-appxpackaging/operational":                              "appxpackaging-om",
	"microsoft-windows-appmodel-runtime/admin":                                 "appmodel-runtime",
	"msexchange management":                                                    "msexchange-management",
	"microsoft-windows-dns client events/operational":                          "dns-client",
	"microsoft-windows-dns-client/operational":                                 "dns-client",
	"microsoft-windows-dns-server/analytical":                                  "dns-server-analytic",
	"microsoft-windows-dns-server/audit":                                       "dns-server-audit",
	"dns server":                                                               "dns-server",
	"microsoft-windows-taskscheduler/operational":                              "taskscheduler",
	"microsoft-iis-configuration/operational":                                  "iis-configuration",
	"microsoft-windows-ntlm/operational":                                       "ntlm",
	"microsoft-windows-security-mitigations/kernel mode":                       "security-mitigations",
	"microsoft-windows-security-mitigations/user mode":                         "security-mitigations",
	"microsoft-windows-wmi-activity/operational":                               "wmi",
	"microsoft-windows-applocker/msi and script":                               "applocker",
	"microsoft-windows-applocker/exe and dll":                                  "applocker",
	"microsoft-windows-applocker/packaged app-deployment":                      "applocker",
	"microsoft-windows-applocker/packaged app-execution":                       "applocker",
	"microsoft-windows-smbclient/connectivity":                                 "smbclient-connectivity",
	"microsoft-windows-smbclient/security":                                     "smbclient-security",
	"microsoft-windows-smbserver/connectivity":                                 "smbserver-connectivity",
	"microsoft-windows-printservice/admin":                                     "printservice-admin",
	"microsoft-windows-printservice/operational":                               "printservice-operational",
	"microsoft-windows-terminalservices-localsessionmanager/operational":       "terminalservices-localsessionmanager",
	"microsoft-windows-shell-core/operational":                                 "shell-core",
	"microsoft-windows-certificateservicesclient-lifecycle-system/operational": "certificateservicesclient-lifecycle-system",
	"microsoft-windows-driverframeworks-usermode/operational":                  "driver-framework",
	"microsoft-windows-ldap-client/debug":                                      "ldap",
	"microsoft-windows-diagnosis-scripted/operational":                         "diagnosis-scripted",
	"microsoft-windows-lsa/operational":                                        "lsa-server",
	"openssh/operational":                                                      "openssh",
	"microsoft-windows-capi2/operational":                                      "capi2",
	"microsoft-servicebus-client/operational":                                  "microsoft-servicebus-client",
	"microsoft-servicebus-client/admin":                                        "microsoft-servicebus-client",
	"microsoft-windows-dhcp-server/operational":                                "dhcp",
	"microsoft-windows-vhdmp-operational":                                      "vhdmp",
	"microsoft-windows-vhdmp/operational":                                      "vhdmp",
	"microsoft-windows-hyper-v-worker-admin":                                   "hyper-v-worker",
	"microsoft-windows-kernel-eventtracing/admin":                              "kernel-event-tracing",
	"microsoft-windows-kernel-shimengine/operational":                          "kernel-shimengine",
	"microsoft-windows-sense/operational":                                      "sense",
	"microsoft-windows-sense-audit/operational":                                "sense",
}

// sysmonCategories are the categories of Sysmon's events, on Windows and Linux.
var sysmonCategories = map[int][]string{
	1: {"process_creation"}, 2: {"file_change"}, 3: {"network_connection"}, 4: {"sysmon_status"}, 5: {"process_termination"},
	6: {"driver_load"}, 7: {"image_load"}, 8: {"create_remote_thread"}, 9: {"raw_access_thread", "raw_access_read"}, 10: {"process_access"},
	11: {"file_event"}, 12: {"registry_event"}, 13: {"registry_set", "registry_event"}, 14: {"registry_rename", "registry_event"},
	15: {"create_stream_hash"}, 16: {"sysmon_status"}, 17: {"pipe_created"}, 18: {"pipe_created"},
	19: {"wmi_event"}, 20: {"wmi_event"}, 21: {"wmi_event"}, 22: {"dns_query"}, 23: {"file_delete"}, 24: {"clipboard_change", "clipboard_capture"},
	25: {"process_tampering"}, 26: {"file_delete"}, 27: {"file_block_executable", "file_block"}, 28: {"file_block_shredding", "file_block"},
	29: {"file_executable_detected"}, 255: {"sysmon_error"},
}

// windowsCategories are the categories of other logs' events.
var windowsCategories = map[string]map[int][]string{
	"security":           {4688: {"process_creation"}, 4657: {"registry_event"}, 5156: {"network_connection"}},
	"powershell":         {4104: {"ps_script"}, 4103: {"ps_module"}},
	"powershell-classic": {400: {"ps_classic_start"}, 600: {"ps_classic_provider_start"}, 800: {"ps_classic_script"}},
	"windefend":          {1006: {"antivirus"}, 1007: {"antivirus"}, 1116: {"antivirus"}, 1117: {"antivirus"}, 1118: {"antivirus"}, 1119: {"antivirus"}},
}

// windowsAliases translate other logs' fields to those of the category's rules.
var windowsAliases = map[string]map[int][]alias{
	"security": {
		4688: {
			{"image", []string{"NewProcessName"}},
			{"parentimage", []string{"ParentProcessName", "CreatorProcessName"}},
			{"logonid", []string{"TargetLogonId", "SubjectLogonId"}},
		},
		4657: {{"image", []string{"ProcessName"}}, {"details", []string{"NewValue"}}},
		5156: {
			{"image", []string{"Application"}}, {"destinationip", []string{"DestAddress"}}, {"destinationport", []string{"DestPort"}},
			{"sourceip", []string{"SourceAddress"}},
		},
	},
	"powershell-classic": {
		400: {{"data", []string{"Message"}}}, 600: {{"data", []string{"Message"}}}, 800: {{"data", []string{"Message"}}},
	},
	"windefend": {
		1116: {{"signature", []string{"Threat Name"}}, {"filename", []string{"Path"}}, {"action", []string{"Action Name"}}},
		1117: {{"signature", []string{"Threat Name"}}, {"filename", []string{"Path"}}, {"action", []string{"Action Name"}}},
	},
}

// productAliases translate the records of other products, by product and
// service ("" is any).
var productAliases = map[[2]string][]alias{
	{"m365", ""}: {
		{"eventsource", []string{"Workload"}}, {"eventname", []string{"Operation", "Name"}}, {"status", []string{"ResultStatus", "Status"}},
	},
	{"azure", "auditlogs"}: {
		{"properties.message", []string{"OperationName", "operationName", "ActivityDisplayName", "activityDisplayName", "Operation"}},
		{"operationname", []string{"ActivityDisplayName", "activityDisplayName", "Operation"}},
		{"category", []string{"properties.category"}},
	},
	{"azure", "signinlogs"}: {
		{"resulttype", []string{"ErrorCode", "ErrorNumber", "status.errorCode", "Status.errorCode"}},
		{"status", []string{"ResultDescription"}},
	},
	{"zeek", "http"}: {
		{"cs-host", []string{"host"}}, {"c-uri", []string{"uri"}}, {"cs-uri-query", []string{"uri"}}, {"cs-uri-stem", []string{"uri"}}, {"cs-uri", []string{"uri"}},
		{"c-useragent", []string{"user_agent"}}, {"cs-user-agent", []string{"user_agent"}}, {"cs-method", []string{"method"}},
		{"sc-status", []string{"status_code"}}, {"cs-referer", []string{"referrer"}},
	},
	{"zeek", "dns"}: {{"record_type", []string{"qtype_name"}}, {"answer", []string{"answers"}}},
}

// alsoCategory are categories without product that a service's records belong to.
var alsoCategory = map[[2]string][]string{
	{"zeek", "http"}: {"proxy", "webserver"},
	{"zeek", "dns"}:  {"dns"},
	{"zeek", "conn"}: {"firewall"},
}

// route finds the programs for an event, remembered by what they depend on.
func (s *Scratch) route(ev *tocsin.Event) *route {
	key := routeKey{product: ev.Product, service: ev.Service, category: ev.Category, channel: ev.Channel, eventID: ev.EventID}
	if ev.EventID == 12 {
		key.eventType = ev.Get("EventType")
	}
	if r := s.routes[key]; r != nil {
		return r
	}
	if len(s.routes) >= maxCached {
		clear(s.routes)
	}
	r := s.eng.newRoute(key)
	key.product, key.service, key.category, key.channel = strings.Clone(key.product), strings.Clone(key.service), strings.Clone(key.category), strings.Clone(key.channel)
	key.eventType = strings.Clone(key.eventType)
	s.routes[key] = r
	return r
}

func (e *Engine) newRoute(k routeKey) *route {
	product, service, category, channel := fold(k.product), fold(k.service), fold(k.category), fold(k.channel)
	r := &route{}
	categories := []string{category}
	if product == "" && channel != "" {
		product = "windows"
	}
	var bare []string // categories of rules that name no product
	switch {
	case product == "windows":
		if c := channels[channel]; c != "" {
			service = c
		}
		if service == "sysmon" {
			categories = append(categories, sysmonCategories[k.eventID]...)
			switch fold(k.eventType) {
			case "createkey":
				categories = append(categories, "registry_add")
			case "deletekey", "deletevalue":
				categories = append(categories, "registry_delete")
			}
		} else {
			categories = append(categories, windowsCategories[service][k.eventID]...)
			r.aliases = windowsAliases[service][k.eventID]
		}
		r.special = windowsSpecial[specialKey{service, k.eventID}]
		r.eventID = strconv.Itoa(k.eventID)
	case product == "linux" && (service == "sysmon" || channels[channel] == "sysmon"):
		service = "sysmon"
		categories = append(categories, sysmonCategories[k.eventID]...)
		r.eventID = strconv.Itoa(k.eventID)
	default:
		r.aliases = append(append([]alias(nil), productAliases[[2]string{product, service}]...), productAliases[[2]string{product, ""}]...)
		bare = alsoCategory[[2]string{product, service}]
	}
	add := func(src Logsource) {
		if p := e.programs[src]; p != nil && src != (Logsource{}) {
			for _, have := range r.programs {
				if have == p {
					return
				}
			}
			r.programs = append(r.programs, p)
		}
	}
	for _, c := range append(categories, "") {
		for _, p := range []string{product, ""} {
			for _, v := range []string{service, ""} {
				add(Logsource{p, c, v})
			}
		}
	}
	for _, c := range bare {
		add(Logsource{Category: c})
	}
	return r
}

// adapt gives the event the field names of the rules that will look at it.
func (r *route) adapt(ev *tocsin.Event, s *Scratch) {
	if r.eventID != "" {
		s.set("eventid", r.eventID)
	}
	s.set("channel", ev.Channel)
	s.set("provider_name", ev.Provider)
	s.set("computer", ev.Host)
	s.set("hostname", ev.Host)
	for _, a := range r.aliases {
		for _, from := range a.from {
			if v := ev.Get(from); v != "" {
				s.set(a.field, v)
				break
			}
		}
	}
	if r.special != nil {
		r.special(s, ev)
	}
}

type specialKey struct {
	service string
	eventID int
}

// windowsSpecial are translations that take more than another name.
var windowsSpecial = map[specialKey]func(*Scratch, *tocsin.Event){
	{"security", 4688}: func(s *Scratch, ev *tocsin.Event) {
		domain, name := ev.Get("TargetDomainName"), ev.Get("TargetUserName")
		if name == "" || name == "-" {
			domain, name = ev.Get("SubjectDomainName"), ev.Get("SubjectUserName")
		}
		if name != "" && name != "-" {
			s.set("user", domain+`\`+name)
		}
		if creator := ev.Get("SubjectUserName"); creator != "" && creator != "-" {
			s.set("parentuser", ev.Get("SubjectDomainName")+`\`+creator)
		}
		s.set("integritylevel", integrity[ev.Get("MandatoryLabel")])
	},
	{"security", 4657}: func(s *Scratch, ev *tocsin.Event) {
		key := shortHive(ev.Get("ObjectName"))
		if v := ev.Get("ObjectValueName"); v != "" && v != "-" {
			key += `\` + v
		}
		s.set("targetobject", key)
	},
	{"security", 5156}: func(s *Scratch, ev *tocsin.Event) {
		switch ev.Get("Direction") {
		case "%%14593":
			s.set("initiated", "true")
		case "%%14592":
			s.set("initiated", "false")
		}
	},
}

var integrity = map[string]string{"S-1-16-0": "Untrusted", "S-1-16-4096": "Low", "S-1-16-8192": "Medium", "S-1-16-8448": "Medium", "S-1-16-12288": "High", "S-1-16-16384": "System"}

var hives = [][2]string{
	{`\REGISTRY\MACHINE`, "HKLM"}, {`\REGISTRY\USER`, "HKU"},
	{"HKEY_LOCAL_MACHINE", "HKLM"}, {"HKEY_USERS", "HKU"}, {"HKEY_CURRENT_USER", "HKCU"}, {"HKEY_CLASSES_ROOT", "HKCR"}, {"HKEY_CURRENT_CONFIG", "HKCC"},
}

// shortHive writes the hive as Sysmon does. Keys that already are so cost
// nothing.
func shortHive(key string) string {
	if h, n := hiveOf(key); n > 0 {
		return h + key[n:]
	}
	return key
}

// hiveOf is the short name of a key's hive and the bytes that it replaces.
func hiveOf(key string) (string, int) {
	for _, h := range hives {
		if n := len(h[0]); len(key) >= n && strings.EqualFold(key[:n], h[0]) && (len(key) == n || key[n] == '\\') {
			return h[1], n
		}
	}
	return "", 0
}
