package intake

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
)

// leaf is one thing that is no archive: a file, or a member at any depth.
type leaf struct {
	Path   string // of the file on disk, as given
	Source string // SHA-256 of that file's content, in hex
	Item   string // path of the member within it, "" for the file itself
	Name   string // base name, for formats that only a name tells apart
	Size   int64  // -1 when unknown

	r     *bufio.Reader // content, peekable
	spool func() (io.ReaderAt, int64, func(), error)
}

// finding is what walking met beside leaves.
type finding struct {
	Path, Item string
	Skipped    bool // nothing wrong: this is no telemetry
	Err        error
}

// walker goes through files and archives in a fixed order: names sorted on
// disk, the archive's own order inside. It never writes a member under its
// name.
type walker struct {
	limits Limits
	tmp    string // folder for unpacked members that need random access; "" for the system's
	leaf   func(ctx context.Context, l *leaf) error
	found  func(f finding)
	begin  func(path string, size int64) // a file on disk starts; may be nil
	after  func(size int64)              // it is done with; may be nil
	now    func() time.Time              // for the time limit

	// Of the file on disk that is being walked.
	file     string
	source   string
	packed   int64
	pos      *countAt
	unpacked int64
	entries  int
	refusals int
	deadline time.Time
	seen     map[string]int
}

var errStop = errors.New("stop")

// walk visits path: a file, or a folder with everything below it. The error is
// the context's or the one that leaf returned; all else goes to found.
func (w *walker) walk(ctx context.Context, root string) error {
	info, err := os.Stat(root)
	if err != nil {
		w.found(finding{Path: root, Err: err})
		return nil
	}
	if !info.IsDir() {
		return w.onDisk(ctx, root)
	}
	// A link that was named on purpose is followed; those met below it are not.
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	return filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		switch {
		case err != nil:
			w.found(finding{Path: p, Err: err})
			return nil
		case d.IsDir():
			return nil
		case !d.Type().IsRegular():
			w.found(finding{Path: p, Skipped: true, Err: errors.New("no regular file (links are not followed)")})
			return nil
		}
		return w.onDisk(ctx, p)
	})
}

func (w *walker) onDisk(ctx context.Context, p string) error {
	f, err := os.Open(p)
	if err != nil {
		w.found(finding{Path: p, Err: err})
		return nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("no regular file")
	}
	if err != nil {
		w.found(finding{Path: p, Err: err})
		return nil
	}
	sum := sha256.New()
	size, err := io.Copy(sum, f)
	if err != nil {
		w.found(finding{Path: p, Err: err})
		return nil
	}
	w.file, w.source, w.packed = p, hex.EncodeToString(sum.Sum(nil)), size
	w.unpacked, w.entries, w.refusals, w.seen = 0, 0, 0, make(map[string]int)
	w.deadline = w.now().Add(w.limits.Time)
	if w.begin != nil {
		w.begin(p, size)
	}
	w.pos = &countAt{r: io.NewSectionReader(f, 0, size)}
	err = w.open(ctx, &input{name: filepath.Base(p), size: size, at: w.pos}, 0)
	if w.after != nil {
		w.after(size)
	}
	w.pos = nil
	return err
}

// position is how much of the file on disk has been read, roughly: for a
// progress bar.
func (w *walker) position() int64 {
	if w.pos == nil {
		return 0
	}
	return min(w.pos.n, w.packed)
}

type countAt struct {
	r io.ReaderAt
	n int64
}

func (c *countAt) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.r.ReadAt(p, off)
	c.n += int64(n)
	return n, err
}

// input is a file or a member before it is known what it is.
type input struct {
	item string // path within the file on disk
	name string
	size int64       // -1 when unknown
	at   io.ReaderAt // set when there is random access
	r    io.Reader   // else
}

// open looks at the first bytes and goes into an archive or hands out a leaf.
func (w *walker) open(ctx context.Context, in *input, depth int) error {
	if in.at != nil {
		in.r = io.NewSectionReader(in.at, 0, in.size)
	}
	br := bufio.NewReaderSize(in.r, 64<<10)
	head, err := br.Peek(512)
	if err != nil && err != io.EOF && len(head) == 0 {
		return w.report(ctx, in.item, err)
	}
	kind := archiveKind(head)
	if kind != notArchive && depth >= w.limits.Depth {
		return w.report(ctx, in.item, tocsin.Errorf(tocsin.CodeLimit, "archives nest deeper than %d", w.limits.Depth))
	}
	switch kind {
	case isZip:
		return w.zip(ctx, in, br, depth+1)
	case isTar:
		return w.tar(ctx, in, br, depth+1)
	case isGzip:
		return w.gzip(ctx, in, br, depth+1)
	}
	l := &leaf{Path: w.file, Source: w.source, Item: in.item, Name: path.Base(in.name), Size: in.size, r: br}
	l.spool = func() (io.ReaderAt, int64, func(), error) {
		if in.at != nil {
			return in.at, in.size, func() {}, nil
		}
		return w.spool(br)
	}
	return w.leaf(ctx, l)
}

