// Package api is Tocsin over HTTP: Microsoft Graph's shapes for incidents and
// alerts, Tocsin's own routes for what Graph has no place for, the doors for
// telemetry, and the change stream.
//
// It owns the table of routes, from which come the mux, openapi.json and the
// test that no route is open by mistake; the translation between wire and
// glossary; and what guards each request: who asks, may they, how large, how
// often, and from which page. It decides nothing about cases and holds no SQL.
package api
