// Package detect finds the events that a rule describes and turns what it
// found into alerts.
//
// It owns the Sigma reader, the matching engine, the store of imported rules,
// the sliding windows of correlation rules and the step from a hit to an
// alert. It promises that a compiled Engine is immutable and safe for
// concurrent use (each goroutine with its own Scratch), that matching takes
// time linear in the event, that the prefilter never changes a result, and
// that alert ids are functions of the rule and of what was hit, so that
// delivering a hit twice makes nothing twice. It does not read telemetry
// formats, store alerts, or keep hits: intake, cases and lake do.
package detect