// report passes on what is wrong with one item and lets the walk go on, unless
// the reason is that we were told to stop.
func (w *walker) report(ctx context.Context, item string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	w.found(finding{Path: w.file, Item: item, Err: err})
	return nil
}

type archive int

const (
	notArchive archive = iota
	isZip
	isGzip
	isTar
)

func archiveKind(head []byte) archive {
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return isZip
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b, 8}):
		return isGzip
	case len(head) >= 262 && string(head[257:262]) == "ustar":
		return isTar
	}
	return notArchive
}

// spool makes a stream randomly accessible: in memory when it is small, else
// in a nameless temporary file.
func (w *walker) spool(r io.Reader) (io.ReaderAt, int64, func(), error) {
	var mem bytes.Buffer
	n, err := io.CopyN(&mem, r, w.limits.MemorySpool+1)
	if err == io.EOF {
		return bytes.NewReader(mem.Bytes()), n, func() {}, nil
	}
	if err != nil {
		return bytes.NewReader(mem.Bytes()), n, func() {}, err
	}
	f, err := os.CreateTemp(w.tmp, "tocsin-member-*")
	if err != nil {
		return nil, 0, nil, err
	}
	// Unlinked at once, so that a killed process leaves nothing behind.
	drop := func() { f.Close() }
	if os.Remove(f.Name()) != nil {
		drop = func() { f.Close(); os.Remove(f.Name()) }
	}
	if _, err = f.Write(mem.Bytes()); err == nil {
		var more int64
		more, err = io.Copy(f, r)
		n += more
	}
	// What was read before an error is still worth reading: a log that is cut
	// loses its last chunk only.
	return f, n, drop, err
}

// join names a member. Two members with one name are told apart by their order.
func (w *walker) join(outer, member string) string {
	item := member
	if outer != "" {
		item = outer + "!/" + member
	}
	w.seen[item]++
	if n := w.seen[item]; n > 1 {
		item += "#" + strconv.Itoa(n)
	}
	return item
}

