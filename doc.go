// Package tocsin is the glossary: the nouns of incident response, their ids,
// states and legal moves, the error codes and the permission table.
//
// It owns vocabulary and nothing else: no I/O, no clock, no random numbers and
// no import beyond the standard library, so every other package may import it
// and no arrow ever points back. Names are Microsoft's for incidents, alerts,
// evidence, verdicts and determinations, and MITRE's for tactics and
// techniques, because those are the names that analysts already speak.
package tocsin
