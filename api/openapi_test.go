package api

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

var specification = sync.OnceValues(func() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromData(description)
	if err != nil {
		return nil, err
	}
	return doc, doc.Validate(context.Background())
})

func TestOpenAPIIsValid(t *testing.T) {
	if _, err := specification(); err != nil {
		t.Fatal(err)
	}
}

// conforms holds a live answer against openapi.json. Every answer that a test
// of this package reads passes here.
func (h *house) conforms(a answer) {
	h.t.Helper()
	doc, err := specification()
	if err != nil {
		h.t.Fatal(err)
	}
	kind := a.Header.Get("Content-Type")
	if !strings.HasPrefix(kind, "application/json") || a.Request.Method == "HEAD" || a.Request.URL.Query().Has("$select") {
		return // $select leaves out what is required otherwise
	}
	_, pattern := h.api.mux.Handler(a.Request)
	_, path, ok := strings.Cut(pattern, " ")
	if !ok || path == "/api/v1/openapi.json" {
		return // an address that no route has, or the description itself
	}
	path = strings.TrimSuffix(path, "{$}")
	item := doc.Paths.Find(path)
	if item == nil || item.GetOperation(a.Request.Method) == nil {
		h.t.Errorf("%s %s is not in openapi.json", a.Request.Method, path)
		return
	}
	in := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: a.Request,
			Route: &routers.Route{Spec: doc, Path: path, PathItem: item, Method: a.Request.Method, Operation: item.GetOperation(a.Request.Method)}},
		Status: a.StatusCode, Header: a.Header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
	in.SetBodyBytes([]byte(a.body))
	if err := openapi3filter.ValidateResponse(h.t.Context(), in); err != nil {
		h.t.Errorf("%s %s: the answer is not what openapi.json says: %v", a.Request.Method, a.Request.URL, err)
	}
}
