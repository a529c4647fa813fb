package kql

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxText bounds the length of a text that a function makes, in bytes.
const maxText = 16 << 20

func init() {
	str := func(name string) Param { return P(name, onlyString) }
	any := func(name string) Param { return P(name, AnyScalar) }
	integer := func(name string) Param { return P(name, AnyInteger|onlyDynamic) }
	array := func(name string) Param { return P(name, onlyDynamic) }
	joined := func(name string, hidden bool) Func {
		return Func{Name: name, Hidden: hidden, Doc: "Joins the elements of an array with a delimiter.",
			Sigs: []Sig{Of(String, array("array"), any("delimiter"))}, Eval: strcatArray}
	}
	codepoints := func(name string) Func {
		return Func{Name: name, Hidden: name == "to_utf8", Doc: "The code points of a text, as an array.", Sigs: []Sig{Of(Dynamic, any("source"))},
			Eval: func(args []Value) Value {
				out := []Dyn{}
				for _, r := range TextOf(args[0]) {
					out = append(out, int64(r))
				}
				return DynamicOf(out)
			}}
	}
	makeString := func(name string, hidden bool) Func {
		return Func{Name: name, Hidden: hidden, Doc: "The text of code points, given one by one or as arrays.",
			Sigs: []Sig{{Params: []Param{P("value", AnyInteger|onlyDynamic)}, Repeat: 1, Result: Always(String)}}, Eval: ofCodepoints}
	}
	Register(
		Func{Name: "strcat", Doc: "Joins its arguments as text.", Eval: strcat,
			Sigs: []Sig{{Params: []Param{any("arg")}, Repeat: 1, Result: Always(String)}}},
		Func{Name: "strcat_delim", Doc: "Joins its arguments as text with a delimiter between them.", Eval: strcatDelim,
			Sigs: []Sig{{Params: []Param{any("delimiter"), any("arg"), any("arg")}, Repeat: 1, Result: Always(String)}}},
		joined("strcat_array", false), joined("array_strcat", true),
		Func{Name: "strcmp", Doc: "-1, 0 or 1 as the first text comes before, is equal to or comes after the second.",
			Sigs: []Sig{Of(Long, any("string1"), any("string2"))}, Eval: func(args []Value) Value {
				return LongOf(int64(strings.Compare(TextOf(args[0]), TextOf(args[1]))))
			}},
		Func{Name: "strrep", Doc: "Repeats a value as text, up to 1024 times.", Eval: strrep,
			Sigs: []Sig{Of(String, any("value"), integer("multiplier"), Opt("delimiter", AnyScalar))}},
		Func{Name: "strlen", Naming: NameFuncFirst, Doc: "The number of code points.", Sigs: []Sig{Of(Long, any("source"))}, Eval: func(args []Value) Value {
			return LongOf(int64(utf8.RuneCountInString(TextOf(args[0]))))
		}},
		Func{Name: "string_size", Naming: NameFuncFirst, Doc: "The number of bytes in UTF-8.", Sigs: []Sig{Of(Long, any("source"))}, Eval: func(args []Value) Value {
			return LongOf(int64(len(TextOf(args[0]))))
		}},
		Func{Name: "toupper", Doc: "In upper case.", Sigs: []Sig{Of(String, any("value"))}, Eval: func(args []Value) Value {
			return StringOf(mapRunes(TextOf(args[0]), unicode.ToUpper))
		}},
		Func{Name: "tolower", Doc: "In lower case.", Sigs: []Sig{Of(String, any("value"))}, Eval: func(args []Value) Value {
			return StringOf(mapRunes(TextOf(args[0]), unicode.ToLower))
		}},
		codepoints("to_utf8"), codepoints("unicode_codepoints_from_string"),
		makeString("make_string", true), makeString("unicode_codepoints_to_string", false),
		Func{Name: "substring", Doc: "A part of a text from a start, counted from 0 or, below 0, from the end.", Eval: substring,
			Sigs: []Sig{Of(String, any("string"), integer("start"), Opt("length", AnyInteger|onlyDynamic))}},
		Func{Name: "reverse", Doc: "The characters in reverse order.", Sigs: []Sig{Of(String, any("value"))}, Eval: func(args []Value) Value {
			rs := []rune(TextOf(args[0]))
			for i, j := 0, len(rs)-1; i < j; i, j = i+1, j-1 {
				rs[i], rs[j] = rs[j], rs[i]
			}
			return StringOf(string(rs))
		}},
		Func{Name: "split", Naming: NameFirst, Doc: "The parts of a text between delimiters.", Eval: splitText,
			Sigs: []Sig{Of(Dynamic, any("source"), str("delimiter"), Opt("requestedIndex", AnyInteger))}},
		Func{Name: "indexof", Doc: "Where a text occurs, counted from 0; -1 when it does not.", Eval: indexOf,
			Sigs: []Sig{Of(Long, any("string"), any("match"), Opt("start", AnyInteger), Opt("length", AnyInteger), Opt("occurrence", AnyInteger))}},
		Func{Name: "has_any_index", Doc: "The number of the first item that the text holds as a term; -1 for none.", Eval: hasAnyIndex,
			Sigs: []Sig{Of(Long, P("source", onlyString|onlyDynamic), array("values"))}},
		Func{Name: "replace_string", Doc: "Puts a text in the place of another one.", Eval: replaceString,
			Sigs: []Sig{Of(String, str("text"), str("lookup"), str("rewrite"))}},
		Func{Name: "replace_strings", Doc: "Puts texts in the place of others.", Eval: replaceStrings,
			Sigs: []Sig{Of(String, str("text"), array("lookups"), array("rewrites"))}},
		Func{Name: "translate", Doc: "Replaces characters one by one.", Eval: translate,
			Sigs: []Sig{Of(String, str("searchList"), str("replacementList"), str("source"))}},
		Func{Name: "regex_quote", Doc: "Escapes what a regular expression would take as its own.", Sigs: []Sig{Of(String, any("string"))}, Eval: func(args []Value) Value {
			return StringOf(quotePattern(TextOf(args[0])))
		}},
	)
}

