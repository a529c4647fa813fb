package intake

import (
	"encoding/json"
	"strings"

	"github.com/tocsinhq/tocsin"
)

// record is a JSON record of a cloud service on its way to events and rows.
type record struct {
	d *jdoc
	n *jnode
}

// str is the text of a member reached by names, "" without.
func (r record) str(path ...string) string {
	n := r.d.at(r.n, path...)
	if n == nil || n.kind == '{' || n.kind == '[' {
		return ""
	}
	return r.d.text(n)
}

func (r record) json(path ...string) json.RawMessage {
	n := r.d.at(r.n, path...)
	if n == nil || n.kind == '0' {
		return nil
	}
	return r.d.rawJSON(n)
}

// cloudFields flattens a record for rules: a.b.c for what is nested, and each
// object or array at the top also as its JSON, since rules search in it as one
// text. Lists of {Name, Value} become list.Name.
func (d *Decoder) cloudFields(n *jnode) []tocsin.Field {
	doc, t := &d.doc, &d.take
	t.start(doc)
	for i := doc.first(n); i < n.next; i = doc.n[i].next {
		c := &doc.n[i]
		if c.kind == '{' || c.kind == '[' {
			if c.next > c.self+1 {
				t.add(c.key, c)
			}
			d.namedValues(c)
		}
		t.flatten(c.key, c)
	}
	return t.appendTo(make([]tocsin.Field, 0, len(t.names)+4))
}

// namedValues adds list.Name = Value for the lists of pairs that Microsoft's
// audit records are full of.
func (d *Decoder) namedValues(list *jnode) {
	if list.kind != '[' {
		return
	}
	doc := &d.doc
	for i := doc.first(list); i < list.next; i = doc.n[i].next {
		name, value := pair(doc, &doc.n[i])
		if name != nil && value != nil && value.kind != '0' && name.b-name.a <= maxName {
			d.take.add(doc.dotted(list.key, doc.text(name)), value)
		}
	}
}

// pair finds the name and the value of an element of a list of pairs.
func pair(doc *jdoc, n *jnode) (name, value *jnode) {
	for _, k := range [...][2]string{{"Name", "Value"}, {"key", "value"}, {"Name", "NewValue"}, {"displayName", "newValue"}} {
		name, value = doc.child(n, k[0]), doc.child(n, k[1])
		if name != nil && value != nil && name.kind == 's' {
			return name, value
		}
	}
	return nil, nil
}

// cloudTrail maps a record of AWS CloudTrail, as AWS writes it or as Logstash
// passes it on (the time in @timestamp).
func (d *Decoder) cloudTrail(n *jnode, ordinal int64, dst []tocsin.Event) ([]tocsin.Event, error) {
	t, ok := d.time(n, "eventTime")
	if !ok {
		if t, ok = d.time(n, "@timestamp"); !ok {
			return dst, errNoTime
		}
	}
	if !validTime(t) {
		return dst, refuse("time lies before 1970 or after 2261")
	}
	rec := record{&d.doc, n}
	ev := tocsin.Event{Product: "aws", Service: "cloudtrail", Time: t, Fields: d.cloudFields(n)}
	name, source := rec.str("eventName"), rec.str("eventSource")
	arn, user := rec.str("userIdentity", "arn"), rec.str("userIdentity", "userName")
	if user == "" {
		user = rec.str("userIdentity", "sessionContext", "sessionIssuer", "userName")
	}
	if user == "" {
		user = baseName(arn)
	}
	if user == "" {
		user = rec.str("userIdentity", "invokedBy")
	}
	objectID, objectName, objectType, objects := d.awsObjects(n)

	r := newRow(t)
	r.set("ActionType", name)
	r["Application"], r["ApplicationId"] = "Amazon Web Services", int64(11599)
	r.set("ActivityType", strings.TrimSuffix(source, ".amazonaws.com"))
	r.set("AccountId", firstOf(arn, rec.str("userIdentity", "accountId")))
	r.set("AccountObjectId", rec.str("userIdentity", "principalId"))
	r.set("AccountDisplayName", user)
	r.set("AccountType", rec.str("userIdentity", "type"))
	r.ip("IPAddress", rec.str("sourceIPAddress"))
	r.set("UserAgent", rec.str("userAgent"))
	r["IsAdminOperation"] = !awsReads(rec)
	r.set("ObjectId", objectID)
	r.set("ObjectName", objectName)
	r.set("ObjectType", objectType)
	if len(objects) > 0 {
		r["ActivityObjects"] = json.RawMessage(objects)
	}
	raw := json.RawMessage(d.doc.rawJSON(n))
	r["RawEventData"] = raw
	r["AuditSource"] = "App connector"
	extra := awsExtra(rec).bytes()
	r["AdditionalFields"] = extra
	d.emit(&ev, "CloudAppEvents", r, ordinal)

	c := newRow(t)
	c.set("ActionType", name)
	c.set("OperationName", name)
	c.set("Account", firstOf(arn, user))
	c["DataSource"], c["AuditSource"] = "AWS CloudTrail", "AWS"
	c.set("AwsResourceName", objectID)
	c.ip("IPAddress", rec.str("sourceIPAddress"))
	c.set("UserAgent", rec.str("userAgent"))
	c["RawEventData"], c["AdditionalFields"] = raw, extra
	d.emit(&ev, "CloudAuditEvents", c, ordinal)
	return append(dst, ev), nil
}

