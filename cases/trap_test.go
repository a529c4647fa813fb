package cases

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

// A trap is a stream in which something that everybody shares, under a name
// that no list has, stands in alerts of different stories.
type trap struct {
	alerts  []tocsin.Alert
	stories []string // of each alert
}

func (p *trap) add(story string, a tocsin.Alert) {
	a.ExternalID = strconv.Itoa(len(p.alerts))
	p.alerts, p.stories = append(p.alerts, a), append(p.stories, story)
}

// before begins the name of a story that only teaches what is common.
const before = "before "

// at is the time of the n-th alert, so many seconds apart.
func at(n, seconds int) time.Time { return day.Add(time.Duration(n*seconds) * time.Second) }

// step is an alert of a tactic and a technique of its own, so that the stages of
// different stories seem to follow each other.
func step(n int, title string, when time.Time, ev ...tocsin.Evidence) tocsin.Alert {
	a := alert("", title, when, ev...)
	tactics := []string{"InitialAccess", "Execution", "Persistence", "CredentialAccess", "LateralMovement", "Exfiltration"}
	a.Category = tactics[n%len(tactics)]
	a.Techniques = []string{fmt.Sprintf("T%d", 1000+n%7)}
	return a
}

func address(ip string) tocsin.Evidence {
	return tocsin.Evidence{Type: tocsin.EvIP, Props: map[string]any{"ipAddress": ip}}
}

func account(domain, name string) tocsin.Evidence {
	return tocsin.Evidence{Type: tocsin.EvUser, Props: map[string]any{"userAccount": map[string]any{"domainName": domain, "accountName": name}}}
}

func role(e tocsin.Evidence, roles ...tocsin.EvidenceRole) tocsin.Evidence {
	e.Roles = roles
	return e
}

// shuffled has the alerts arrive up to most later than they happened.
func (p trap) shuffled(most time.Duration) trap {
	l := labelled{p.alerts, p.stories}.late(5, most)
	return trap{l.alerts, l.truths}
}

// outcome is how the incidents and the stories of a trap agree.
type outcome struct {
	incidents int
	largest   int // alerts of one incident
	mixed     int // alerts in an incident that has those of another story
	torn      int // stories in more than one incident
	example   string
}

func (p trap) run(t testing.TB) outcome {
	t.Helper()
	w := newWorld(t)
	for part := range slices.Chunk(p.alerts, batchSize) {
		w.accept(t, part...)
		w.clock.forward(time.Minute)
	}
	where := w.whereAll(t)
	storyOf := map[string]string{}
	for i := range p.alerts {
		storyOf[p.alerts[i].ExternalID] = p.stories[i]
	}
	in, of := map[int64]map[string]int{}, map[string]map[int64]bool{}
	for _, a := range where {
		s := storyOf[a.ExternalID]
		if in[a.IncidentID] == nil {
			in[a.IncidentID] = map[string]int{}
		}
		if in[a.IncidentID][s]++; of[s] == nil {
			of[s] = map[int64]bool{}
		}
		of[s][a.IncidentID] = true
	}
	o := outcome{incidents: len(in)}
	for id, stories := range in {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(stories)), func(s string) bool { return !strings.HasPrefix(s, before) }) {
			continue
		}
		n := 0
		for _, k := range stories {
			n += k
		}
		o.largest = max(o.largest, n)
		if len(stories) > 1 {
			o.mixed += n
			if o.example == "" {
				o.example = fmt.Sprintf("incident %d has %v", id, slices.Sorted(maps.Keys(stories))[:min(3, len(stories))])
				for _, a := range where {
					for _, l := range a.Links {
						if a.IncidentID == id && storyOf[a.ExternalID] != storyOf[where[l.ToAlertID].ExternalID] && strings.Count(o.example, "\n") < 3 {
							o.example += fmt.Sprintf("\n  %s: %s (%.2f)", a.Title, l.Sentence, l.Strength)
						}
					}
				}
			}
		}
	}
	for _, ids := range of {
		if len(ids) > 1 {
			o.torn++
		}
	}
	return o
}

// people and their desks, of which each story has one of its own.
func desk(n int) (host string, who tocsin.Evidence) {
	return fmt.Sprintf("desk-%04d", n), account("CORP", fmt.Sprintf("person%04d", n))
}

// deskStory is a small story at one desk: two alerts of one process.
func (p *trap) deskStory(n int, when time.Time, more ...tocsin.Evidence) {
	host, who := desk(n)
	guid := fmt.Sprintf("{%d-%d}", n, when.Unix())
	story := guid
	if when.Before(day) {
		story = before + guid
	}
	for i := range 2 {
		ev := append([]tocsin.Evidence{device(host), who, process(host, guid, fmt.Sprintf("tool%d.exe", n%97))}, more...)
		p.add(story, step(n+i, fmt.Sprintf("Found %d", (n*7+i*3)%23), when.Add(time.Duration(i*20)*time.Second), ev...))
	}
}

