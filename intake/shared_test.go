package intake

import (
	"os"
	"path/filepath"
	"testing"
)

// sharedData is the folder of telemetry that nobody here wrote, which lies
// beside the module and is not part of it. Tests that need it skip without.
func sharedData(t testing.TB, elem ...string) string {
	t.Helper()
	root := os.Getenv("TOCSIN_SHARED")
	if root == "" {
		dir, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
				break
			}
			if dir == filepath.Dir(dir) {
				t.Skip("no go.mod above the test")
			}
			dir = filepath.Dir(dir)
		}
		root = filepath.Join(filepath.Dir(dir), "shared")
	}
	path := filepath.Join(append([]string{root, "data"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("shared telemetry is not here (%v); set TOCSIN_SHARED", err)
	}
	return path
}