// admit counts a member and refuses names that would leave a folder. Nothing is
// ever written under such a name here, but an archive that holds one was made
// to do harm, and its name would travel on into reports.
func (w *walker) admit(name string) error {
	if w.entries++; w.entries > w.limits.Entries {
		return errStop
	}
	clean := strings.ReplaceAll(name, `\`, "/")
	switch {
	case strings.HasPrefix(clean, "/"), len(clean) > 1 && clean[1] == ':',
		clean == "..", strings.HasPrefix(clean, "../"), strings.HasSuffix(clean, "/.."), strings.Contains(clean, "/../"):
		return tocsin.Errorf(tocsin.CodeInvalid, "refused: the member's name leads out of the archive")
	case strings.ContainsRune(name, 0), len(name) > 4096:
		return tocsin.Errorf(tocsin.CodeInvalid, "refused: the member's name is no file name")
	}
	return nil
}

func (w *walker) tooMany(ctx context.Context, item string) error {
	return w.report(ctx, item, tocsin.Errorf(tocsin.CodeLimit, "holds more than %d members", w.limits.Entries))
}

func (w *walker) gzip(ctx context.Context, in *input, br *bufio.Reader, depth int) error {
	zr, err := newGunzip(br)
	if err != nil {
		return w.report(ctx, in.item, fmt.Errorf("gzip: %w", err))
	}
	name := in.name
	for _, ext := range []string{".gz", ".gzip", ".tgz", ".GZ", ".TGZ"} {
		if s, ok := strings.CutSuffix(name, ext); ok {
			if strings.EqualFold(ext, ".tgz") {
				s += ".tar"
			}
			name = s
			break
		}
	}
	item := in.item
	if item != "" {
		item += "!"
	}
	g := &guard{w: w, ctx: ctx, r: zr, packed: in.size}
	err = w.open(ctx, &input{item: item, name: name, size: -1, r: g}, depth)
	if err == nil && zr.stray > 0 {
		w.found(finding{Path: w.file, Item: in.item, Skipped: true, Err: errors.New("stray bytes behind the gzip stream")})
	}
	return err
}

// gunzip reads a gzip stream of one or more members and takes bytes that are
// none for the end: collectors pad archives, and everything before is whole.
type gunzip struct {
	src   *bufio.Reader
	zr    *gzip.Reader
	stray int
}

func newGunzip(src *bufio.Reader) (*gunzip, error) {
	zr, err := gzip.NewReader(src)
	if err != nil {
		return nil, err
	}
	zr.Multistream(false)
	return &gunzip{src: src, zr: zr}, nil
}

func (g *gunzip) Read(p []byte) (int, error) {
	for {
		n, err := g.zr.Read(p)
		if n > 0 {
			if err == io.EOF {
				err = nil // the next call meets it again
			}
			return n, err
		}
		if err != io.EOF {
			return 0, err
		}
		if head, _ := g.src.Peek(3); len(head) == 0 {
			return 0, io.EOF
		} else if archiveKind(head) != isGzip {
			g.stray = len(head)
			return 0, io.EOF
		}
		if err := g.zr.Reset(g.src); err != nil {
			return 0, err
		}
		g.zr.Multistream(false)
	}
}

func (w *walker) tar(ctx context.Context, in *input, br *bufio.Reader, depth int) error {
	tr := tar.NewReader(br)
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return w.report(ctx, in.item, fmt.Errorf("tar: %w", err))
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		item := w.join(in.item, strings.TrimPrefix(h.Name, "./"))
		err = w.admit(h.Name)
		switch {
		case err == errStop:
			return w.tooMany(ctx, in.item)
		case err == nil && (h.Typeflag == tar.TypeSymlink || h.Typeflag == tar.TypeLink):
			err = tocsin.Errorf(tocsin.CodeInvalid, "refused: the member is a link")
		case err == nil && h.Typeflag != tar.TypeReg:
			w.found(finding{Path: w.file, Item: item, Skipped: true, Err: errors.New("no regular file")})
			continue
		}
		if err != nil {
			if err := w.report(ctx, item, err); err != nil {
				return err
			}
			continue
		}
		g := &guard{w: w, ctx: ctx, r: tr, packed: -1}
		if err := w.open(ctx, &input{item: item, name: h.Name, size: h.Size, r: g}, depth); err != nil {
			return err
		}
	}
}

func (w *walker) zip(ctx context.Context, in *input, br *bufio.Reader, depth int) error {
	at, size := in.at, in.size
	if at == nil {
		spooled, n, drop, err := w.spool(br)
		if drop != nil {
			defer drop()
		}
		if err != nil {
			return w.report(ctx, in.item, fmt.Errorf("zip: %w", err))
		}
		at, size = spooled, n
	}
	zr, err := openZipAt(at, size)
	if err != nil {
		return w.report(ctx, in.item, fmt.Errorf("zip: %w", err))
	}
	for _, f := range zr.File {
		if err := ctx.Err(); err != nil {
			return err
		}
		if strings.HasSuffix(f.Name, "/") || f.Mode().IsDir() {
			continue
		}
		item := w.join(in.item, strings.ReplaceAll(f.Name, `\`, "/"))
		err := w.admit(f.Name)
		switch {
		case err == errStop:
			return w.tooMany(ctx, in.item)
		case err == nil && f.Mode()&fs.ModeSymlink != 0:
			err = tocsin.Errorf(tocsin.CodeInvalid, "refused: the member is a link")
		case err == nil && f.Flags&1 != 0:
			err = tocsin.Errorf(tocsin.CodeInvalid, "the member is encrypted")
		}
		if err == nil {
			err = w.zipMember(ctx, f, item, depth)
			if err != nil && !isItem(err) {
				return err
			}
		}
		if err != nil {
			if err := w.report(ctx, item, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// itemError marks an error that concerns one member only.
type itemError struct{ error }

func (e itemError) Unwrap() error { return e.error }

func isItem(err error) bool {
	var e itemError
	return errors.As(err, &e)
}

func (w *walker) zipMember(ctx context.Context, f *zip.File, item string, depth int) error {
	rc, err := f.Open()
	if err != nil {
		return itemError{fmt.Errorf("zip: %w", err)}
	}
	defer rc.Close()
	g := &guard{w: w, ctx: ctx, r: rc, packed: int64(min(f.CompressedSize64, 1<<62))}
	size := int64(min(f.UncompressedSize64, 1<<62))
	return w.open(ctx, &input{item: item, name: f.Name, size: size, r: g}, depth)
}

// openZipAt reads the directory of a zip archive, also when bytes follow it.
func openZipAt(at io.ReaderAt, size int64) (*zip.Reader, error) {
	zr, err := zip.NewReader(at, size)
	if err == nil || errors.Is(err, zip.ErrInsecurePath) {
		return zr, nil
	}
	const window = 1 << 20
	from := max(0, size-window)
	tail := make([]byte, size-from)
	if n, rerr := at.ReadAt(tail, from); rerr != nil && rerr != io.EOF {
		return nil, rerr
	} else {
		tail = tail[:n]
	}
	// A few tries are enough for padding and few enough for an archive that
	// consists of end marks.
	for range 8 {
		i := bytes.LastIndex(tail, []byte("PK\x05\x06"))
		if i < 0 {
			break
		}
		if i+22 <= len(tail) {
			end := from + int64(i) + 22 + int64(tail[i+20]) + int64(tail[i+21])<<8
			if end <= size {
				if zr, err := zip.NewReader(io.NewSectionReader(at, 0, end), end); err == nil || errors.Is(err, zip.ErrInsecurePath) {
					return zr, nil
				}
			}
		}
		tail = tail[:i]
	}
	return nil, err
}
