package sqlgen

// textPredicate gives the matcher of a text operator with constant patterns.
func textPredicate(op string, patterns []string) (func(text []byte) bool, bool) {
	return nil, false
}
