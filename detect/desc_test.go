package detect

import "testing"

func TestDescribe(t *testing.T) {
	set, _ := publicRules(t)
	e := NewEngine(set)
	for _, l := range e.Describe() {
		if len(l) > 600 {
			l = l[:600]
		}
		t.Log(l)
	}
	p := e.programs[Logsource{Product: "windows", Category: "process_creation"}]
	names := map[int32]string{}
	for n, id := range e.fields {
		names[id] = n
	}
	for _, f := range p.fields {
		t.Logf("%s: lits %d states %d dense %d width %d size %d KiB outs %d", names[f.field], len(f.auto.lits), len(f.auto.states), f.auto.dense, f.auto.width, f.auto.size()>>10, len(f.auto.outs))
	}
}
