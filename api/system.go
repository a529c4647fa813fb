package api

import (
	_ "embed"
	"errors"
	"net/http"

	"github.com/tocsinhq/tocsin"
)

type healthAnswer struct {
	Status string `json:"status"`
}

// description is openapi.json as a test last wrote it from the table; the same
// test fails when it is not what the table says.
//
//go:embed openapi.json
var description []byte

func (a *API) openapi(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, err := w.Write(description)
	return err
}

func (a *API) ready(r *http.Request) error {
	if a.cfg.Ready == nil {
		return nil
	}
	return a.cfg.Ready(r.Context())
}

func (a *API) health(w http.ResponseWriter, r *http.Request) error {
	if err := a.ready(r); err != nil {
		return &tocsin.Error{Code: tocsin.CodeUnavailable, Msg: "not ready", Err: err}
	}
	return writeJSON(w, http.StatusOK, healthAnswer{"ok"})
}

// tooLarge reports a body that grew beyond its limit while it was read.
func tooLarge(err error) bool {
	var e *http.MaxBytesError
	return errors.As(err, &e)
}
