package intake

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type member struct {
	name, body string
	link       bool
}

func zipOf(t testing.TB, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, m := range members {
		h := &zip.FileHeader{Name: m.name, Method: zip.Deflate}
		if m.link {
			h.SetMode(os.ModeSymlink | 0o777)
		}
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(f, m.body)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarOf(t testing.TB, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, m := range members {
		h := &tar.Header{Name: m.name, Size: int64(len(m.body)), Mode: 0o644, Typeflag: tar.TypeReg, Format: tar.FormatUSTAR}
		if m.link {
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, m.body, 0
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if !m.link {
			io.WriteString(w, m.body)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipOf(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// walkBytes writes one file and tells what a walk over it meets, one line each:
// "leaf item: content" or "bad item: reason" or "skip item: reason".
func walkBytes(t testing.TB, l Limits, name string, content []byte) (got []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return walkPath(t, l, path)
}

func walkPath(t testing.TB, l Limits, path string) (got []string) {
	w := &walker{limits: l.withDefaults(), tmp: t.TempDir(), now: time.Now,
		leaf: func(_ context.Context, l *leaf) error {
			b, err := io.ReadAll(l.r)
			line := fmt.Sprintf("leaf %s: %.40s", l.Item, b)
			if len(b) > 40 {
				line = fmt.Sprintf("leaf %s: %d bytes", l.Item, len(b))
			}
			if err != nil {
				line += ": " + err.Error()
			}
			got = append(got, line)
			return nil
		},
		found: func(f finding) {
			kind := "bad"
			if f.Skipped {
				kind = "skip"
			}
			got = append(got, fmt.Sprintf("%s %s: %v", kind, f.Item, f.Err))
		},
	}
	if err := w.walk(context.Background(), path); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestWalkArchives(t *testing.T) {
	inner := zipOf(t, member{name: "x.json", body: "{}"})
	deep := []byte("end")
	for range 5 {
		deep = gzipOf(t, deep)
	}
	encrypted := zipOf(t, member{name: "s", body: "secret"})
	for _, sig := range []struct {
		mark string
		off  int
	}{{"PK\x03\x04", 6}, {"PK\x01\x02", 8}} {
		i := bytes.Index(encrypted, []byte(sig.mark))
		encrypted[i+sig.off] |= 1
	}
	cases := []struct {
		name, file string
		content    []byte
		want       []string
	}{
		{"plain file", "a.json", []byte("{}"), []string{"leaf : {}"}},
		{"empty file", "a.json", nil, []string{"leaf : "}},
		{"gzip", "a.json.gz", gzipOf(t, []byte("{}")), []string{"leaf : {}"}},
		{"two gzip members in one file", "a.gz", append(gzipOf(t, []byte("a")), gzipOf(t, []byte("b"))...), []string{"leaf : ab"}},
		{"gzip with stray bytes", "a.gz", append(gzipOf(t, []byte("a")), 0, 0, 0, 0), []string{"leaf : a", "skip : stray bytes behind the gzip stream"}},
		{"gzip cut", "a.gz", gzipOf(t, bytes.Repeat([]byte("a"), 90))[:20], []string{"leaf : 90 bytes: unexpected EOF"}},
		{"zip", "a.dat", zipOf(t, member{name: "d/a", body: "1"}, member{name: "b", body: "2"}), []string{"leaf d/a: 1", "leaf b: 2"}},
		{"zip with stray bytes", "a.zip", append(zipOf(t, member{name: "a", body: "1"}), bytes.Repeat([]byte{'x'}, 70000)...), []string{"leaf a: 1"}},
		{"zip cut", "a.zip", inner[:len(inner)-30], []string{"bad : zip: zip: not a valid zip file"}},
		{"zip in zip", "a.zip", zipOf(t, member{name: "in.zip", body: string(inner)}), []string{"leaf in.zip!/x.json: {}"}},
		{"gzip in zip", "a.zip", zipOf(t, member{name: "x.gz", body: string(gzipOf(t, []byte("{}")))}), []string{"leaf x.gz!: {}"}},
		{"tar", "a.tar", tarOf(t, member{name: "./a", body: "1"}, member{name: "b", body: "2"}), []string{"leaf a: 1", "leaf b: 2"}},
		{"tar.gz with stray bytes", "a.tgz", append(gzipOf(t, tarOf(t, member{name: "a", body: "1"})), "junk"...), []string{"leaf a: 1"}},
		{"zip in tar.gz", "a.tgz", gzipOf(t, tarOf(t, member{name: "i.zip", body: string(inner)})), []string{"leaf i.zip!/x.json: {}"}},
		{"one name twice", "a.zip", zipOf(t, member{name: "a", body: "1"}, member{name: "a", body: "2"}), []string{"leaf a: 1", "leaf a#2: 2"}},
		{"names that lead out", "a.zip", zipOf(t,
			member{name: "../a", body: "1"}, member{name: "/etc/x", body: "1"}, member{name: `..\a`, body: "1"},
			member{name: `C:\x`, body: "1"}, member{name: "a/../../b", body: "1"}, member{name: "ok", body: "1"}),
			[]string{"bad ../a: refused: the member's name leads out of the archive", "bad /etc/x: refused: the member's name leads out of the archive",
				"bad ../a#2: refused: the member's name leads out of the archive", "bad C:/x: refused: the member's name leads out of the archive",
				"bad a/../../b: refused: the member's name leads out of the archive", "leaf ok: 1"}},
		{"links in zip", "a.zip", zipOf(t, member{name: "l", body: "/etc/passwd", link: true}, member{name: "ok", body: "1"}), []string{"bad l: refused: the member is a link", "leaf ok: 1"}},
		{"links in tar", "a.tar", tarOf(t, member{name: "l", body: "/etc/passwd", link: true}, member{name: "ok", body: "1"}), []string{"bad l: refused: the member is a link", "leaf ok: 1"}},
		{"encrypted", "a.zip", encrypted, []string{"bad s: the member is encrypted"}},
		{"too deep", "a.gz", deep, []string{"bad : archives nest deeper than 4"}},
	}
	for _, c := range cases {
		if diff := cmp.Diff(c.want, walkBytes(t, Limits{}, c.file, c.content)); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}

func TestWalkLimits(t *testing.T) {
	zeros := bytes.Repeat([]byte{0}, 4<<20)
	small := Limits{RatioFrom: 1 << 20, Ratio: 100, MemberBytes: 8 << 20}
	cases := []struct {
		name    string
		limits  Limits
		content []byte
		want    string
	}{
		{"gzip bomb", small, gzipOf(t, zeros), "unpacks to more than 100 times its size"},
		{"zip bomb, and its neighbour lives", small, zipOf(t, member{name: "z", body: string(zeros)}, member{name: "ok", body: "1"}), "unpacks to more than 100 times its size"},
		{"gzip in gzip", small, gzipOf(t, gzipOf(t, zeros)), "unpacks to more than 100 times its size"},
		{"bomb in a tar.gz", small, gzipOf(t, tarOf(t, member{name: "z", body: string(zeros)})), "unpacks to more than 100 times its size"},
		{"member too large", Limits{MemberBytes: 1 << 20}, gzipOf(t, zeros), "unpacks to more than 1 MiB"},
		{"too many members", Limits{Entries: 2}, zipOf(t, member{name: "1"}, member{name: "2"}, member{name: "3"}), "bad : holds more than 2 members"},
	}
	for _, c := range cases {
		got := strings.Join(walkBytes(t, c.limits, "a", c.content), "\n")
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	got := walkBytes(t, small, "a", cases[1].content)
	if len(got) != 2 || !strings.HasPrefix(got[0], "leaf z: ") || got[1] != "leaf ok: 1" {
		t.Errorf("zip bomb: %q", got)
	}
}

func TestWalkFolder(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []string{"b", "a/z", "a/y"} {
		p := filepath.Join(dir, filepath.FromSlash(n))
		os.MkdirAll(filepath.Dir(p), 0o700)
		if err := os.WriteFile(p, []byte(n), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	want := []string{"leaf : a/y", "leaf : a/z", "leaf : b", "skip : no regular file (links are not followed)"}
	if diff := cmp.Diff(want, walkPath(t, Limits{}, dir)); diff != "" {
		t.Error(diff)
	}
	if got := walkPath(t, Limits{}, filepath.Join(dir, "nothing")); len(got) != 1 || !strings.HasPrefix(got[0], "bad : ") {
		t.Errorf("missing path: %q", got)
	}
}

// A member larger than what is kept in memory goes through a file that has no
// name any more.
func TestSpoolLeavesNothing(t *testing.T) {
	tmp := t.TempDir()
	w := &walker{limits: Limits{MemorySpool: 10}.withDefaults(), tmp: tmp}
	for _, text := range []string{"short", "much longer than ten bytes"} {
		at, n, drop, err := w.spool(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, n)
		if _, err := at.ReadAt(b, 0); (err != nil && err != io.EOF) || string(b) != text {
			t.Errorf("%q, %v", b, err)
		}
		if left, _ := os.ReadDir(tmp); len(left) != 0 {
			t.Errorf("left %v", left)
		}
		drop()
	}
}

func FuzzWalk(f *testing.F) {
	f.Add(zipOf(f, member{name: "a", body: "1"}, member{name: "in.gz", body: string(gzipOf(f, []byte("x")))}))
	f.Add(gzipOf(f, tarOf(f, member{name: "a", body: "1"})))
	f.Add(append(zipOf(f, member{name: "a", body: "1"}), "stray"...))
	path := filepath.Join(f.TempDir(), "fuzzed")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		walkPath(t, Limits{MemberBytes: 1 << 20, RatioFrom: 1 << 16, Entries: 100}, path)
	})
}