// mapRunes maps runes and leaves bytes that are no UTF-8 as they are. The long
// s, the Kelvin and other signs whose other case is of another script stay.
func mapRunes(s string, to func(rune) rune) string {
	return strings.Map(func(r rune) rune {
		m := to(r)
		if r >= utf8.RuneSelf && m < utf8.RuneSelf {
			return r
		}
		return m
	}, s)
}

// bounded keeps a text that is made within maxText.
func bounded(out *strings.Builder, s string) bool {
	if out.Len()+len(s) > maxText {
		return false
	}
	out.WriteString(s)
	return true
}

func strcat(args []Value) Value {
	var out strings.Builder
	for _, a := range args {
		if !bounded(&out, TextOf(a)) {
			return StringOf("")
		}
	}
	return StringOf(out.String())
}

func strcatDelim(args []Value) Value {
	delim := TextOf(args[0])
	var out strings.Builder
	for i, a := range args[1:] {
		if i > 0 && !bounded(&out, delim) || !bounded(&out, TextOf(a)) {
			return StringOf("")
		}
	}
	return StringOf(out.String())
}

func strcatArray(args []Value) Value {
	list, ok := args[0].Dynamic().([]Dyn)
	if !ok {
		return StringOf("")
	}
	delim := TextOf(args[1])
	var out strings.Builder
	for i, d := range list {
		if i > 0 && !bounded(&out, delim) || !bounded(&out, TextOf(DynamicOf(d))) {
			return StringOf("")
		}
	}
	return StringOf(out.String())
}

// maxRepeat is Kusto's limit of strrep.
const maxRepeat = 1024

