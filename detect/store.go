package detect

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/content"
)

const (
	maxImportFiles = 50_000
	maxImportBytes = 256 << 20
	originBuiltin  = "builtin"
	originImported = "imported"
	pathBuiltin    = "content/rules/"
)

// RuleStore keeps imported rules and which rules are switched off, in a folder
// of its own, and the engine made of all that is switched on. Its methods may
// be called concurrently.
type RuleStore struct {
	dir    string
	mu     sync.Mutex // one change at a time
	engine atomic.Pointer[Engine]
	sets   atomic.Pointer[loadedRules]
}

type loadedRules struct {
	builtin, imported *RuleSet
	report            Report // of the imported files
	state             ruleState
}

// ruleState is rules.json.
type ruleState struct {
	Disabled []string `json:"disabled"`
	Enabled  []string `json:"enabled,omitempty"` // kept on although off by default
}

// OpenRules opens the store in dir, which is made when missing, with the rules
// that come with the program. A faulty imported file costs only its rules.
func OpenRules(dir string) (*RuleStore, error) {
	sub, err := fs.Sub(content.FS, "rules")
	if err != nil {
		return nil, fmt.Errorf("open the built-in rules: %w", err)
	}
	return openRules(dir, sub)
}

func openRules(dir string, builtin fs.FS) (*RuleStore, error) {
	if err := os.MkdirAll(filepath.Join(dir, "rules"), 0o700); err != nil {
		return nil, fmt.Errorf("open the rule store: %w", err)
	}
	set, rep := Load(builtin)
	if len(rep.Failed) > 0 || rep.UnsupportedCount() > 0 {
		return nil, fmt.Errorf("open the built-in rules: %s", rep.String())
	}
	for _, r := range set.Rules {
		r.Origin, r.Path = originBuiltin, pathBuiltin+r.Path
	}
	s := &RuleStore{dir: dir}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s, s.reload(set)
}

// reload reads the folder and publishes a new engine. Callers hold mu.
func (s *RuleStore) reload(builtin *RuleSet) error {
	l := &loadedRules{builtin: builtin}
	if b, err := os.ReadFile(filepath.Join(s.dir, "rules.json")); err == nil {
		if err := json.Unmarshal(b, &l.state); err != nil {
			return fmt.Errorf("read rules.json: %w", err)
		}
	} else if !os.IsNotExist(err) {
		return fmt.Errorf("read rules.json: %w", err)
	}
	l.imported, l.report = Load(os.DirFS(filepath.Join(s.dir, "rules")))
	s.publish(l)
	return nil
}

// publish makes copies of the rules with their switch set and compiles them.
func (s *RuleStore) publish(l *loadedRules) {
	off := map[string]bool{}
	for _, id := range l.state.Disabled {
		off[id] = true
	}
	dress := func(set *RuleSet, origin string) *RuleSet {
		out := &RuleSet{Rules: make([]*Rule, len(set.Rules))}
		for i, r := range set.Rules {
			c := *r
			c.Enabled = !off[r.ID]
			c.Origin = origin
			out.Rules[i] = &c
		}
		return out
	}
	l.builtin, l.imported = dress(l.builtin, originBuiltin), dress(l.imported, originImported)
	s.sets.Store(l)
	s.engine.Store(NewEngine(l.builtin, l.imported))
}

// Engine is the engine of the moment; it is swapped as a whole by Import and
// SetEnabled.
func (s *RuleStore) Engine() *Engine { return s.engine.Load() }

// WindowsPath is where the windows of correlation rules belong.
func (s *RuleStore) WindowsPath() string { return filepath.Join(s.dir, "windows.json") }

// Report is what the imported files gave when they were read last.
func (s *RuleStore) Report() Report { return s.sets.Load().report }

// List gives all rules, built-in ones first, each group in the order of their
// paths. Rules that only feed correlation rules are marked InputOnly.
func (s *RuleStore) List() []*Rule {
	l := s.sets.Load()
	out := slices.Clone(l.builtin.Rules)
	have := map[string]bool{}
	for _, r := range out {
		have[r.ID] = true
	}
	for _, r := range l.imported.Rules {
		if !have[r.ID] {
			out = append(out, r)
		}
	}
	return out
}

// Rule finds a rule by id, switched on or off.
func (s *RuleStore) Rule(id string) (*Rule, bool) {
	for _, r := range s.List() {
		if r.ID == id {
			return r, true
		}
	}
	return nil, false
}

// SetEnabled switches a rule on or off. It is an error of CodeNotFound for an
// unknown id.
func (s *RuleStore) SetEnabled(id string, on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.Rule(id); !ok {
		return tocsin.Errorf(tocsin.CodeNotFound, "no rule %q", id)
	}
	was := s.sets.Load()
	l := &loadedRules{builtin: was.builtin, imported: was.imported, report: was.report}
	for _, d := range was.state.Disabled {
		if d != id {
			l.state.Disabled = append(l.state.Disabled, d)
		}
	}
	if !on {
		l.state.Disabled = append(l.state.Disabled, id)
	}
	slices.Sort(l.state.Disabled)
	b, err := json.MarshalIndent(&l.state, "", "  ")
	if err != nil {
		return fmt.Errorf("save rules.json: %w", err)
	}
	if err := writeAtomic(filepath.Join(s.dir, "rules.json"), append(b, '\n')); err != nil {
		return fmt.Errorf("save rules.json: %w", err)
	}
	s.publish(l)
	return nil
}

