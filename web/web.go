// Package web owns the portal as files: it embeds what `npm run build` left in dist and hands it out over HTTP.
//
// It promises that hashed assets are cached for ever and index.html never, that a browser which accepts gzip gets the
// copy compressed at build time, and that a page address typed into the browser answers with the portal while a missing
// asset or API path answers 404. It knows nothing about incidents, sessions or the API.
package web

import (
	"bytes"
	"crypto/rand"
	"embed"
	"encoding/base64"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

// dist holds only .gitkeep until the portal is built; "all:" is what lets the folder embed in that state.
//
//go:embed all:dist
var dist embed.FS

// noncePlaceholder stands in index.html where each answer gets its own random nonce.
const noncePlaceholder = "__CSP_NONCE__"

// Handler serves the portal. It answers GET and HEAD only, sets its own Content-Security-Policy on pages, and never
// answers for /api or /v1.0: those are 404 here, so that a mistyped API path is not answered with HTML.
func Handler() http.Handler {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the folder name is a constant of this file
	}
	return handler(sub)
}

// handler is Handler over any file tree, so that tests need no built portal.
func handler(files fs.FS) http.Handler {
	index, err := fs.ReadFile(files, "index.html")
	built := err == nil
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
		if name != "" && name != "index.html" && serveFile(w, r, files, name) {
			return
		}
		if !isNavigation(r, name) {
			http.NotFound(w, r)
			return
		}
		if !built {
			servePlaceholder(w, r)
			return
		}
		serveIndex(w, r, index)
	})
}

// isNavigation tells a person going to a page from a program asking for a file: page addresses have no file
// extension, are not under the API, and the asker takes HTML.
func isNavigation(r *http.Request, name string) bool {
	first, _, _ := strings.Cut(name, "/")
	switch first {
	case "api", "v1.0", "assets":
		return false
	}
	if name != "index.html" && path.Ext(name) != "" {
		return false
	}
	accept := r.Header.Get("Accept")
	return accept == "" || strings.Contains(accept, "text/html") || strings.Contains(accept, "*/*")
}

// serveFile writes one embedded file, or reports that there is none.
func serveFile(w http.ResponseWriter, r *http.Request, files fs.FS, name string) bool {
	if strings.HasSuffix(name, ".gz") || strings.HasPrefix(path.Base(name), ".") {
		return false // twins and .gitkeep are not addresses
	}
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return false
	}
	h := w.Header()
	if kind := mime.TypeByExtension(path.Ext(name)); kind != "" {
		h.Set("Content-Type", kind)
	}
	h.Set("X-Content-Type-Options", "nosniff")
	if strings.HasPrefix(name, "assets/") {
		h.Set("Cache-Control", "public, max-age=31536000, immutable") // the name carries a hash of the content
	} else {
		h.Set("Cache-Control", "public, max-age=3600")
	}
	if twin, err := fs.ReadFile(files, name+".gz"); err == nil {
		h.Add("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header.Get("Accept-Encoding")) {
			h.Set("Content-Encoding", "gzip")
			data = twin
		}
	}
	writeBody(w, r, http.StatusOK, data)
	return true
}

// acceptsGzip reads Accept-Encoding; "gzip;q=0" is a refusal.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			continue
		}
		q := strings.ReplaceAll(strings.ToLower(params), " ", "")
		return q != "q=0" && !strings.HasPrefix(q, "q=0.000") && q != "q=0.0" && q != "q=0.00"
	}
	return false
}

// serveIndex writes the page with a nonce of its own. The component library inserts its style rules into a style
// element that carries the nonce, so that neither scripts nor styles need 'unsafe-inline'.
func serveIndex(w http.ResponseWriter, r *http.Request, index []byte) {
	var raw [16]byte
	if _, err := rand.Read(raw[:]); err != nil {
		http.Error(w, "no randomness", http.StatusInternalServerError)
		return
	}
	nonce := base64.RawURLEncoding.EncodeToString(raw[:])
	h := pageHeaders(w)
	h.Set("Content-Security-Policy", policy("'nonce-"+nonce+"'"))
	writeBody(w, r, http.StatusOK, bytes.ReplaceAll(index, []byte(noncePlaceholder), []byte(nonce)))
}

// servePlaceholder is the page of a binary that was built without the portal. It is a 503 and not a 200, so that a
// health check which asks for the front page notices.
func servePlaceholder(w http.ResponseWriter, r *http.Request) {
	h := pageHeaders(w)
	h.Set("Content-Security-Policy", policy(""))
	writeBody(w, r, http.StatusServiceUnavailable, []byte("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"+
		"<title>Tocsin</title><h1>The portal is not in this build</h1>"+
		"<p>Run <code>make build</code>, then start Tocsin again. The API works without it.</p></html>\n"))
}

func pageHeaders(w http.ResponseWriter) http.Header {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	return h
}

func policy(styles string) string {
	style := "style-src 'self'"
	if styles != "" {
		style += " " + styles
	}
	return "default-src 'none'; script-src 'self'; " + style + "; style-src-attr 'unsafe-inline'; worker-src 'self'; img-src 'self' data:; font-src 'self'; " +
		"connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
}

// writeBody is here instead of http.ServeContent because embedded files have no modification time to negotiate with
// and a compressed twin must not be cut into ranges.
func writeBody(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(body) // the reader went away: nobody is left to tell
}
