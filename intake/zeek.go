package intake

import (
	"strconv"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
)

// zeekRecord is one line of a Zeek log, of either writer.
type zeekRecord struct {
	path   string
	fields []tocsin.Field
	sensor string
}

func (z *zeekRecord) get(name string) string {
	for i := range z.fields {
		if z.fields[i].Name == name {
			return z.fields[i].Value
		}
	}
	return ""
}

// all joins the values of a repeated name.
func (z *zeekRecord) all(name string) string {
	var v []string
	for i := range z.fields {
		if z.fields[i].Name == name {
			v = append(v, z.fields[i].Value)
		}
	}
	return strings.Join(v, ",")
}

// zeekSets are the columns that hold several values, which the tab-separated
// writer joins with commas.
var zeekSets = map[string]bool{
	"answers": true, "TTLs": true, "tunnel_parents": true, "tags": true, "proxied": true, "orig_fuids": true, "orig_filenames": true,
	"orig_mime_types": true, "resp_fuids": true, "resp_filenames": true, "resp_mime_types": true, "tx_hosts": true, "rx_hosts": true,
	"conn_uids": true, "analyzers": true, "san.dns": true, "section_names": true, "cert_chain_fps": true, "client_cert_chain_fps": true,
	"cert_chain_fuids": true, "client_cert_chain_fuids": true, "client_header_names": true,
}

// DecodeZeek takes one row of a tab-separated Zeek log: the path of the log
// (conn, dns, ...), the names of its #fields line and the row's values, as they
// stand in the file. The writer's "-" and "(empty)" are no values.
func (d *Decoder) DecodeZeek(path string, names, values []string, ordinal int64, dst []tocsin.Event) ([]tocsin.Event, error) {
	if len(names) != len(values) {
		return dst, refuse("Zeek row has not as many values as its header has names")
	}
	z := zeekRecord{path: path, fields: make([]tocsin.Field, 0, len(names))}
	ts := ""
	for i, name := range names {
		v := values[i]
		if v == "-" || v == "(empty)" {
			continue
		}
		if len(v) > maxString {
			return dst, refuse("string is longer than 1 MiB")
		}
		v, err := zeekText(v)
		if err != nil {
			return dst, err
		}
		switch {
		case name == "ts":
			ts = v
			fallthrough
		default:
			z.fields = append(z.fields, tocsin.Field{Name: name, Value: v})
		case zeekSets[name]:
			for one := range strings.SplitSeq(v, ",") {
				z.fields = append(z.fields, tocsin.Field{Name: name, Value: one})
			}
		}
	}
	t, ok := zeekTime(ts)
	if !ok || !validTime(t) {
		return dst, errNoTime
	}
	return d.zeek(&z, t, ordinal, dst), nil
}

// zeekText resolves the writer's \xNN escapes and checks what comes out.
func zeekText(v string) (string, error) {
	if strings.Contains(v, `\x`) {
		b := make([]byte, 0, len(v))
		for i := 0; i < len(v); i++ {
			if v[i] == '\\' && i+3 < len(v) && v[i+1] == 'x' {
				if n, err := strconv.ParseUint(v[i+2:i+4], 16, 8); err == nil {
					b = append(b, byte(n))
					i += 3
					continue
				}
			}
			b = append(b, v[i])
		}
		// Escapes stand for the wire's bytes, which need not be any text: what
		// is none stays escaped, as the log has it.
		if s := string(b); printableText(s) {
			return s, nil
		}
	}
	if !printableText(v) {
		return "", refuse("string is not UTF-8 or holds a NUL")
	}
	return v, nil
}

