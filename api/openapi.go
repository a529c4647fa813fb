package api

import (
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
)

// describe makes openapi.json from the table and from the types of bodies and
// answers.
func describe(table []route) ([]byte, error) {
	d := &describer{schemas: map[string]any{}, names: map[reflect.Type]string{}}
	paths := map[string]map[string]any{}
	for i := range table {
		rt := &table[i]
		p := strings.TrimSuffix(rt.path, "{$}")
		if paths[p] == nil {
			paths[p] = map[string]any{}
		}
		paths[p][strings.ToLower(rt.method)] = d.operation(rt)
	}
	d.schemas["error"] = d.object(reflect.TypeFor[errorBody]())
	d.schemas["alertEvidence"] = evidenceSchema()
	doc := map[string]any{
		"openapi": "3.0.3",
		"info": map[string]any{"title": "Tocsin", "version": "1.0",
			"description": "Incidents and alerts in the shapes of Microsoft Graph security, and Tocsin's own routes. " +
				"Every operation names the permission that it needs in x-permission.",
			"license": map[string]any{"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"}},
		"servers": []any{map[string]any{"url": "/"}},
		"tags":    tags(table),
		"paths":   paths,
		"components": map[string]any{
			"schemas": d.schemas,
			"securitySchemes": map[string]any{
				"session": map[string]any{"type": "apiKey", "in": "cookie", "name": "tocsin",
					"description": "Browser session; changing requests also carry X-CSRF-Token. Over TLS the cookie is named __Host-tocsin."},
				"bearer": map[string]any{"type": "http", "scheme": "bearer", "description": "API token (tcs_...) or access token of the token endpoint"},
			},
		},
	}
	return json.MarshalIndent(doc, "", "  ")
}

func tags(table []route) []any {
	var out []any
	seen := map[string]bool{}
	for i := range table {
		if t := table[i].tag; !seen[t] {
			seen[t] = true
			out = append(out, map[string]any{"name": t})
		}
	}
	return out
}

type describer struct {
	schemas map[string]any
	names   map[reflect.Type]string
}

var pathParam = regexp.MustCompile(`\{([a-z]+)\}`)

func (d *describer) operation(rt *route) map[string]any {
	op := map[string]any{"operationId": rt.id, "summary": rt.doc, "tags": []string{rt.tag}}
	var params []any
	for _, m := range pathParam.FindAllStringSubmatch(rt.path, -1) {
		params = append(params, map[string]any{"name": m[1], "in": "path", "required": true, "schema": map[string]any{"type": "string"}})
	}
	for _, p := range rt.params {
		params = append(params, map[string]any{"name": p.name, "in": p.in, "description": p.doc, "schema": map[string]any{"type": p.kind}})
	}
	if params != nil {
		op["parameters"] = params
	}
	switch {
	case rt.in != nil:
		op["requestBody"] = content("application/json", d.schema(rt.in, ""), true)
	case rt.inType != "":
		op["requestBody"] = content(rt.inType, map[string]any{}, false)
	}
	status := rt.status
	if status == 0 {
		status = http.StatusOK
	}
	answer := map[string]any{"description": http.StatusText(status)}
	switch {
	case rt.out != nil:
		answer["content"] = content("application/json", d.schema(rt.out, ""), false)["content"]
	case rt.outIs != "":
		answer["content"] = content(rt.outIs, map[string]any{}, false)["content"]
	}
	other := map[string]any{"description": "Error"}
	if rt.dialect == graphDialect {
		other["content"] = content("application/json", ref("error"), false)["content"]
	}
	op["responses"] = map[string]any{strconv.Itoa(status): answer, "default": other}
	if rt.public != "" {
		op["security"] = []any{}
		op["x-public"] = rt.public
	} else {
		op["security"] = []any{map[string]any{"bearer": []any{}}, map[string]any{"session": []any{}}}
		op["x-permission"] = string(rt.verb)
	}
	return op
}

func content(kind string, schema map[string]any, required bool) map[string]any {
	c := map[string]any{"content": map[string]any{kind: map[string]any{"schema": schema}}}
	if required {
		c["required"] = true
	}
	return c
}

func ref(name string) map[string]any { return map[string]any{"$ref": "#/components/schemas/" + name} }

