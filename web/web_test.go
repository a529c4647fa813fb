package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

func gz(t *testing.T, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func built(t *testing.T) http.Handler {
	t.Helper()
	return handler(fstest.MapFS{
		".gitkeep":              {},
		"index.html":            {Data: []byte(`<meta property="csp-nonce" nonce="__CSP_NONCE__"><div id="root">`)},
		"favicon.svg":           {Data: []byte("<svg/>")},
		"assets/main-abc.js":    {Data: []byte("let a=1")},
		"assets/main-abc.js.gz": {Data: gz(t, "let a=1")},
	})
}

func get(h http.Handler, method, target string, header ...string) *http.Response {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestAnswers(t *testing.T) {
	h := built(t)
	for _, c := range []struct {
		name, method, target, accept string
		status                       int
		cache, kind                  string
	}{
		{"front page", "GET", "/", "text/html", 200, "no-store", "text/html; charset=utf-8"},
		{"page address", "GET", "/incidents/17/alerts?alert=a", "text/html,*/*", 200, "no-store", "text/html"},
		{"index by name", "GET", "/index.html", "text/html", 200, "no-store", "text/html"},
		{"asset", "GET", "/assets/main-abc.js", "*/*", 200, "public, max-age=31536000, immutable", "text/javascript"},
		{"icon", "GET", "/favicon.svg", "image/*", 200, "public, max-age=3600", "image/svg+xml"},
		{"missing asset", "GET", "/assets/main-old.js", "*/*", 404, "", ""},
		{"missing asset asked as a page", "GET", "/assets/x", "text/html", 404, "", ""},
		{"missing file", "GET", "/robots.txt", "text/html", 404, "", ""},
		{"api path", "GET", "/api/v1/nope", "text/html", 404, "", ""},
		{"graph path", "GET", "/v1.0/nope", "text/html", 404, "", ""},
		{"script asking for a page", "GET", "/incidents", "application/json", 404, "", ""},
		{"twin is no address", "GET", "/assets/main-abc.js.gz", "*/*", 404, "", ""},
		{"gitkeep is no address", "GET", "/.gitkeep", "*/*", 404, "", ""},
		{"climbing out", "GET", "/../../etc/passwd.txt", "*/*", 404, "", ""},
		{"post", "POST", "/", "text/html", 405, "", ""},
		{"head", "HEAD", "/", "text/html", 200, "no-store", "text/html"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := get(h, c.method, c.target, "Accept", c.accept)
			if res.StatusCode != c.status {
				t.Fatalf("status %d, want %d", res.StatusCode, c.status)
			}
			if got := res.Header.Get("Cache-Control"); c.status == 200 && got != c.cache {
				t.Errorf("Cache-Control %q, want %q", got, c.cache)
			}
			if got := res.Header.Get("Content-Type"); c.status == 200 && !strings.HasPrefix(got, c.kind) {
				t.Errorf("Content-Type %q, want %q", got, c.kind)
			}
		})
	}
}

func TestCompressedTwin(t *testing.T) {
	h := built(t)
	for _, c := range []struct {
		accept string
		gzip   bool
	}{{"gzip, br", true}, {"br;q=1, GZIP;q=0.5", true}, {"", false}, {"br", false}, {"gzip;q=0", false}} {
		res := get(h, "GET", "/assets/main-abc.js", "Accept-Encoding", c.accept)
		var body io.Reader = res.Body
		if got := res.Header.Get("Content-Encoding") == "gzip"; got != c.gzip {
			t.Fatalf("Accept-Encoding %q: compressed %v, want %v", c.accept, got, c.gzip)
		}
		if c.gzip {
			z, err := gzip.NewReader(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			body = z
		}
		text, err := io.ReadAll(body)
		if err != nil || string(text) != "let a=1" {
			t.Errorf("Accept-Encoding %q: body %q, %v", c.accept, text, err)
		}
		if res.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("Accept-Encoding %q: no Vary", c.accept)
		}
	}
}

func TestNonceIsFreshAndNamedByPolicy(t *testing.T) {
	h := built(t)
	seen := map[string]bool{}
	for range 3 {
		res := get(h, "GET", "/", "Accept", "text/html")
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		m := regexp.MustCompile(`nonce="([\w-]{22})"`).FindSubmatch(body)
		if m == nil {
			t.Fatalf("no nonce in %s", body)
		}
		csp := res.Header.Get("Content-Security-Policy")
		// Style attributes are how the query editor places its lines; nothing else may be inline.
		rest := strings.Replace(csp, "style-src-attr 'unsafe-inline'; ", "", 1)
		if !strings.Contains(csp, "'nonce-"+string(m[1])+"'") || strings.Contains(rest, "unsafe") {
			t.Fatalf("policy %q does not fit nonce %q", csp, m[1])
		}
		seen[string(m[1])] = true
	}
	if len(seen) != 3 {
		t.Fatalf("a nonce was used twice: %v", seen)
	}
}

func TestUnbuiltPortalSaysSo(t *testing.T) {
	h := handler(fstest.MapFS{".gitkeep": {}})
	res := get(h, "GET", "/incidents", "Accept", "text/html")
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(body), "make build") {
		t.Fatalf("%d %q %v", res.StatusCode, body, err)
	}
	if got := get(h, "GET", "/assets/x.js").StatusCode; got != 404 {
		t.Fatalf("asset of an unbuilt portal: %d", got)
	}
}

// The embedded tree must hold what the working tree promised, built or not.
func TestEmbedded(t *testing.T) {
	res := get(Handler(), "GET", "/", "Accept", "text/html")
	if res.StatusCode != 200 && res.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("front page: %d", res.StatusCode)
	}
}
