// Package content holds what Tocsin knows without being told: the hunting
// tables it keeps (tables/, one YAML file each), the functions that queries may
// call (functions/, one KQL file each) and the detection rules it ships
// (rules/). It owns the embedded files and nothing else: reading them is
// the work of lake and detect. Files here are the only declaration; nothing in
// the code repeats a column or a rule.
package content

import "embed"

// FS holds tables/*.yaml, functions/*.kql and everything below rules/. Paths
// use slashes.
//
//go:embed all:tables all:functions all:rules
var FS embed.FS