// infrastructure are the traps of which each desk's story carries one thing in
// common with all others.
var infrastructure = map[string]func(n int) []tocsin.Evidence{
	"proxy address":  func(int) []tocsin.Evidence { return []tocsin.Evidence{address("10.77.3.9")} },
	"public address": func(int) []tocsin.Evidence { return []tocsin.Evidence{address("198.51.100.77")} },
	"scanner host": func(int) []tocsin.Evidence {
		return []tocsin.Evidence{role(device("kq-17"), tocsin.RoleSource), address("10.77.3.31")}
	},
	"domain controller": func(int) []tocsin.Evidence { return []tocsin.Evidence{role(device("blauwal"), tocsin.RoleUnknown)} },
	"controller asked": func(int) []tocsin.Evidence {
		return []tocsin.Evidence{role(device("blauwal"), tocsin.RoleDestination), address("10.77.0.2")}
	},
	"monitoring account": func(int) []tocsin.Evidence { return []tocsin.Evidence{account("CORP", "zebra-qx")} },
	"scanning account": func(int) []tocsin.Evidence {
		return []tocsin.Evidence{account("CORP", "zebra-qx"), address("10.77.3.31")}
	},
	"system by its number": func(int) []tocsin.Evidence {
		return []tocsin.Evidence{{Type: tocsin.EvUser, Props: map[string]any{"userAccount": map[string]any{"domainName": "NT-MYNDIGHET", "accountName": "SISTEMA", "userSid": "S-1-5-18"}}}}
	},
	"update server": func(int) []tocsin.Evidence {
		return []tocsin.Evidence{{Type: tocsin.EvURL, Props: map[string]any{"url": "https://depot.corp.example/"}}}
	},
	"deployed tool": func(int) []tocsin.Evidence {
		return []tocsin.Evidence{{Type: tocsin.EvFile, Props: map[string]any{"fileDetails": map[string]any{"fileName": "qtool.exe", "filePath": `C:\Apps\qtool.exe`, "sha256": strings.Repeat("ab", 32)}}}}
	},
	"session broker": func(int) []tocsin.Evidence {
		return []tocsin.Evidence{{Type: tocsin.EvRegistryKey, Device: "blauwal", Props: map[string]any{"registryKey": `HKEY_LOCAL_MACHINE\SOFTWARE\Corp\Profile`}}}
	},
}

// C02: what everybody shares joins nothing, whatever it is called: that it is
// shared is measured. Stories begin 30 seconds apart, each at a desk of its own.
// Where a few days of ordinary alerts have shown how common the thing is, nothing
// is joined; a system that starts with such a flood knows nothing, and what it
// joins by mistake stays small.
func TestTrapInfrastructure(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(infrastructure)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var cold, warm trap
			for n := range 50 {
				warm.deskStory(1000+n, at(n-60, 3600), infrastructure[name](n)...)
			}
			for n := range 120 {
				cold.deskStory(n, at(n, 30), infrastructure[name](n)...)
				warm.deskStory(n, at(n, 30), infrastructure[name](n)...)
			}
			for _, tt := range []struct {
				what          string
				p             trap
				largest, torn int
			}{{"unknown", cold, 32, 0}, {"known", warm, 4, 0}, {"known, late", warm.shuffled(10 * time.Minute), 4, 3}} {
				o := tt.p.run(t)
				t.Logf("%s: %d incidents for %d stories, largest %d, %d alerts mixed, %d torn", tt.what, o.incidents, len(tt.p.alerts)/2, o.largest, o.mixed, o.torn)
				if o.largest > tt.largest || o.mixed > tt.largest || o.torn > tt.torn {
					t.Errorf("%s: too much was joined or torn: %s", tt.what, o.example)
				}
			}
		})
	}
}

// The first alerts of all know nothing of what is common. Two strangers that
// share an address, a server or a system account are not yet a story.
func TestTrapInfrastructureUnknown(t *testing.T) {
	for _, name := range []string{"proxy address", "public address", "domain controller", "system by its number", "session broker"} {
		var p trap
		for n := range 2 {
			p.deskStory(n, at(n, 120), infrastructure[name](n)...)
		}
		if o := p.run(t); o.incidents != 2 || o.torn > 0 {
			t.Errorf("%s: two stories two minutes apart are %d incidents, %d torn: %s", name, o.incidents, o.torn, o.example)
		}
	}
}

