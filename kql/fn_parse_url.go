package kql

import "strings"

// Functions that take apart addresses and paths.

func init() {
	part := func(name, param, doc string, hidden bool, f func(string) *Bag) Func {
		return Func{Name: name, Hidden: hidden, Doc: doc, Sigs: []Sig{Of(Dynamic, P(param, onlyString))}, Eval: func(args []Value) Value {
			return DynamicOf(f(args[0].Str()))
		}}
	}
	Register(
		part("parse_url", "url", "The parts of a URL: scheme, host, port, path, user name, password, query parameters, fragment.", false, parseURL),
		part("parseurl", "url", "The parts of a URL.", true, parseURL),
		part("parse_urlquery", "query", "The parameters of the query of a URL.", false, parseURLQuery),
		part("parseurlquery", "query", "The parameters of the query of a URL.", true, parseURLQuery),
		part("parse_path", "path", "The parts of a path: scheme, root, directory, file name, extension, alternate data stream.", false, parsePath),
	)
}

// cutScheme takes the scheme off a URL: a letter, then letters, digits and +-.
// before the mark.
func cutScheme(s, mark string) (scheme, rest string) {
	at := strings.Index(s, mark)
	if at <= 0 {
		return "", s
	}
	for i := range at {
		if c := s[i]; c >= 0x80 || !termByte[c] && (i == 0 || c != '+' && c != '-' && c != '.') || i == 0 && isDigit(c) {
			return "", s
		}
	}
	return s[:at], s[at+len(mark):]
}

// parseURL takes any text apart as RFC 3986 does; what is not there is an empty
// text. Nothing is decoded. Without a scheme there is no host: all is the path.
func parseURL(s string) *Bag {
	rest, fragment, _ := strings.Cut(s, "#")
	rest, query, _ := strings.Cut(rest, "?")
	var authority, path string
	scheme, _ := cutScheme(rest, "://")
	if scheme != "" {
		path = rest[len(scheme)+1:]
	} else if scheme, path = cutScheme(rest, ":"); path != "" && isDigit(path[0]) {
		scheme, path = "", rest // a host with a port
	}
	if strings.HasPrefix(path, "//") {
		authority, path = path[2:], ""
		if at := strings.IndexByte(authority, '/'); at >= 0 {
			authority, path = authority[:at], authority[at:]
		}
	}
	var user, password, port string
	host := authority
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		user, password, _ = strings.Cut(authority[:at], ":")
		host = authority[at+1:]
	}
	if at := strings.LastIndexByte(host, ':'); at > strings.LastIndexByte(host, ']') && allDigits(host[at+1:]) {
		host, port = host[:at], host[at+1:]
	}
	b := NewBag()
	b.Set("Scheme", scheme)
	b.Set("Host", host)
	b.Set("Port", port)
	b.Set("Path", path)
	b.Set("Username", user)
	b.Set("Password", password)
	b.Set("Query Parameters", queryParameters(query))
	b.Set("Fragment", fragment)
	return b
}

func allDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return true
}

func parseURLQuery(s string) *Bag {
	b := NewBag()
	b.Set("Query Parameters", queryParameters(strings.TrimPrefix(s, "?")))
	return b
}

// queryParameters are those of a query; of a name that comes twice the last
// value counts.
func queryParameters(query string) *Bag {
	b := NewBag()
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		b.Set(name, value)
	}
	return b
}

// parsePath takes a path of Windows or Unix apart. The directory keeps the root
// and what marks a share or a long path.
func parsePath(s string) *Bag {
	const slashes = `\/`
	scheme, path := cutScheme(s, "://")
	from := 0 // where the drive may stand
	switch {
	case strings.HasPrefix(path, `\\?\`), strings.HasPrefix(path, `\\.\`):
		from = 4
	case scheme != "" && strings.HasPrefix(path, "/"):
		from = 1 // file:///C:/
	}
	root := ""
	if d := path[from:]; len(d) >= 2 && d[1] == ':' && d[0]|0x20 >= 'a' && d[0]|0x20 <= 'z' {
		root = d[:2]
		if from == 1 {
			path, from = d, 0
		}
		from += 2
	} else {
		from = 0
	}
	dir, dirName, file := "", "", path[from:]
	if at := strings.LastIndexAny(path, slashes); at >= from {
		dir, file = path[:at], path[at+1:]
		within := dir[min(from, len(dir)):]
		dirName = within[strings.LastIndexAny(within, slashes)+1:]
	}
	file, stream, _ := strings.Cut(file, ":")
	extension := ""
	if at := strings.LastIndexByte(file, '.'); at >= 0 {
		extension = file[at+1:]
	}
	b := NewBag()
	b.Set("Scheme", scheme)
	b.Set("RootPath", root)
	b.Set("DirectoryPath", dir)
	b.Set("DirectoryName", dirName)
	b.Set("Filename", file)
	b.Set("Extension", extension)
	b.Set("AlternateDataStreamName", stream)
	return b
}
