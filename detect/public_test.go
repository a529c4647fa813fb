package detect

import "testing"

// The public set grows; what loads today must load tomorrow.
func TestPublicRulesLoad(t *testing.T) {
	_, rep := publicRules(t)
	t.Logf("public rule set: %s", rep.String())
	if rep.Loaded < 3755 || rep.UnsupportedCount() > 2 || len(rep.Failed) > 0 {
		t.Errorf("loaded %d (want at least 3755), unsupported %d (at most 2), failed %d (none)", rep.Loaded, rep.UnsupportedCount(), len(rep.Failed))
	}
	if len(rep.Unsupported["modifier expand"]) != 2 {
		t.Errorf("expand is to be reported by name: %v", rep.Unsupported)
	}
}

// Every Windows log source of the public set is one that some event reaches.
func TestWindowsLogsourcesAreReached(t *testing.T) {
	set, _ := publicRules(t)
	services, categories := map[string]bool{"": true}, map[string]bool{"": true}
	for _, s := range channels {
		services[s] = true
	}
	for _, cs := range sysmonCategories {
		for _, c := range cs {
			categories[c] = true
		}
	}
	for _, byID := range windowsCategories {
		for _, cs := range byID {
			for _, c := range cs {
				categories[c] = true
			}
		}
	}
	categories["registry_add"], categories["registry_delete"] = true, true
	// These have no event of their own in any log that Windows keeps: Sysmon
	// does not log reads or renames of files.
	unreached := map[string]bool{"file_access": true, "file_rename": true}
	for _, r := range set.Rules {
		if r.Logsource.Product != "windows" {
			continue
		}
		if !services[r.Logsource.Service] {
			t.Errorf("no channel for service %q (%s)", r.Logsource.Service, r.Path)
		}
		if !categories[r.Logsource.Category] && !unreached[r.Logsource.Category] {
			t.Errorf("no event for category %q (%s)", r.Logsource.Category, r.Path)
		}
	}
}