// One address that a very large number of alerts carry makes no incident of all
// of them. TOCSIN_TRAP=1000000 runs it with that many; make test with 20,000.
func TestTrapOneAddress(t *testing.T) {
	total := 2_000
	if s := os.Getenv("TOCSIN_TRAP"); s != "" {
		var err error
		if total, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	w := newWorld(t)
	began := time.Now()
	largest, batch := 0, make([]tocsin.Alert, 0, batchSize)
	for n := range total {
		d := rng.IntN(4000)
		host, who := desk(d)
		a := step(rng.IntN(6), fmt.Sprintf("Found %d", rng.IntN(60)), at(n, 3), device(host), who, address("198.51.100.77"))
		a.ExternalID = strconv.Itoa(n)
		if batch = append(batch, a); len(batch) == batchSize || n == total-1 {
			w.accept(t, batch...)
			batch = batch[:0]
			w.clock.forward(10 * time.Minute)
		}
	}
	p, err := w.Incidents(anna(t), tocsin.Query{Top: 1000, OrderBy: []tocsin.Order{{Field: "lastUpdateDateTime", Desc: true}}})
	w.do(t, err)
	for _, inc := range p.Incidents {
		largest = max(largest, inc.AlertCount)
	}
	t.Logf("%d alerts with one address, %.0f a second: largest of the last 1,000 incidents has %d alerts", total, float64(total)/time.Since(began).Seconds(), largest)
	if largest > 25 {
		t.Errorf("an incident of %d alerts", largest)
	}
}

// A chain in which each alert shares one weak thing with the next, and nothing
// with the one after, stays apart. A host name that two devices ask for within
// half an hour is not weak by itself, but the chain of them still does not grow
// together.
func TestTrapWeakChain(t *testing.T) {
	weak := map[string]func(n int) tocsin.Evidence{
		"account": func(n int) tocsin.Evidence { return account("CORP", fmt.Sprintf("person%d", n)) },
		"address": func(n int) tocsin.Evidence { return address(fmt.Sprintf("10.9.8.%d", n+1)) },
		"file": func(n int) tocsin.Evidence {
			return tocsin.Evidence{Type: tocsin.EvFile, Props: map[string]any{"fileDetails": map[string]any{"fileName": "x.exe", "filePath": `C:\Apps\x.exe`, "sha256": fmt.Sprintf("%064x", n+1)}}}
		},
		"host name": func(n int) tocsin.Evidence {
			return tocsin.Evidence{Type: tocsin.EvURL, Props: map[string]any{"url": fmt.Sprintf("https://h%d.partner.example/", n)}}
		},
		"device": func(n int) tocsin.Evidence { return device(fmt.Sprintf("srv-%d", n)) },
	}
	for _, name := range slices.Sorted(maps.Keys(weak)) {
		link, most := weak[name], 2
		if name == "host name" {
			most = 8
		}
		var p trap
		for n := range 26 {
			p.add(string(rune('A'+n)), step(n, fmt.Sprintf("Found %c", 'A'+n), at(n, 30*60), device(fmt.Sprintf("own-%d", n)), link(n), link(n+1)))
		}
		for arrival, q := range map[string]trap{"in order": p, "late": p.shuffled(3 * time.Hour)} {
			if o := q.run(t); o.largest > most {
				t.Errorf("by %s, %s: %d alerts in one incident: %s", name, arrival, o.largest, o.example)
			}
		}
	}
}

// Ten attackers work on the same five servers in the same hour; each has an
// account of its own, and an address, processes, or both.
func TestTrapTenAttacks(t *testing.T) {
	for _, tt := range []struct {
		name               string
		address, processes bool
		torn               int // what moves on with an account alone may be lost sight of
	}{{"addresses and processes", true, true, 0}, {"addresses", true, false, 0}, {"processes", false, true, 3}} {
		for seed := range uint64(3) {
			p := tenAttacks(seed, tt.address, tt.processes)
			for arrival, q := range map[string]trap{"in order": p, "late": p.shuffled(20 * time.Minute)} {
				o := q.run(t)
				if o.mixed > 0 || o.torn > tt.torn || o.incidents < 10 {
					t.Errorf("%s, seed %d, %s: ten attacks are %d incidents, %d alerts mixed, %d attacks torn: %s", tt.name, seed, arrival, o.incidents, o.mixed, o.torn, o.example)
				}
			}
		}
	}
}

func tenAttacks(seed uint64, addresses, processes bool) (p trap) {
	var order []int
	for n := range 120 {
		order = append(order, n%10)
	}
	rng := rand.New(rand.NewPCG(seed, 4))
	rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	next := [10]int{}
	for n, attack := range order {
		s := next[attack]
		next[attack]++
		host := fmt.Sprintf("farm-%d", (attack+s/3)%5)
		ev := []tocsin.Evidence{device(host), account("CORP", fmt.Sprintf("gast%d", attack))}
		if addresses {
			ev = append(ev, address(fmt.Sprintf("203.0.113.%d", 10+attack)))
		}
		if processes {
			ev = append(ev, process(host, fmt.Sprintf("{%d-%d}", attack, s/3), fmt.Sprintf("w%d.exe", attack)))
		}
		p.add(fmt.Sprint("attack ", attack), step(s, fmt.Sprintf("Found %d", s), at(n, 30), ev...))
	}
	return p
}