func strrep(args []Value) Value {
	n, ok := wholeOf(args[1])
	if !ok {
		return StringOf("")
	}
	delim := ""
	if len(args) > 2 {
		delim = TextOf(args[2])
	}
	text := TextOf(args[0])
	var out strings.Builder
	for i := range min(n, maxRepeat) {
		if i > 0 && !bounded(&out, delim) || !bounded(&out, text) {
			return StringOf("")
		}
	}
	return StringOf(out.String())
}

// wholeOf is an integer argument, which a dynamic may hold.
func wholeOf(v Value) (int64, bool) {
	v = plainOf(v)
	if v.IsNull() || !AnyInteger.Has(v.Type()) {
		return 0, false
	}
	return v.Int(), true
}

func ofCodepoints(args []Value) Value {
	var out strings.Builder
	ok := true
	eachItem(args, func(v Value) bool {
		n, whole := wholeOf(v)
		ok = whole && n >= 0 && n <= unicode.MaxRune && utf8.ValidRune(rune(n)) && bounded(&out, string(rune(n)))
		return ok
	})
	if !ok {
		return StringOf("")
	}
	return StringOf(out.String())
}

func substring(args []Value) Value {
	text := TextOf(args[0])
	start, ok := wholeOf(args[1])
	if !ok {
		return StringOf("")
	}
	length := int64(len(text))
	if len(args) > 2 {
		if length, ok = wholeOf(args[2]); !ok {
			return StringOf("")
		}
	}
	if start < 0 {
		start += int64(utf8.RuneCountInString(text))
	}
	if start < 0 || length <= 0 || start >= int64(len(text)) {
		return StringOf("")
	}
	return StringOf(runeSlice(text, start, length))
}

// runeSlice is length code points of text from code point start.
func runeSlice(text string, start, length int64) string {
	if isASCII(bytesOf(text)) {
		start = min(start, int64(len(text)))
		return text[start : start+min(length, int64(len(text))-start)]
	}
	from := byteOfRune(text, start)
	return text[from : from+byteOfRune(text[from:], length)]
}

// byteOfRune is where code point n begins, in bytes; the end when there are fewer.
func byteOfRune(text string, n int64) int {
	for i := range text {
		if n == 0 {
			return i
		}
		n--
	}
	return len(text)
}

func splitText(args []Value) Value {
	text, delim := TextOf(args[0]), TextOf(args[1])
	var parts []string
	if delim == "" {
		parts = []string{text}
	} else {
		parts = strings.Split(text, delim)
	}
	if len(args) > 2 {
		n, ok := wholeOf(args[2])
		if !ok {
			return Null(Dynamic)
		}
		if n < 0 {
			n += int64(len(parts))
		}
		if n < 0 || n >= int64(len(parts)) {
			return Null(Dynamic)
		}
		return DynamicOf([]Dyn{parts[n]})
	}
	out := make([]Dyn, len(parts))
	for i, p := range parts {
		out[i] = p
	}
	return DynamicOf(out)
}

// searchRange reads start, length and occurrence of indexof: the part of text
// that is searched, its offset in code points and bytes.
func searchRange(text string, args []Value) (part string, offset int64, occurrence int64, ok bool) {
	start, length, occurrence := int64(0), int64(-1), int64(1)
	for i, p := range []*int64{&start, &length, &occurrence} {
		if i < len(args) {
			if *p, ok = wholeOf(args[i]); !ok {
				return "", 0, 0, false
			}
		}
	}
	if occurrence < 1 || length < -1 {
		return "", 0, 0, false
	}
	n := int64(utf8.RuneCountInString(text))
	if start < 0 {
		start = max(0, n+start)
	}
	start = min(start, n)
	if length < 0 {
		length = n
	}
	return runeSlice(text, start, length), start, occurrence, true
}

