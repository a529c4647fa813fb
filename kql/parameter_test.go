package kql

import "testing"

func TestParseParameters(t *testing.T) {
	for _, c := range []struct{ typ, text, want string }{
		{"string", `ann`, "ann"},
		{"string", `"ann \"x\""`, `ann "x"`},
		{"string", `5`, "5"},
		{"string", `a"; DeviceEvents`, `a"; DeviceEvents`},
		{"string", ``, ""},
		{"long", `5`, "5"},
		{"long", `-5`, "-5"},
		{"long", `long(7)`, "7"},
		{"long", `-9223372036854775808`, "-9223372036854775808"},
		{"long", `long(null)`, "null"},
		{"long", `1.5`, "error"},
		{"long", `1 + 1`, "error"},
		{"long", `1; print 2`, "error"},
		{"long", `x`, "error"},
		{"int", `7`, "7"},
		{"int", `int(7)`, "7"},
		{"int", `5000000000`, "error"},
		{"real", `3`, "3.0"},
		{"real", `real(0.5)`, "0.5"},
		{"decimal", `1.5`, "1.5"},
		{"decimal", `decimal(1.5)`, "1.5"},
		{"bool", `true`, "True"},
		{"bool", `bool(false)`, "False"},
		{"datetime", `datetime(2024-05-01T10:00:00Z)`, "2024-05-01T10:00:00.0000000Z"},
		{"datetime", `2024-05-01`, "2024-05-01T00:00:00.0000000Z"},
		{"datetime", `yesterday`, "error"},
		{"datetime", `5`, "error"},
		{"timespan", `1h`, "01:00:00"},
		{"timespan", `-1h`, "-01:00:00"},
		{"timespan", `timespan(1.02:03:04)`, "1.02:03:04"},
		{"timespan", `00:05:00`, "00:05:00"},
		{"guid", `guid(74be27de-1e4e-49d9-b579-fe0b331d3642)`, "74be27de-1e4e-49d9-b579-fe0b331d3642"},
		{"guid", `74BE27DE-1E4E-49D9-B579-FE0B331D3642`, "74be27de-1e4e-49d9-b579-fe0b331d3642"},
		{"dynamic", `dynamic([1,"a"])`, `[1,"a"]`},
		{"dynamic", `{"a":1}`, `{"a":1}`},
		{"dynamic", `5`, "5"},
		{"dynamic", `{"a"`, "error"},
	} {
		values, err := ParseParameters("declare query_parameters(p:"+c.typ+"); print p", map[string]string{"p": c.text, "other": "x"})
		got := "error"
		if err == nil {
			v := values["p"]
			if got = TextOf(v); v.IsNull() {
				got = "null"
			}
			if want, _ := ParseType(c.typ); v.Type() != want || len(values) != 1 {
				t.Errorf("%s %s: %d values, type %s", c.typ, c.text, len(values), v.Type())
			}
		}
		if got != c.want {
			t.Errorf("%s %s: %s (%v), want %s", c.typ, c.text, got, err, c.want)
		}
	}
	if values, err := ParseParameters("declare query_parameters(p:long", map[string]string{"p": "x"}); err != nil || values != nil {
		t.Errorf("a query that does not parse: %v %v", values, err)
	}
}
