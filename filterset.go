package tocsin

import (
	"strings"
	"time"
	"unicode/utf8"
)

// FilterSet is a named set of filters of a queue, kept by a person for oneself
// or for everybody.
type FilterSet struct {
	ID      string
	Noun    string // "incident" or "alert"
	Name    string
	Query   string // the query part of the queue's address
	Shared  bool
	OwnerID string
	Owner   string
	Updated time.Time
}

const (
	// MaxFilterSetName is the longest name of a filter set, in characters,
	// MaxFilterSetQuery the longest filter, in bytes.
	MaxFilterSetName  = 80
	MaxFilterSetQuery = 8 << 10
	// MaxFilterSets is how many one person keeps.
	MaxFilterSets = 100
	// MaxPreference is the largest preference, in bytes of JSON, MaxPreferences
	// how many one person has.
	MaxPreference  = 16 << 10
	MaxPreferences = 64
)

// Validate brings the set into order and reports what is wrong with it as an
// Error.
func (f *FilterSet) Validate() error {
	f.Name = strings.Join(strings.Fields(strings.ToValidUTF8(f.Name, "")), " ")
	f.Query = strings.TrimPrefix(f.Query, "?")
	switch {
	case f.Noun != "incident" && f.Noun != "alert":
		return Errorf(CodeInvalid, "a filter set is for the noun incident or alert, not %q", f.Noun)
	case f.Name == "":
		return Errorf(CodeInvalid, "a filter set needs a name")
	case utf8.RuneCountInString(f.Name) > MaxFilterSetName:
		return Errorf(CodeLimit, "the name of a filter set takes at most %d characters", MaxFilterSetName)
	case len(f.Query) > MaxFilterSetQuery:
		return Errorf(CodeLimit, "a filter set takes at most %d bytes", MaxFilterSetQuery)
	case !utf8.ValidString(f.Query) || strings.ContainsFunc(f.Query, func(r rune) bool { return r < ' ' }):
		return Errorf(CodeInvalid, "the query of a filter set is the query part of an address")
	}
	return nil
}

// ValidPreferenceKey reports whether a preference may have this key: 1 to 64 of
// a to z, 0 to 9, dot and hyphen.
func ValidPreferenceKey(key string) bool {
	ok := len(key) > 0 && len(key) <= 64
	for _, c := range []byte(key) {
		ok = ok && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-')
	}
	return ok
}
