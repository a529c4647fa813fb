package kql

import (
	"errors"
	"strings"
)

// Functions that take apart command lines, versions and records of a CSV file.

func init() {
	windows := func(args []Value) Value { return DynamicOf(windowsArgs(TextOf(args[0]))) }
	Register(
		Func{Name: "parse_csv", Naming: NameFirst, Doc: "The fields of the first record of a CSV text.", Sigs: []Sig{Of(Dynamic, P("csv_text", onlyString|onlyDynamic))},
			Eval: func(args []Value) Value {
				if args[0].IsNull() {
					return Null(Dynamic)
				}
				return DynamicOf(csvFields(textOf(args[0])))
			}},
		Func{Name: "parse_version", Doc: "A version of one to four numbers as a decimal that compares as versions do.", Sigs: []Sig{Of(Decimal, P("version", onlyString))},
			Eval: func(args []Value) Value { return parseVersion(args[0].Str()) }},
		Func{Name: "parse_command_line", NullIn: true, Doc: "The arguments of a command line, as Windows splits it.",
			Sigs: []Sig{Of(Dynamic, P("command", AnyScalar), P("parser", onlyString))},
			Prepare: func(consts []*Value) (func([]Value) Value, error) {
				if consts[1] != nil && !strings.EqualFold(consts[1].Str(), "windows") {
					return nil, errors.New(`the parser of parse_command_line() must be "windows"`)
				}
				return nil, nil
			},
			Eval: func(args []Value) Value {
				if !strings.EqualFold(args[1].Str(), "windows") || args[0].IsNull() {
					return Null(Dynamic)
				}
				return windows(args)
			}},
	)
}

// csvFields are the fields of the first record. A field in quotes may hold commas,
// ends of lines, and quotes that are doubled.
func csvFields(s string) []Dyn {
	var list []Dyn
	for i := 0; ; {
		var field []byte
		if i < len(s) && s[i] == '"' {
			for i++; i < len(s); i++ {
				if s[i] != '"' {
					field = append(field, s[i])
					continue
				}
				if i+1 >= len(s) || s[i+1] != '"' {
					i++
					break
				}
				field = append(field, '"')
				i++
			}
		}
		end := i
		for end < len(s) && s[end] != ',' && s[end] != '\n' && s[end] != '\r' {
			end++
		}
		list = append(list, string(append(field, s[i:end]...)))
		if end == len(s) || s[end] != ',' {
			return list
		}
		i = end + 1
	}
}

// parseVersion is null for what is no version. Each number has eight digits of
// the decimal.
func parseVersion(s string) Value {
	const width = 8
	parts := strings.SplitN(s, ".", 5)
	if len(parts) > 4 {
		return Null(Decimal)
	}
	var digits strings.Builder
	for i := range 4 {
		part := ""
		if i < len(parts) {
			if part = parts[i]; part == "" || len(part) > width || !allDigits(part) {
				return Null(Decimal)
			}
		}
		digits.WriteString("00000000"[len(part):])
		digits.WriteString(part)
	}
	text := strings.TrimLeft(digits.String(), "0")
	if text == "" {
		text = "0"
	}
	return DecimalOf(text)
}

// windowsArgs splits a command line as CommandLineToArgvW of Windows does. The
// first argument is the program: quotes about it have no escapes. In the others a
// quote after an odd number of backslashes is a character, and the third of
// quotes in a row as well.
func windowsArgs(s string) []Dyn {
	list := []Dyn{}
	if s == "" {
		return list
	}
	blank := func(c byte) bool { return c == ' ' || c == '\t' }
	i := 0
	if s[0] == '"' {
		program, _, closed := strings.Cut(s[1:], `"`)
		list = append(list, program)
		if i = 1 + len(program); closed {
			i++
		}
	} else {
		for i < len(s) && !blank(s[i]) {
			i++
		}
		list = append(list, s[:i])
	}
	for {
		for i < len(s) && blank(s[i]) {
			i++
		}
		if i == len(s) {
			return list
		}
		var arg []byte
		slashes, quotes := 0, 0
		for i < len(s) && (quotes > 0 || !blank(s[i])) {
			c := s[i]
			i++
			switch c {
			case '\\':
				arg = append(arg, c)
				slashes++
				continue
			case '"':
				arg = arg[:len(arg)-(slashes+1)/2]
				if slashes%2 == 0 {
					quotes++
				} else {
					arg = append(arg, c)
				}
				for ; i < len(s) && s[i] == '"'; i++ {
					if quotes++; quotes == 3 {
						arg = append(arg, c)
						quotes = 0
					}
				}
				if quotes == 2 {
					quotes = 0
				}
			default:
				arg = append(arg, c)
			}
			slashes = 0
		}
		list = append(list, string(arg))
	}
}
