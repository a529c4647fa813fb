package tocsin

import (
	"errors"
	"fmt"
)

// Code says what kind of failure a caller met. There are few on purpose: the
// HTTP layer maps each to one status, and a caller can act on each differently.
type Code string

const (
	CodeInvalid         Code = "invalid"         // the request is wrong and will stay wrong
	CodeUnauthenticated Code = "unauthenticated" // nobody is signed in, or the proof is bad
	CodeForbidden       Code = "forbidden"       // signed in, but may not
	CodeNotFound        Code = "notFound"        // no such thing for this tenant
	CodeConflict        Code = "conflict"        // it changed meanwhile, or the move is illegal from its state
	CodeLimit           Code = "limit"           // too large, too deep, too many, too often
	CodeUnavailable     Code = "unavailable"     // try again later
	CodeInternal        Code = "internal"        // our fault
)

// Error is what crosses a package border when a caller should act on the kind
// of failure. Msg is safe to show to the client; Err is for the log only.
type Error struct {
	Code Code
	Msg  string
	Err  error
}

// Errorf makes an Error whose message is safe to show. A %w operand stays
// reachable through errors.Is and errors.As.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Msg: err.Error(), Err: errors.Unwrap(err)}
}

func (e *Error) Error() string {
	if e.Err != nil && e.Msg == "" {
		return string(e.Code) + ": " + e.Err.Error()
	}
	return e.Msg
}

func (e *Error) Unwrap() error { return e.Err }

// CodeOf is the code of the first Error in err's chain, CodeInternal for any
// other error and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}

// Message is what a client may read of err: the message of the first Error in
// its chain, and nothing of an error that was not made for clients.
func Message(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Error()
	}
	return "internal error"
}