func indexOf(args []Value) Value {
	text, match := TextOf(args[0]), TextOf(args[1])
	part, offset, occurrence, ok := searchRange(text, args[2:])
	if !ok || match == "" {
		return Null(Long)
	}
	length := int64(utf8.RuneCountInString(part))
	if len(args) > 3 {
		if n, _ := wholeOf(args[3]); n >= 0 {
			length = n
		}
	}
	rest := runeSlice(text, offset, int64(len(text)))
	for {
		i := strings.Index(part, match)
		if i < 0 {
			return LongOf(-1)
		}
		offset += int64(utf8.RuneCountInString(part[:i]))
		if occurrence--; occurrence == 0 {
			return LongOf(offset)
		}
		// The search for the next one goes as far again, from behind this one.
		_, size := utf8.DecodeRuneInString(part[i:])
		rest = rest[i+size:]
		offset++
		part = runeSlice(rest, 0, length)
	}
}

func hasAnyIndex(args []Value) Value {
	list, ok := args[1].Dynamic().([]Dyn)
	if !ok {
		return Null(Long)
	}
	text := bytesOf(TextOf(args[0]))
	for i, d := range list {
		if match, ok := textMatcher("has", TextOf(DynamicOf(d)), true); ok && match(text) {
			return LongOf(int64(i))
		}
	}
	return LongOf(-1)
}

func replaceString(args []Value) Value {
	text, lookup, rewrite := TextOf(args[0]), TextOf(args[1]), TextOf(args[2])
	if lookup == "" {
		return StringOf(text)
	}
	if len(rewrite) > len(lookup) && len(text)+strings.Count(text, lookup)*(len(rewrite)-len(lookup)) > maxText {
		return StringOf("")
	}
	return StringOf(strings.ReplaceAll(text, lookup, rewrite))
}

// replaceStrings replaces one lookup after the other, but nothing twice: what
// a lookup of before has put in stays. What has no text to take its place is
// kept as it is.
func replaceStrings(args []Value) Value {
	lookups, ok := args[1].Dynamic().([]Dyn)
	rewrites, ok2 := args[2].Dynamic().([]Dyn)
	if !ok || !ok2 || len(lookups) != len(rewrites) {
		return StringOf("")
	}
	type part struct {
		text string
		done bool
	}
	parts := []part{{text: TextOf(args[0])}}
	size := len(parts[0].text)
	for i, d := range lookups {
		lookup, ok := d.(string)
		if !ok || lookup == "" {
			continue
		}
		rewrite, ok := rewrites[i].(string)
		if !ok {
			rewrite = lookup
		}
		var next []part
		for _, p := range parts {
			if p.done {
				next = append(next, p)
				continue
			}
			for j, text := range strings.Split(p.text, lookup) {
				if j > 0 {
					next = append(next, part{rewrite, true})
					if size += len(rewrite) - len(lookup); size > maxText {
						return StringOf("")
					}
				}
				if text != "" {
					next = append(next, part{text: text})
				}
			}
		}
		parts = next
	}
	var out strings.Builder
	for _, p := range parts {
		out.WriteString(p.text)
	}
	return StringOf(out.String())
}

// translate replaces each character of the list by the one at its place in the
// other list, whose last character stands for those that it is too short for.
func translate(args []Value) Value {
	from, to := []rune(TextOf(args[0])), []rune(TextOf(args[1]))
	table := make(map[rune]rune, len(from))
	for i, r := range from {
		if _, ok := table[r]; ok {
			continue
		}
		switch {
		case len(to) == 0:
			table[r] = -1
		case i < len(to):
			table[r] = to[i]
		default:
			table[r] = to[len(to)-1]
		}
	}
	return StringOf(strings.Map(func(r rune) rune {
		if t, ok := table[r]; ok {
			return t
		}
		return r
	}, TextOf(args[2])))
}

// quotePattern escapes the characters that have a meaning in a pattern.
func quotePattern(s string) string {
	var out strings.Builder
	for _, r := range s {
		if strings.ContainsRune(`\.+*?()|[]{}^$`, r) {
			out.WriteByte('\\')
		}
		out.WriteRune(r)
	}
	return out.String()
}
