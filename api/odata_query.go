package api

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tocsinhq/tocsin"
)

const (
	defaultTop     = 50
	maxTop         = 1000
	maxSkip        = 1_000_000 // of the store
	maxSearchRunes = 200
	maxOrders      = 5
)

// listOptions are the system query options of one list request.
type listOptions struct {
	query  tocsin.Query
	fields []string // $select; nil for all
}

// parseList reads the $-options of a list. Every option that is not known is an
// error: a client that misspells one must not get the whole queue. Options
// without the $ are taken too, as Graph does.
func parseList(r *http.Request, allowed properties, expands []string) (listOptions, error) {
	o := listOptions{query: tocsin.Query{Top: defaultTop}}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return o, tocsin.Errorf(tocsin.CodeInvalid, "the query string is malformed")
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names) // so that of several errors always the same one is told
	seen := map[string]bool{}
	for _, name := range names {
		option := strings.TrimPrefix(strings.ToLower(name), "$")
		if len(values[name]) != 1 || seen[option] {
			return o, tocsin.Errorf(tocsin.CodeInvalid, "the query option %s is given twice", name)
		}
		seen[option] = true
		if err := o.set(option, name, values[name][0], allowed, expands); err != nil {
			return o, err
		}
	}
	return o, nil
}

func (o *listOptions) set(option, name, v string, allowed properties, expands []string) (err error) {
	q := &o.query
	switch option {
	case "filter":
		if strings.TrimSpace(v) != "" {
			q.Filter, err = parseFilter(v, allowed)
		}
	case "orderby":
		q.OrderBy, err = parseOrder(v, allowed)
	case "top":
		if q.Top, err = parseCount(name, v, 1); err == nil {
			q.Top = min(q.Top, maxTop)
		}
	case "skip":
		if q.Skip, err = parseCount(name, v, 0); err == nil && q.Skip > maxSkip {
			err = tocsin.Errorf(tocsin.CodeInvalid, "%s is larger than %d", name, maxSkip)
		}
	case "skiptoken":
		q.Skip, err = parseSkipToken(v)
	case "count":
		switch strings.ToLower(v) {
		case "true":
			q.Count = true
		case "false":
		default:
			err = tocsin.Errorf(tocsin.CodeInvalid, "%s is true or false", name)
		}
	case "search":
		q.Search, err = parseSearch(v)
	case "expand":
		q.Expand, err = parseExpand(v, expands)
	case "select":
		o.fields, err = parseSelect(v)
	default:
		err = tocsin.Errorf(tocsin.CodeInvalid, "the query option %q is not supported here", name)
	}
	return err
}

func parseCount(name, v string, least int) (int, error) {
	n, err := strconv.Atoi(v)
	if err != nil || n < least {
		return 0, tocsin.Errorf(tocsin.CodeInvalid, "%s is a whole number of at least %d", name, least)
	}
	return n, nil
}

// The skip token is opaque to clients, so that paging can change its way of
// counting without breaking one; a token of another kind is refused.
const skipTokenPrefix = "s1."

func skipToken(skip int) string { return skipTokenPrefix + strconv.FormatInt(int64(skip), 36) }

func parseSkipToken(v string) (int, error) {
	if s, ok := strings.CutPrefix(v, skipTokenPrefix); ok {
		if n, err := strconv.ParseInt(s, 36, 64); err == nil && n >= 0 && n <= maxSkip {
			return int(n), nil
		}
	}
	return 0, tocsin.Errorf(tocsin.CodeInvalid, "$skiptoken was not made by this server")
}

// parseSearch takes the text plain or, as OData has it, in double quotes.
func parseSearch(v string) (string, error) {
	v = strings.TrimSpace(v)
	if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
		v = strings.ReplaceAll(v[1:len(v)-1], `\"`, `"`)
	}
	if !utf8.ValidString(v) || strings.ContainsRune(v, 0) || utf8.RuneCountInString(v) > maxSearchRunes {
		return "", tocsin.Errorf(tocsin.CodeInvalid, "$search is text of at most %d characters", maxSearchRunes)
	}
	return v, nil
}

func parseOrder(v string, allowed properties) ([]tocsin.Order, error) {
	var out []tocsin.Order
	for part := range strings.SplitSeq(v, ",") {
		words := strings.Fields(part)
		if len(words) == 0 || len(words) > 2 || len(out) == maxOrders {
			return nil, tocsin.Errorf(tocsin.CodeInvalid, "$orderby is a list of at most %d properties, each with asc or desc", maxOrders)
		}
		p, ok := allowed.find(words[0])
		if !ok || !p.sort {
			return nil, tocsin.Errorf(tocsin.CodeInvalid, "cannot order by %q", words[0])
		}
		desc := false
		if len(words) == 2 {
			switch strings.ToLower(words[1]) {
			case "desc":
				desc = true
			case "asc":
			default:
				return nil, tocsin.Errorf(tocsin.CodeInvalid, "$orderby takes asc or desc, not %q", words[1])
			}
		}
		out = append(out, tocsin.Order{Field: p.name, Desc: desc})
	}
	return out, nil
}

func parseExpand(v string, allowed []string) ([]string, error) {
	var out []string
	for part := range strings.SplitSeq(v, ",") {
		part = strings.TrimSpace(part)
		i := slices.IndexFunc(allowed, func(a string) bool { return strings.EqualFold(a, part) })
		if i < 0 {
			return nil, tocsin.Errorf(tocsin.CodeInvalid, "cannot expand %q", part)
		}
		if !slices.Contains(out, allowed[i]) {
			out = append(out, allowed[i])
		}
	}
	return out, nil
}

func parseSelect(v string) ([]string, error) {
	fields := []string{}
	for part := range strings.SplitSeq(v, ",") {
		part = strings.TrimSpace(part)
		if part == "" || len(part) > 64 || len(fields) == 64 {
			return nil, tocsin.Errorf(tocsin.CodeInvalid, "$select is a list of properties")
		}
		if part == "*" {
			return nil, nil
		}
		fields = append(fields, part)
	}
	return fields, nil
}

// nextLink is the address of the page behind this one: the request's own with
// another skip token.
func nextLink(base string, r *http.Request, skip int) string {
	values := r.URL.Query()
	for name := range values {
		switch strings.TrimPrefix(strings.ToLower(name), "$") {
		case "skip", "skiptoken":
			values.Del(name)
		}
	}
	values.Set("$skiptoken", skipToken(skip))
	// Encode escapes the $ of option names, which Graph leaves alone and some
	// clients look for.
	return base + r.URL.EscapedPath() + "?" + strings.ReplaceAll(values.Encode(), "%24", "$")
}
