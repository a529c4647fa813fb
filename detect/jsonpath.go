package detect

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Values inside JSON columns are found by walking the text: no tree is built,
// and nothing is copied unless it has escapes. The text was checked when it
// was stored; here anything odd just ends the search.

const maxJSONDepth = 64

// jsonValues adds the values at path, whose elements are folded and compared
// without regard to case. An array on the way stands for each of its
// elements; an array of {Name, Value} pairs is also read as an object. Objects
// and arrays at the end of the path are given as text.
func (s *Scratch) jsonValues(text string, path []string, v *fieldValue) {
	w := jsonWalker{s: s, v: v, text: text}
	w.at = w.space(0)
	w.find(path, 0)
}

type jsonWalker struct {
	s    *Scratch
	v    *fieldValue
	text string
	at   int
	bad  bool
}

func (w *jsonWalker) space(i int) int {
	for i < len(w.text) && (w.text[i] == ' ' || w.text[i] == '\n' || w.text[i] == '\t' || w.text[i] == '\r') {
		i++
	}
	return i
}

// find looks at the value at w.at and leaves w.at behind it.
func (w *jsonWalker) find(path []string, depth int) {
	if w.bad || w.at >= len(w.text) || depth > maxJSONDepth {
		w.bad = true
		return
	}
	switch w.text[w.at] {
	case '{':
		if len(path) == 0 {
			w.whole()
			return
		}
		w.object(path, depth)
	case '[':
		w.array(path, depth)
	default:
		if len(path) == 0 {
			w.scalar()
			return
		}
		w.skip()
	}
}

func (w *jsonWalker) whole() {
	from := w.at
	w.skip()
	if !w.bad {
		w.v.add(w.text[from:w.at])
	}
}

func (w *jsonWalker) scalar() {
	from := w.at
	w.skip()
	if w.bad {
		return
	}
	raw := w.text[from:w.at]
	switch {
	case raw[0] == '"':
		w.v.add(w.unquote(raw))
	case raw != "null":
		w.v.add(raw)
	}
}

func (w *jsonWalker) array(path []string, depth int) {
	w.at = w.space(w.at + 1)
	for w.at < len(w.text) && w.text[w.at] != ']' && !w.bad {
		if w.text[w.at] == '{' && len(path) == 1 && w.pair(path[0]) {
			// taken
		} else {
			w.find(path, depth+1)
		}
		w.at = w.space(w.at)
		if w.at < len(w.text) && w.text[w.at] == ',' {
			w.at = w.space(w.at + 1)
		}
	}
	w.at++
}

// pair reads {"Name": want, "Value": x} and reports whether it was one.
func (w *jsonWalker) pair(want string) bool {
	start := w.at
	var name string
	valueAt := -1
	w.members(func(key string) {
		switch key {
		case "name", "key":
			if w.at < len(w.text) && w.text[w.at] == '"' {
				from := w.at
				w.skip()
				if !w.bad {
					name = fold(w.unquote(w.text[from:w.at]))
				}
				return
			}
		case "value":
			valueAt = w.at
		}
		w.skip()
	})
	if w.bad || name != want || valueAt < 0 {
		w.at, w.bad = start, false
		return false
	}
	end := w.at
	w.at = valueAt
	w.find(nil, 0)
	w.at = end
	return true
}

// members calls f at each member's value with the folded key; f moves past
// the value.
func (w *jsonWalker) members(f func(key string)) {
	w.at = w.space(w.at + 1)
	for w.at < len(w.text) && w.text[w.at] != '}' && !w.bad {
		from := w.at
		if w.text[w.at] != '"' {
			w.bad = true
			return
		}
		w.skip()
		if w.bad {
			return
		}
		key := w.unquote(w.text[from:w.at])
		mark := len(w.s.arena)
		w.s.arena = appendFold(w.s.arena, key)
		key = viewString(w.s.arena[mark:])
		w.at = w.space(w.at)
		if w.at >= len(w.text) || w.text[w.at] != ':' {
			w.bad = true
			return
		}
		w.at = w.space(w.at + 1)
		f(key)
		w.at = w.space(w.at)
		if w.at < len(w.text) && w.text[w.at] == ',' {
			w.at = w.space(w.at + 1)
		}
	}
	w.at++
}

func (w *jsonWalker) object(path []string, depth int) {
	w.members(func(key string) {
		if key == path[0] {
			w.find(path[1:], depth+1)
			return
		}
		// A key may itself have dots: try to take several elements at once.
		for n := 2; n <= len(path); n++ {
			if key == joinDots(path[:n]) {
				w.find(path[n:], depth+1)
				return
			}
		}
		w.skip()
	})
}

func joinDots(p []string) string {
	out := p[0]
	for _, e := range p[1:] {
		out += "." + e
	}
	return out
}

// skip moves past the value at w.at.
func (w *jsonWalker) skip() {
	depth := 0
	for w.at < len(w.text) {
		switch c := w.text[w.at]; c {
		case '"':
			w.at++
			for w.at < len(w.text) && w.text[w.at] != '"' {
				if w.text[w.at] == '\\' {
					w.at++
				}
				w.at++
			}
			w.at++
			if w.at > len(w.text) {
				w.bad = true
				return
			}
		case '{', '[':
			depth++
			w.at++
		case '}', ']':
			if depth == 0 {
				w.bad = true
				return
			}
			depth--
			w.at++
		case ',', ':', ' ', '\t', '\n', '\r':
			if depth == 0 {
				w.bad = true
				return
			}
			w.at++
			continue
		default:
			for w.at < len(w.text) {
				c := w.text[w.at]
				if c == ',' || c == '}' || c == ']' || c == ':' || c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '"' {
					break
				}
				w.at++
			}
		}
		if depth == 0 {
			return
		}
	}
	w.bad = true
}

// unquote is a JSON string's text, in the arena when it has escapes.
func (w *jsonWalker) unquote(raw string) string {
	if len(raw) < 2 {
		return ""
	}
	raw = raw[1 : len(raw)-1]
	plain := true
	for i := 0; i < len(raw); i++ {
		if raw[i] == '\\' {
			plain = false
			break
		}
	}
	if plain {
		return raw
	}
	a := w.s.arena
	from := len(a)
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' || i+1 >= len(raw) {
			a = append(a, raw[i])
			continue
		}
		i++
		switch raw[i] {
		case 'n':
			a = append(a, '\n')
		case 't':
			a = append(a, '\t')
		case 'r':
			a = append(a, '\r')
		case 'b':
			a = append(a, '\b')
		case 'f':
			a = append(a, '\f')
		case 'u':
			r, n := hexRune(raw[i+1:])
			i += n
			if utf16.IsSurrogate(r) && i+2 < len(raw) && raw[i+1] == '\\' && raw[i+2] == 'u' {
				if low, n := hexRune(raw[i+3:]); n == 4 {
					if full := utf16.DecodeRune(r, low); full != utf8.RuneError {
						r = full
						i += 6
					}
				}
			}
			a = utf8.AppendRune(a, r)
		default:
			a = append(a, raw[i])
		}
	}
	w.s.arena = a
	return viewString(a[from:])
}

func hexRune(s string) (rune, int) {
	if len(s) < 4 {
		return utf8.RuneError, 0
	}
	n, err := strconv.ParseUint(s[:4], 16, 32)
	if err != nil {
		return utf8.RuneError, 0
	}
	return rune(n), 4
}
