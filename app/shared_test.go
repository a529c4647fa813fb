package app

import (
	"os"
	"path/filepath"
	"testing"
)

// sharedFile is the path of a file of the public test data, and "" when it is
// not on this machine.
func sharedFile(tb testing.TB, name string) string {
	tb.Helper()
	root := os.Getenv("TOCSIN_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "shared")
	}
	p := filepath.Join(root, filepath.FromSlash(name))
	if _, err := os.Stat(p); err != nil {
		tb.Logf("no public test data at %s; set TOCSIN_SHARED", p)
		return ""
	}
	return p
}
