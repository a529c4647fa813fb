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
