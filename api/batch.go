package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/tocsinhq/tocsin"
)

// maxBatch is how many requests Graph takes in one.
const maxBatch = 20

type batchBody struct {
	Requests []batchRequest `json:"requests"`
}

type batchRequest struct {
	ID        string            `json:"id"`
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers,omitempty"`
	Body      json.RawMessage   `json:"body,omitempty"`
	DependsOn []string          `json:"dependsOn,omitempty"`
}

type batchAnswer struct {
	Responses []batchResponse `json:"responses"`
}

type batchResponse struct {
	ID      string            `json:"id"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body,omitempty"`
}

// batchHeaders are what a part may set for itself. Who asks, and from which
// page, is the whole's to say.
var batchHeaders = map[string]bool{"If-Match": true, "Prefer": true, "Content-Type": true, "Accept": true, "Consistencylevel": true}

// proofHeaders go from the whole to each part.
var proofHeaders = []string{"Authorization", "Cookie", "X-CSRF-Token", "Origin", "Sec-Fetch-Site", "X-Forwarded-For", "X-Forwarded-Proto", "Prefer"}

// batch answers several requests in one, in the order given. Each goes through
// the same door as if it had come alone, so there is one place that checks.
func (a *API) batch(w http.ResponseWriter, r *http.Request) error {
	var b batchBody
	if err := decodeBody(r, &b); err != nil {
		return err
	}
	if len(b.Requests) == 0 || len(b.Requests) > maxBatch {
		return tocsin.Errorf(tocsin.CodeInvalid, "a batch has 1 to %d requests", maxBatch)
	}
	done := map[string]int{}
	out := batchAnswer{Responses: []batchResponse{}}
	for _, one := range b.Requests {
		if _, twice := done[one.ID]; twice || one.ID == "" {
			return tocsin.Errorf(tocsin.CodeInvalid, "every request of a batch needs an id of its own")
		}
		res := a.batchOne(r, one, done)
		done[one.ID] = res.Status
		out.Responses = append(out.Responses, res)
	}
	return writeGraph(w, out)
}

func (a *API) batchOne(r *http.Request, one batchRequest, done map[string]int) batchResponse {
	for _, id := range one.DependsOn {
		if status, known := done[id]; !known || status >= 400 {
			return batchFailure(one.ID, http.StatusFailedDependency, "notAllowed", "a request that this one depends on failed or does not come before it")
		}
	}
	// Only the Graph part of the API: no sign-in, no streams, no batch within.
	if !strings.HasPrefix(one.URL, "/security/") {
		return batchFailure(one.ID, http.StatusBadRequest, "invalidRequest", "a request of a batch has a URL that begins with /security/")
	}
	req, err := http.NewRequestWithContext(r.Context(), strings.ToUpper(one.Method), "/v1.0"+one.URL, bytes.NewReader(one.Body))
	if err != nil {
		return batchFailure(one.ID, http.StatusBadRequest, "invalidRequest", "method or URL cannot be read")
	}
	for name, v := range one.Headers {
		if name = http.CanonicalHeaderKey(name); batchHeaders[name] {
			req.Header.Set(name, v)
		}
	}
	for _, name := range proofHeaders {
		if vs := r.Header.Values(name); len(vs) > 0 && (name != "Prefer" || req.Header.Get(name) == "") {
			req.Header[http.CanonicalHeaderKey(name)] = vs
		}
	}
	req.Host, req.RemoteAddr, req.TLS = r.Host, r.RemoteAddr, r.TLS
	req.Header.Set("client-request-id", clientRequestID(r))
	part := &partWriter{h: http.Header{}}
	a.ServeHTTP(part, req)
	res := batchResponse{ID: one.ID, Status: part.status, Headers: map[string]string{}}
	for _, name := range []string{"Content-Type", "ETag", "Retry-After", "Allow", "request-id"} {
		if v := part.h.Get(name); v != "" {
			res.Headers[name] = v
		}
	}
	if json.Valid(part.body.Bytes()) {
		res.Body = part.body.Bytes()
	}
	return res
}

func batchFailure(id string, status int, code, msg string) batchResponse {
	body, _ := json.Marshal(errorBody{errorDetail{Code: code, Message: msg}}) // texts only: it cannot fail
	return batchResponse{ID: id, Status: status, Headers: map[string]string{"Content-Type": "application/json"}, Body: body}
}

// partWriter keeps the answer to one request of a batch.
type partWriter struct {
	h      http.Header
	status int
	body   bytes.Buffer
}

func (p *partWriter) Header() http.Header { return p.h }

func (p *partWriter) WriteHeader(status int) {
	if p.status == 0 {
		p.status = status
	}
}

func (p *partWriter) Write(b []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	return p.body.Write(b)
}
