package kql

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
)

func TestTextOf(t *testing.T) {
	for _, c := range []struct {
		v    Value
		want string
	}{
		{Null(Long), ""}, {Null(String), ""}, {LongOf(-5), "-5"}, {IntOf(1 << 31), "-2147483648"},
		{RealOf(1), "1.0"}, {RealOf(0.1), "0.1"}, {RealOf(-0.5), "-0.5"}, {RealOf(1e20), "1E+20"}, {RealOf(math.NaN()), "NaN"},
		{RealOf(math.Inf(-1)), "-Infinity"}, {BoolOf(true), "True"}, {BoolOf(false), "False"},
		{DateTimeOf(0), "0001-01-01T00:00:00.0000000Z"}, {DateTimeOf(MaxDateTimeTicks), "9999-12-31T23:59:59.9999999Z"},
		{TimeOf(time.Date(2020, 2, 29, 13, 4, 5, 1234500, time.UTC)), "2020-02-29T13:04:05.0012345Z"},
		{TimeSpanOf(0), "00:00:00"}, {TimeSpanOf(-1), "-00:00:00.0000001"}, {TimeSpanOf(TicksPerDay + 2*TicksPerHour), "1.02:00:00"},
		{TimeSpanOf(math.MinInt64), "-10675199.02:48:05.4775808"},
		{DynamicOf("x\"y"), "x\"y"}, {DynamicOf([]Dyn{int64(1), 2.0, nil, "a"}), `[1,2.0,null,"a"]`},
	} {
		if got := TextOf(c.v); got != c.want {
			t.Errorf("TextOf(%v %s) = %q, want %q", c.v, c.v.Type(), got, c.want)
		}
	}
}

func TestParseJSON(t *testing.T) {
	for text, want := range map[string]string{
		` {"b":1,"a":[1.50,-0,true,null]} `: `{"b":1,"a":[1.5,0,true,null]}`,
		`{"a":1,"b":2,"a":3}`:               `{"a":3,"b":2}`,
		`9223372036854775808`:               `9.223372036854775808E+18`,
		`"\u00e9\ud83d\ude00\n\/"`:          `"é😀\n/"`,
		`[]`:                                `[]`,
		`{}`:                                `{}`,
	} {
		d, ok := ParseJSON(text)
		if !ok {
			t.Errorf("ParseJSON(%s) failed", text)
			continue
		}
		got := JSONOf(d)
		if text == `9223372036854775808` {
			if f, isReal := d.(float64); !isReal || f != 9223372036854775808 {
				t.Errorf("a number beyond int64 is %v", d)
			}
			continue
		}
		if got != want {
			t.Errorf("ParseJSON(%s) prints %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{``, `{`, `[1,]`, `{"a":1,}`, `{a:1}`, `01`, `1.`, `.5`, `"a` + "\t" + `b"`, `"\q"`, `nul`, `1 2`, `'a'`, `+1`,
		strings.Repeat("[", 5000) + strings.Repeat("]", 5000)} {
		if d, ok := ParseJSON(text); ok {
			t.Errorf("ParseJSON(%.40s) = %v, want a refusal", text, d)
		}
	}
}

func FuzzParseJSON(f *testing.F) {
	f.Add(`{"a":[1,2.5,"x",null,true,{"b":[]}]}`)
	f.Add(`"\ud83d\ude00"`)
	f.Add(`-1e-5`)
	f.Fuzz(func(t *testing.T, text string) {
		d, ok := ParseJSON(text)
		if !ok {
			return
		}
		if !json.Valid([]byte(text)) {
			t.Fatalf("took %q, which is no JSON", text)
		}
		printed := JSONOf(d)
		again, ok := ParseJSON(printed)
		if !ok || JSONOf(again) != printed {
			t.Fatalf("%q prints as %q, which reads as %v", text, printed, again)
		}
	})
}