// schema describes a type; tag is the field's, for what a Go type cannot say.
func (d *describer) schema(t reflect.Type, tag reflect.StructTag) map[string]any {
	if name := tag.Get("enum"); name != "" {
		return map[string]any{"type": "string", "enum": []string(enums[name])}
	}
	if one := tag.Get("one"); one != "" {
		return map[string]any{"type": "string", "enum": strings.Split(one, ",")}
	}
	switch t {
	case reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case reflect.TypeFor[json.RawMessage]():
		return map[string]any{"nullable": true}
	}
	switch t.Kind() {
	case reflect.Pointer:
		s := d.schema(t.Elem(), tag)
		if _, isRef := s["$ref"]; !isRef {
			s["nullable"] = true
		}
		return s
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer", "format": "int64"}
	case reflect.Int32:
		return map[string]any{"type": "integer", "format": "int32"}
	case reflect.Float64:
		return map[string]any{"type": "number", "format": "double"}
	case reflect.Slice:
		if of := tag.Get("schema"); of != "" {
			return map[string]any{"type": "array", "items": ref(of)}
		}
		return map[string]any{"type": "array", "items": d.schema(t.Elem(), "")}
	case reflect.Map:
		s := map[string]any{"type": "object", "nullable": true, "additionalProperties": true}
		if t.Elem().Kind() != reflect.Interface {
			s["additionalProperties"] = d.schema(t.Elem(), "")
		}
		return s
	case reflect.Struct:
		return d.named(t)
	}
	return map[string]any{}
}

func (d *describer) named(t reflect.Type) map[string]any {
	name, ok := d.names[t]
	if !ok {
		name = schemaName(t)
		d.names[t] = name
		d.schemas[name] = d.object(t)
	}
	return ref(name)
}

// schemaName is the type's own name, with what a generic one is made of:
// "graphPage[...graphIncident]" is "graphIncidentPage".
func schemaName(t reflect.Type) string {
	name := t.Name()
	outer, inner, generic := strings.Cut(name, "[")
	if generic {
		inner = strings.TrimSuffix(inner, "]")
		inner = inner[strings.LastIndexByte(inner, '.')+1:]
		name = inner + map[string]string{"graphPage": "Page", "valueOf": "List"}[outer]
	}
	return strings.ToLower(name[:1]) + name[1:]
}

func (d *describer) object(t reflect.Type) map[string]any {
	props, required := map[string]any{}, []string{}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			in := d.object(f.Type)
			for k, v := range in["properties"].(map[string]any) {
				props[k] = v
			}
			if r, ok := in["required"].([]string); ok {
				required = append(required, r...)
			}
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		props[name] = d.schema(f.Type, f.Tag)
		if !strings.Contains(options, "omit") {
			required = append(required, name)
		}
	}
	o := map[string]any{"type": "object", "properties": props}
	if len(required) > 0 {
		o["required"] = required
	}
	return o
}

// evidenceSchema is the base of all evidence; the properties beyond it depend
// on the type.
func evidenceSchema() map[string]any {
	var types []string
	for _, t := range tocsin.EvidenceTypes() {
		types = append(types, evidenceTypePrefix+string(t)+evidenceTypeSuffix)
	}
	texts := map[string]any{"type": "array", "items": map[string]any{"type": "string"}}
	return map[string]any{"type": "object", "additionalProperties": true,
		"required": []string{"@odata.type", "createdDateTime", "roles", "verdict", "remediationStatus"},
		"properties": map[string]any{
			"@odata.type":              map[string]any{"type": "string", "enum": types},
			"createdDateTime":          map[string]any{"type": "string", "format": "date-time", "nullable": true},
			"roles":                    map[string]any{"type": "array", "items": map[string]any{"type": "string", "enum": []string(enums["evidenceRole"])}},
			"detailedRoles":            texts,
			"tags":                     texts,
			"verdict":                  map[string]any{"type": "string", "enum": []string(enums["evidenceVerdict"])},
			"remediationStatus":        map[string]any{"type": "string", "enum": []string(enums["evidenceRemediationStatus"])},
			"remediationStatusDetails": map[string]any{"type": "string", "nullable": true},
		}}
}
