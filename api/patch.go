package api

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/cases"
)

// parseIncidentPatch reads the body of PATCH incidents/{id}. A property that
// is read-only or does not exist is an error that names it: a client that
// believes to have set something must not be told that all went well.
func parseIncidentPatch(raw []byte) (cases.IncidentUpdate, error) {
	var u cases.IncidentUpdate
	members, err := decodeObject(raw)
	if err != nil {
		return u, err
	}
	for _, m := range members {
		if strings.HasPrefix(m.name, "@") {
			continue
		}
		switch m.name {
		case "displayName":
			err = set(&u.DisplayName, m, textValue)
		case "description":
			err = set(&u.Description, m, nullableText)
		case "assignedTo":
			err = set(&u.AssignedTo, m, nullableText)
		case "resolvingComment":
			err = set(&u.ResolvingComment, m, nullableText)
		case "summary":
			err = set(&u.Summary, m, nullableText)
		case "severity":
			err = setEnum(&u.Severity, m, "alertSeverity")
		case "status":
			err = setEnum(&u.Status, m, "incidentStatus")
		case "classification":
			err = setEnum(&u.Classification, m, "alertClassification")
		case "determination":
			err = setDetermination(&u.Determination, m)
		case "customTags":
			err = set(&u.CustomTags, m, textsValue)
		case "tocsin":
			err = parseOwn(&u, m)
		default:
			err = notWritable(m.name, reflect.TypeFor[graphIncident]())
		}
		if err != nil {
			return u, err
		}
	}
	return u, nil
}

// parseOwn reads what of Tocsin's own properties of an incident can be set.
func parseOwn(u *cases.IncidentUpdate, m member) error {
	inner, err := decodeObject(m.value)
	if err != nil {
		return tocsin.Errorf(tocsin.CodeInvalid, "the property %q takes an object", m.name)
	}
	if len(inner) == 0 {
		return tocsin.Errorf(tocsin.CodeInvalid, "of the property %q only customDetails can be set", m.name)
	}
	for _, own := range inner {
		if own.name != "customDetails" {
			return notWritable(own.name, reflect.TypeFor[incidentDetails]())
		}
		details := map[string]any{}
		if string(own.value) != "null" {
			if err := json.Unmarshal(own.value, &details); err != nil {
				return tocsin.Errorf(tocsin.CodeInvalid, "the property %q takes an object of names and values", own.name)
			}
		}
		u.CustomDetails = &details
	}
	return nil
}

// parseAlertPatch reads the body of PATCH alerts_v2/{id}.
func parseAlertPatch(raw []byte) (cases.AlertUpdate, error) {
	var u cases.AlertUpdate
	members, err := decodeObject(raw)
	if err != nil {
		return u, err
	}
	for _, m := range members {
		if strings.HasPrefix(m.name, "@") {
			continue
		}
		switch m.name {
		case "status":
			err = setEnum(&u.Status, m, "alertStatus")
		case "classification":
			err = setEnum(&u.Classification, m, "alertClassification")
		case "determination":
			err = setDetermination(&u.Determination, m)
		case "assignedTo":
			err = set(&u.AssignedTo, m, nullableText)
		default:
			err = notWritable(m.name, reflect.TypeFor[graphAlert]())
		}
		if err != nil {
			return u, err
		}
	}
	return u, nil
}

func set[T any](to **T, m member, read func(member) (T, error)) error {
	v, err := read(m)
	if err == nil {
		*to = &v
	}
	return err
}

func setEnum[T ~string](to **T, m member, of string) error {
	s, err := enumMember(m, of)
	if err == nil {
		v := T(s)
		*to = &v
	}
	return err
}

// setDetermination takes Graph's names but refuses those that go with no
// classification (apt, securityPersonnel).
func setDetermination(to **tocsin.Determination, m member) error {
	s, err := textValue(m)
	if err != nil {
		return err
	}
	d, err := tocsin.ParseDetermination(s)
	if err == nil {
		*to = &d
	}
	return err
}

// notWritable tells a property that exists from one that does not.
func notWritable(name string, of reflect.Type) error {
	for i := range of.NumField() {
		if tag, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ","); strings.EqualFold(tag, name) {
			if tag != name {
				return tocsin.Errorf(tocsin.CodeInvalid, "there is no property %q; did you mean %q?", name, tag)
			}
			return tocsin.Errorf(tocsin.CodeInvalid, "the property %q is read-only", name)
		}
	}
	return tocsin.Errorf(tocsin.CodeInvalid, "there is no property %q", name)
}

// ifMatch is the version that the client saw: If-Match: "3" or W/"3"; 0 for
// none or *.
func ifMatch(r *http.Request) (int64, error) {
	h := strings.TrimSpace(r.Header.Get("If-Match"))
	if h == "" || h == "*" {
		return 0, nil
	}
	v := strings.TrimPrefix(h, "W/")
	if len(v) > 2 && v[0] == '"' && v[len(v)-1] == '"' {
		if n, err := strconv.ParseInt(v[1:len(v)-1], 10, 64); err == nil && n > 0 {
			return n, nil
		}
	}
	return 0, tocsin.Errorf(tocsin.CodeInvalid, `If-Match takes one version such as "3"`)
}

// parseComment reads the body of POST comments. The type annotation may be
// absent, and with or without the leading #.
func parseComment(raw []byte) (string, error) {
	members, err := decodeObject(raw)
	if err != nil {
		return "", err
	}
	comment, found := "", false
	for _, m := range members {
		switch {
		case m.name == "@odata.type":
			t, err := textValue(m)
			if err != nil {
				return "", err
			}
			if strings.TrimPrefix(t, "#") != "microsoft.graph.security.alertComment" {
				return "", tocsin.Errorf(tocsin.CodeInvalid, "@odata.type is not microsoft.graph.security.alertComment")
			}
		case strings.HasPrefix(m.name, "@"):
		case m.name == "comment":
			if comment, err = textValue(m); err != nil {
				return "", err
			}
			found = true
		default:
			return "", notWritable(m.name, reflect.TypeFor[graphComment]())
		}
	}
	if !found || strings.TrimSpace(comment) == "" {
		return "", tocsin.Errorf(tocsin.CodeInvalid, "the property \"comment\" is missing or empty")
	}
	return comment, nil
}