// Import takes rules from a folder, a zip file or a single rule file into the
// store. A file whose path within the import is known is replaced. The report
// is about the imported files only.
func (s *RuleStore) Import(ctx context.Context, from string) (Report, error) {
	info, err := os.Stat(from)
	if err != nil {
		return Report{}, &tocsin.Error{Code: tocsin.CodeNotFound, Msg: fmt.Sprintf("cannot read %s", from), Err: err}
	}
	var files []RuleFile
	switch {
	case info.IsDir():
		files, err = folderRules(ctx, os.DirFS(from))
	case strings.EqualFold(filepath.Ext(from), ".zip"):
		var f *os.File
		if f, err = os.Open(from); err == nil {
			defer f.Close()
			files, err = zipRules(ctx, f, info.Size())
		}
	case isRuleFile(from):
		var b []byte
		if info.Size() > MaxRuleFile {
			return Report{}, tocsin.Errorf(tocsin.CodeLimit, "%s is larger than %d bytes", from, MaxRuleFile)
		}
		if b, err = os.ReadFile(from); err == nil {
			files = []RuleFile{{filepath.Base(from), b}}
		}
	default:
		return Report{}, tocsin.Errorf(tocsin.CodeInvalid, "%s is no folder, zip file or rule file", from)
	}
	if err != nil {
		return Report{}, err
	}
	return s.importFiles(files)
}

// ImportZip takes rules from a zip file.
func (s *RuleStore) ImportZip(ctx context.Context, z io.ReaderAt, size int64) (Report, error) {
	files, err := zipRules(ctx, z, size)
	if err != nil {
		return Report{}, err
	}
	return s.importFiles(files)
}

func (s *RuleStore) importFiles(files []RuleFile) (Report, error) {
	if len(files) == 0 {
		return Report{}, tocsin.Errorf(tocsin.CodeInvalid, "no rule files (.yml, .yaml) found")
	}
	// The public set's own folders stay; what is above them goes, so that two
	// downloads of it land on the same paths.
	_, rep := LoadFiles(files)
	s.mu.Lock()
	defer s.mu.Unlock()
	root := filepath.Join(s.dir, "rules")
	for _, f := range files {
		to := filepath.Join(root, filepath.FromSlash(f.Path))
		if old, err := os.ReadFile(to); err == nil && bytes.Equal(old, f.Data) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return rep, fmt.Errorf("store %s: %w", f.Path, err)
		}
		if err := os.WriteFile(to+".new", f.Data, 0o600); err != nil {
			return rep, fmt.Errorf("store %s: %w", f.Path, err)
		}
		if err := os.Rename(to+".new", to); err != nil {
			return rep, fmt.Errorf("store %s: %w", f.Path, err)
		}
	}
	return rep, s.reload(s.sets.Load().builtin)
}

func folderRules(ctx context.Context, dir fs.FS) ([]RuleFile, error) {
	var files []RuleFile
	total := 0
	err := fs.WalkDir(dir, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !d.Type().IsRegular() || !isRuleFile(p) {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		f, err := dir.Open(p)
		if err != nil {
			return err
		}
		defer f.Close()
		b, err := io.ReadAll(io.LimitReader(f, MaxRuleFile+1))
		if err != nil {
			return err
		}
		return addRuleFile(&files, &total, p, b)
	})
	return files, err
}

func addRuleFile(files *[]RuleFile, total *int, p string, b []byte) error {
	if *total += len(b); *total > maxImportBytes || len(*files) >= maxImportFiles {
		return tocsin.Errorf(tocsin.CodeLimit, "more than %d rule files or %d MiB in one import", maxImportFiles, maxImportBytes>>20)
	}
	*files = append(*files, RuleFile{p, b})
	return nil
}

// zipRules reads the rule files of a zip file. A path that leads out of the
// archive is refused as a whole archive: whoever made it means harm.
func zipRules(ctx context.Context, r io.ReaderAt, size int64) ([]RuleFile, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, &tocsin.Error{Code: tocsin.CodeInvalid, Msg: "this is no zip file", Err: err}
	}
	if len(z.File) > 2*maxImportFiles {
		return nil, tocsin.Errorf(tocsin.CodeLimit, "the zip file has more than %d entries", 2*maxImportFiles)
	}
	var files []RuleFile
	total := 0
	for _, e := range z.File {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		name := strings.ReplaceAll(e.Name, `\`, "/")
		if !fs.ValidPath(strings.TrimSuffix(name, "/")) || strings.Contains(name, ":") {
			return nil, tocsin.Errorf(tocsin.CodeInvalid, "the zip file has an entry outside itself: %q", e.Name)
		}
		if e.FileInfo().IsDir() || !e.Mode().IsRegular() || !isRuleFile(name) {
			continue
		}
		f, err := e.Open()
		if err != nil {
			return nil, &tocsin.Error{Code: tocsin.CodeInvalid, Msg: fmt.Sprintf("cannot read %s in the zip file", e.Name), Err: err}
		}
		// The declared size may lie; the limit counts what comes out.
		b, err := io.ReadAll(io.LimitReader(f, MaxRuleFile+1))
		f.Close()
		if err != nil {
			return nil, &tocsin.Error{Code: tocsin.CodeInvalid, Msg: fmt.Sprintf("cannot read %s in the zip file", e.Name), Err: err}
		}
		if err := addRuleFile(&files, &total, path.Clean(name), b); err != nil {
			return nil, err
		}
	}
	return files, nil
}