// bytes ends the bag, for several rows to share.
func (b *bag) bytes() json.RawMessage {
	if len(*b) == 0 {
		return json.RawMessage("{}")
	}
	return json.RawMessage(append(*b, '}'))
}

func awsExtra(rec record) *bag {
	b := new(bag)
	for _, k := range [...]string{"eventSource", "errorCode", "errorMessage", "awsRegion", "recipientAccountId", "requestID", "eventID", "eventType"} {
		b.add(k, rec.str(k))
	}
	b.add("accessKeyId", rec.str("userIdentity", "accessKeyId"))
	b.add("mfaAuthenticated", rec.str("userIdentity", "sessionContext", "attributes", "mfaAuthenticated"))
	b.add("sessionIssuerArn", rec.str("userIdentity", "sessionContext", "sessionIssuer", "arn"))
	b.add("sourceIPAddress", rec.str("sourceIPAddress"))
	return b
}

// awsReads tells operations that change nothing. Older records lack readOnly;
// their names tell.
func awsReads(rec record) bool {
	switch rec.str("readOnly") {
	case "true":
		return true
	case "false":
		return false
	}
	name := rec.str("eventName")
	for _, p := range [...]string{"Get", "List", "Describe", "Head", "Lookup", "Search", "BatchGet", "Query", "Scan"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// awsNames are the parameters that name what a call is about, best first.
var awsNames = [...][2]string{
	{"secretId", "Secret"}, {"bucketName", "Bucket"}, {"roleName", "Role"}, {"userName", "User"}, {"groupName", "Group"}, {"policyArn", "Policy"},
	{"roleArn", "Role"}, {"functionName", "Function"}, {"instanceId", "Instance"}, {"snapshotId", "Snapshot"}, {"volumeId", "Volume"},
	{"keyId", "Key"}, {"groupId", "SecurityGroup"}, {"name", "Resource"}, {"trailName", "Trail"}, {"detectorId", "Detector"},
	{"dBInstanceIdentifier", "DBInstance"}, {"parameterName", "Parameter"}, {"resourceArn", "Resource"}, {"imageId", "Image"},
}

// awsObjects are the things that a call was about.
func (d *Decoder) awsObjects(n *jnode) (id, name, kind string, objects []byte) {
	doc := &d.doc
	add := func(typ, role, id, name string) {
		if len(objects) >= 8<<10 {
			return
		}
		var o bag
		o.add("Type", typ)
		o.add("Role", role)
		o.add("Id", id)
		o.add("Name", name)
		objects = append(append(objects, ','), o.bytes()...)
	}
	if list := doc.child(n, "resources"); list != nil && list.kind == '[' {
		for i := doc.first(list); i < list.next; i = doc.n[i].next {
			one := record{doc, &doc.n[i]}
			arn := firstOf(one.str("ARN"), one.str("arn"))
			if arn == "" {
				continue
			}
			if id == "" {
				id, kind = arn, one.str("type")
			}
			add(one.str("type"), "Target object", arn, "")
		}
	}
	req := record{doc, doc.child(n, "requestParameters")}
	for _, k := range awsNames {
		v := req.str(k[0])
		if v == "" {
			continue
		}
		if name == "" {
			name = v
			kind = firstOf(kind, k[1])
		}
		add(k[1], "Parameter", "", v)
	}
	items := doc.at(n, "requestParameters", "instancesSet", "items")
	if items != nil && items.kind == '[' {
		for i := doc.first(items); i < items.next; i = doc.n[i].next {
			if v := (record{doc, &doc.n[i]}).str("instanceId"); v != "" {
				if name == "" {
					name, kind = v, firstOf(kind, "Instance")
				}
				add("Instance", "Parameter", "", v)
			}
		}
	}
	if len(objects) > 0 {
		objects[0] = '['
		objects = append(objects, ']')
	}
	return firstOf(id, name), firstOf(name, baseName(id)), kind, objects
}