// zeekTime reads seconds with a fraction, or the ISO form that the JSON writer
// can be told to use.
func zeekTime(s string) (time.Time, bool) {
	if strings.Contains(s, "T") {
		t, _, ok := parseTime(s)
		return t, ok
	}
	whole, frac, _ := strings.Cut(s, ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || sec < 0 || sec > 1<<34 {
		return time.Time{}, false
	}
	ns := int64(0)
	if frac = (frac + "000000000")[:9]; frac != "000000000" {
		n, ok := digits(frac)
		if !ok {
			return time.Time{}, false
		}
		ns = int64(n)
	}
	return time.Unix(sec, ns).UTC(), true
}

// zeekPath is the log that a JSON record belongs to.
func (d *jdoc) zeekPath(n *jnode) string {
	for _, k := range [...]string{"@stream", "_path"} {
		if c := d.child(n, k); c != nil && c.kind == 's' {
			return d.text(c)
		}
	}
	return ""
}

// guessZeek tells the log of a JSON record that does not name it, from columns
// that only one log has.
func (d *jdoc) guessZeek(n *jnode) string {
	for _, g := range [...][2]string{
		{"conn_state", "conn"}, {"qtype_name", "dns"}, {"rcode_name", "dns"}, {"trans_id", "dns"}, {"status_code", "http"}, {"resp_mime_types", "http"}, {"ja3", "ssl"},
		{"cert_chain_fuids", "ssl"}, {"server_name", "ssl"}, {"named_pipe", "dce_rpc"}, {"request_type", "kerberos"}, {"share_type", "smb_mapping"},
		{"certificate.serial", "x509"}, {"fuid", "files"}, {"note", "notice"}, {"mailfrom", "smtp"}, {"auth_success", "ssh"},
	} {
		if d.child(n, g[0]) != nil {
			return g[1]
		}
	}
	return ""
}

// zeekOwn are names that the shipper or the writer adds to a JSON record.
var zeekOwn = map[string]bool{"@stream": true, "@system": true, "@proc": true, "_path": true, "_write_ts": true, "_system_name": true, "_node_name": true}

func (d *Decoder) zeekJSON(n *jnode, path string, ordinal int64, dst []tocsin.Event) ([]tocsin.Event, error) {
	doc := &d.doc
	if path == "" {
		return dst, refuse("Zeek record that does not say of which log")
	}
	t, ok := zeekTime(doc.text(doc.child(n, "ts")))
	if !ok || !validTime(t) {
		return dst, errNoTime
	}
	z := zeekRecord{path: path, sensor: d.name(doc.child(n, "@system"))}
	take := &d.take
	take.start(doc)
	for i := doc.first(n); i < n.next; i = doc.n[i].next {
		if c := &doc.n[i]; !zeekOwn[c.key] {
			take.flatten(zeekName(path, c.key), c)
		}
	}
	z.fields = take.appendTo(make([]tocsin.Field, 0, len(take.names)))
	return d.zeek(&z, t, ordinal, dst), nil
}

// zeekName is the column's name as Zeek has it: some shippers write an
// underscore for the dot.
func zeekName(path, key string) string {
	switch key {
	case "id_orig_h":
		return "id.orig_h"
	case "id_orig_p":
		return "id.orig_p"
	case "id_resp_h":
		return "id.resp_h"
	case "id_resp_p":
		return "id.resp_p"
	}
	if path == "x509" {
		for _, p := range [...]string{"certificate", "basic_constraints", "san"} {
			if rest, ok := strings.CutPrefix(key, p+"_"); ok {
				return p + "." + rest
			}
		}
	}
	return key
}

// zeekQuiet are logs about the sensor itself or about its inner workings.
var zeekQuiet = map[string]string{
	"weird": "tells of odd packets, which no table takes", "dpd": "tells of the sensor's work", "analyzer": "tells of the sensor's work",
	"stats": "tells of the sensor's work", "reporter": "tells of the sensor's work", "packet_filter": "tells of the sensor's work",
	"capture_loss": "tells of the sensor's work", "loaded_scripts": "tells of the sensor's work",
	"notice": "is an alert of another product, which rows do not take",
	"pe":     "only enriches other rows", "x509": "only enriches other rows",
}

func (d *Decoder) zeek(z *zeekRecord, t time.Time, ordinal int64, dst []tocsin.Event) []tocsin.Event {
	ev := tocsin.Event{Product: "zeek", Service: z.path, Time: t, Host: z.sensor, Fields: z.fields}
	switch z.path {
	case "conn", "dns", "http", "ssl", "ssh", "ftp", "smtp", "rdp":
		d.zeekNetwork(&ev, z, ordinal)
	case "kerberos", "ntlm":
		d.zeekLogon(&ev, z, ordinal)
	case "dce_rpc":
		d.zeekRPC(&ev, z, ordinal)
	case "smb_files", "smb_mapping", "files":
		d.zeekFile(&ev, z, ordinal)
	}
	if len(ev.Rows) == 0 && ev.Unmapped == "" {
		ev.Unmapped = "no hunting table takes the Zeek log " + z.path
		if why, ok := zeekQuiet[z.path]; ok {
			ev.Unmapped = "Zeek log " + z.path + " " + why
		}
	}
	return append(dst, ev)
}

// zeekExtra are the columns that go into AdditionalFields, by log.
var zeekExtra = map[string]string{
	"conn": "uid service duration orig_bytes resp_bytes conn_state history orig_pkts resp_pkts missed_bytes",
	"dns":  "uid query qtype_name rcode_name AA TC RD RA Z rejected trans_id",
	"http": "uid method host uri referrer user_agent status_code status_msg request_body_len response_body_len username",
	"ssl":  "uid server_name ja3 ja3s version cipher curve established resumed validation_status subject issuer next_protocol",
	"ssh":  "uid version auth_success auth_attempts direction client server cipher_alg hassh hasshServer",
	"ftp":  "uid user command arg mime_type file_size reply_code reply_msg",
	"smtp": "uid helo mailfrom from subject user_agent tls last_reply msg_id",
	"rdp":  "uid cookie result security_protocol client_build client_name client_dig_product_id keyboard_layout",
}

var zeekActions = map[string]string{
	"dns": "DnsConnectionInspected", "http": "HttpConnectionInspected", "ssl": "SslConnectionInspected", "ssh": "SshConnectionInspected",
	"ftp": "FtpConnectionInspected", "smtp": "SmtpConnectionInspected", "rdp": "NetworkSignatureInspected",
}

func (d *Decoder) zeekNetwork(ev *tocsin.Event, z *zeekRecord, ordinal int64) {
	r := newRow(ev.Time)
	action := zeekActions[z.path]
	if z.path == "conn" {
		switch z.get("conn_state") {
		case "S0", "SH":
			action = "ConnectionAttempt"
		case "REJ", "RSTOS0", "RSTRH", "SHR":
			action = "ConnectionFailed"
		default:
			action = "NetworkSignatureInspected"
		}
	}
	r["ActionType"] = action
	// No device: the sensor saw the wire, and what hosts stand at its ends only
	// their addresses tell.
	r.ends(z.get("id.orig_h"), z.get("id.orig_p"), z.get("id.resp_h"), z.get("id.resp_p"))
	proto := z.get("proto")
	if proto == "" {
		proto = "tcp"
	}
	r.set("Protocol", protocolName(proto))
	switch z.path {
	case "dns":
		r.set("RemoteUrl", z.get("query"))
	case "http":
		r.set("RemoteUrl", z.get("host")+z.get("uri"))
	case "ssl":
		r.set("RemoteUrl", z.get("server_name"))
	}
	var b bag
	for name := range strings.FieldsSeq(zeekExtra[z.path]) {
		b.add(name, z.get(name))
	}
	switch z.path {
	case "dns":
		b.add("answers", z.all("answers"))
	case "smtp":
		b.add("rcptto", z.all("rcptto"))
	}
	b.add("sensor", z.sensor)
	b.putText(r)
	d.emit(ev, "DeviceNetworkEvents", r, ordinal)
}

func (d *Decoder) zeekLogon(ev *tocsin.Event, z *zeekRecord, ordinal int64) {
	if z.path == "kerberos" && z.get("client") == "" && z.get("service") == "" {
		ev.Unmapped = "Zeek kerberos line names neither client nor service"
		return
	}
	r := newRow(ev.Time)
	r["Application"] = "Active Directory"
	action := "LogonSuccess"
	if s := z.get("success"); s == "F" || s == "false" {
		action = "LogonFailed"
	}
	r["ActionType"] = action
	r.ip("IPAddress", z.get("id.orig_h"))
	r.port("Port", z.get("id.orig_p"))
	r.ip("DestinationIPAddress", z.get("id.resp_h"))
	r.port("DestinationPort", z.get("id.resp_p"))
	var b bag
	if z.path == "kerberos" {
		r["Protocol"] = "Kerberos"
		r["LogonType"] = "Credentials validation"
		if z.get("request_type") == "TGS" {
			r["LogonType"] = "Resource access"
		}
		name, realm, _ := strings.Cut(z.get("client"), "/")
		r.account("Account", realm, name, "")
		service, _, _ := strings.Cut(z.get("service"), "/")
		if strings.HasSuffix(service, "$") {
			r.set("TargetDeviceName", strings.ToLower(strings.TrimSuffix(service, "$")))
		}
		for _, n := range [...]string{"service", "request_type", "cipher", "error_msg", "till", "forwardable", "renewable", "uid"} {
			b.add(n, z.get(n))
		}
		if action == "LogonFailed" {
			r.set("FailureReason", z.get("error_msg"))
		}
	} else {
		r["Protocol"], r["LogonType"] = "Ntlm", "Credentials validation"
		r.account("Account", z.get("domainname"), z.get("username"), "")
		r.set("DeviceName", strings.ToLower(z.get("hostname")))
		r.set("DestinationDeviceName", strings.ToLower(z.get("server_dns_computer_name")))
		b.add("server_nb_computer_name", z.get("server_nb_computer_name"))
		b.add("uid", z.get("uid"))
	}
	b.putDynamic(r)
	d.emit(ev, "IdentityLogonEvents", r, ordinal)
}

func (d *Decoder) zeekRPC(ev *tocsin.Event, z *zeekRecord, ordinal int64) {
	r := newRow(ev.Time)
	endpoint := z.get("endpoint")
	r["ActionType"], r["Protocol"] = "RPC call", "Dcerpc"
	if endpoint == "samr" {
		r["ActionType"], r["Protocol"] = "SAMR query", "Samr"
	}
	r["Application"] = "Active Directory"
	r.set("QueryType", z.get("operation"))
	r.set("QueryTarget", endpoint)
	r.ip("IPAddress", z.get("id.orig_h"))
	r.port("Port", z.get("id.orig_p"))
	r.ip("DestinationIPAddress", z.get("id.resp_h"))
	r.port("DestinationPort", z.get("id.resp_p"))
	var b bag
	for _, n := range [...]string{"endpoint", "operation", "named_pipe", "rtt", "uid"} {
		b.add(n, z.get(n))
	}
	b.putDynamic(r)
	d.emit(ev, "IdentityQueryEvents", r, ordinal)
}

var smbActions = map[string]string{
	"SMB::FILE_OPEN": "FileOpened", "SMB::FILE_READ": "FileRead", "SMB::FILE_WRITE": "FileModified", "SMB::FILE_DELETE": "FileDeleted",
	"SMB::FILE_RENAME": "FileRenamed", "SMB::FILE_CLOSE": "FileClosed", "SMB::PRINT_OPEN": "FileOpened",
}

// zeekFile maps files on shares, and files carried by any protocol of which
// Zeek took a hash.
func (d *Decoder) zeekFile(ev *tocsin.Event, z *zeekRecord, ordinal int64) {
	r := newRow(ev.Time)
	var b bag
	switch z.path {
	case "files":
		if z.get("sha1") == "" && z.get("md5") == "" && z.get("sha256") == "" {
			ev.Unmapped = "Zeek files line without a hash"
			return
		}
		r["ActionType"] = "FileTransferred"
		r.file(z.get("filename"))
		r.set("SHA1", strings.ToLower(z.get("sha1")))
		r.set("SHA256", strings.ToLower(z.get("sha256")))
		r.set("MD5", strings.ToLower(z.get("md5")))
		r.long("FileSize", z.get("total_bytes"))
		r.set("RequestProtocol", z.get("source"))
		r.ip("RequestSourceIP", firstOf(z.get("id.orig_h"), z.get("rx_hosts")))
		r.ip("FileOriginIP", firstOf(z.get("id.resp_h"), z.get("tx_hosts")))
		for _, n := range [...]string{"fuid", "mime_type", "source", "seen_bytes", "conn_uids", "uid"} {
			b.add(n, z.get(n))
		}
	default:
		r["ActionType"] = "ShareMapped"
		share, name := z.get("path"), z.get("name")
		if z.path == "smb_files" {
			r["ActionType"] = firstOf(smbActions[z.get("action")], "FileOpened")
		}
		full := strings.TrimSuffix(share, `\`)
		if name != "" {
			full += `\` + name
		}
		r.file(full)
		r.set("ShareName", share)
		// The share's path names the host that has the file.
		if host, _, _ := strings.Cut(strings.TrimPrefix(share, `\\`), `\`); strings.HasPrefix(share, `\\`) && address(host) == "" && host != "" {
			v := d.device(host)
			r["DeviceName"], r["DeviceId"] = v.name, v.id
		}
		r["RequestProtocol"] = "SMB"
		r.ip("RequestSourceIP", z.get("id.orig_h"))
		r.port("RequestSourcePort", z.get("id.orig_p"))
		r.long("FileSize", z.get("size"))
		if z.get("action") == "SMB::FILE_RENAME" {
			r.set("PreviousFileName", z.get("prev_name"))
		}
		b.add("path", share)
		for _, n := range [...]string{"name", "action", "share_type", "service", "uid", "id.resp_h"} {
			b.add(n, z.get(n))
		}
	}
	b.putText(r)
	d.emit(ev, "DeviceFileEvents", r, ordinal)
}
