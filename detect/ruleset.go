package detect

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// RuleFile is one rule file in memory.
type RuleFile struct {
	Path string
	Data []byte
}

// RuleSet is what Load read, in the order of the files. It is not changed
// after that.
type RuleSet struct {
	Rules []*Rule
}

// Report says what became of the files of a load or an import.
type Report struct {
	Files       int                 `json:"files"`
	Loaded      int                 `json:"loaded"`
	Unsupported map[string][]string `json:"unsupported,omitempty"` // by feature: ids of rules
	Failed      []*RuleError        `json:"failed,omitempty"`      // broken rules and files, with reasons
	Details     []*RuleError        `json:"details,omitempty"`     // the unsupported ones, with file and line
}

// UnsupportedCount is how many rules ask for something that is not done here.
func (r *Report) UnsupportedCount() int {
	n := 0
	for _, ids := range r.Unsupported {
		n += len(ids)
	}
	return n
}

// String is the report in a few lines, for a terminal.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d files: %d rules loaded, %d unsupported, %d failed", r.Files, r.Loaded, r.UnsupportedCount(), len(r.Failed))
	var features []string
	for f := range r.Unsupported {
		features = append(features, f)
	}
	slices.Sort(features)
	for _, f := range features {
		fmt.Fprintf(&b, "\n  unsupported %s: %d (%s)", f, len(r.Unsupported[f]), strings.Join(r.Unsupported[f], ", "))
	}
	for _, e := range r.Failed {
		fmt.Fprintf(&b, "\n  failed %v", e)
	}
	return b.String()
}

func (r *Report) add(e *RuleError) {
	if e.Feature == "" {
		r.Failed = append(r.Failed, e)
		return
	}
	if r.Unsupported == nil {
		r.Unsupported = map[string][]string{}
	}
	id := e.RuleID
	if id == "" {
		id = e.Path
	}
	r.Unsupported[e.Feature] = append(r.Unsupported[e.Feature], id)
	r.Details = append(r.Details, e)
}

// LoadFiles reads rule files. A file or rule that is no good is reported and
// costs nothing else; of rules with one id the first stays.
func LoadFiles(files []RuleFile) (*RuleSet, Report) {
	rep := Report{Files: len(files)}
	set := &RuleSet{}
	byID := map[string]*Rule{}
	for _, f := range files {
		rules, errs := ParseRules(f.Path, f.Data)
		for _, e := range errs {
			rep.add(e)
		}
		for _, r := range rules {
			if was := byID[r.ID]; was != nil {
				rep.add(&RuleError{Path: f.Path, RuleID: r.ID, Title: r.Title, Reason: fmt.Sprintf("id %s is taken by %s", r.ID, was.Path)})
				continue
			}
			byID[r.ID] = r
			set.Rules = append(set.Rules, r)
		}
	}
	set.link(&rep)
	rep.Loaded = len(set.Rules)
	return set, rep
}

// link resolves what correlation rules refer to and drops those that refer to
// nothing.
func (s *RuleSet) link(rep *Report) {
	byName := map[string]*Rule{}
	for _, r := range s.Rules {
		byName[r.ID] = r
		if r.Name != "" {
			byName[r.Name] = r
		}
	}
	s.Rules = slices.DeleteFunc(s.Rules, func(r *Rule) bool {
		if r.Correlation == nil {
			return false
		}
		ids := make([]string, 0, len(r.Correlation.Rules))
		for _, ref := range r.Correlation.Rules {
			in := byName[ref]
			switch {
			case in == nil:
				rep.add(&RuleError{Path: r.Path, RuleID: r.ID, Title: r.Title, Reason: fmt.Sprintf("correlation names rule %q, which is not there", ref)})
				return true
			case in.Correlation != nil:
				rep.add(&RuleError{Path: r.Path, RuleID: r.ID, Title: r.Title, Feature: "correlation of correlations", Reason: "unsupported: correlation of correlations"})
				return true
			}
			ids = append(ids, in.ID)
		}
		for i, ref := range r.Correlation.Rules {
			in := byName[ref]
			if !r.Correlation.Generate {
				in.InputOnly = true
			}
			// From here on rules are known by id; aliases were written by name.
			for _, per := range r.Correlation.Aliases {
				if f, ok := per[ref]; ok {
					per[ids[i]] = f
				}
			}
		}
		r.Correlation.Rules = ids
		r.Logsource = byName[ids[0]].Logsource
		return false
	})
}

// Load reads every .yml and .yaml file below the root of fsys.
func Load(fsys fs.FS) (*RuleSet, Report) {
	var files []RuleFile
	var bad []*RuleError
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			bad = append(bad, &RuleError{Path: p, Reason: err.Error()})
			return nil
		}
		if d.IsDir() || !isRuleFile(p) {
			return nil
		}
		if info, err := d.Info(); err == nil && info.Size() > MaxRuleFile {
			bad = append(bad, &RuleError{Path: p, Reason: fmt.Sprintf("the file is larger than %d bytes", MaxRuleFile)})
			return nil
		}
		data, err := fs.ReadFile(fsys, p)
		if err != nil {
			bad = append(bad, &RuleError{Path: p, Reason: err.Error()})
			return nil
		}
		files = append(files, RuleFile{p, data})
		return nil
	})
	set, rep := LoadFiles(files)
	if err != nil {
		bad = append(bad, &RuleError{Path: ".", Reason: err.Error()})
	}
	rep.Files += len(bad)
	rep.Failed = append(bad, rep.Failed...)
	return set, rep
}

func isRuleFile(p string) bool {
	ext := strings.ToLower(path.Ext(p))
	return ext == ".yml" || ext == ".yaml"
}
