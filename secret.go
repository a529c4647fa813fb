package tocsin

import "log/slog"

// Secret is a string that must not be seen: it prints, logs and marshals as
// "***". Reveal is the only way to its value, so a search for Reveal lists
// every place where a secret is used.
type Secret string

func (Secret) String() string               { return "***" }
func (Secret) GoString() string             { return "***" }
func (Secret) LogValue() slog.Value         { return slog.StringValue("***") }
func (Secret) MarshalText() ([]byte, error) { return []byte("***"), nil }

// Reveal returns the value.
func (s Secret) Reveal() string { return string(s) }
