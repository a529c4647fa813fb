package sim

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

var begin = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// told is the story of seed 1, told once: no test changes it.
var told = sync.OnceValue(func() []tocsin.Row { return Attack(Company(1), 1, begin) })

func TestCompany(t *testing.T) {
	w := Company(1)
	people, kinds := map[string]bool{}, map[DeviceKind]int{}
	for _, p := range w.People {
		if people[p.UPN] || people[p.SID] || people[p.ObjectID] {
			t.Errorf("%s is not the only one of that name or id", p.UPN)
		}
		people[p.UPN], people[p.SID], people[p.ObjectID] = true, true, true
	}
	if n := len(people) / 3; n < 60 || n > 65 {
		t.Errorf("%d accounts", n)
	}
	for _, d := range w.Devices {
		kinds[d.Kind]++
		if d.ID != tocsin.DeviceID(d.Name) || d.ID != tocsin.DeviceID(d.Short) {
			t.Errorf("%s: id does not follow from the name", d.Name)
		}
	}
	if len(w.Devices) != 80 || kinds[DomainController] != 2 || kinds[Server] != 13 {
		t.Errorf("%d devices: %v", len(w.Devices), kinds)
	}
	if !reflect.DeepEqual(w, Company(1)) {
		t.Error("a seed makes two companies")
	}
	if Company(2).Tenant == w.Tenant {
		t.Error("two seeds make one company")
	}
}

func TestAttackIsDeterministic(t *testing.T) {
	a, b := Attack(Company(3), 3, begin), Attack(Company(3), 3, begin)
	if len(a) != len(b) {
		t.Fatalf("%d rows, then %d", len(a), len(b))
	}
	for i := range a {
		if a[i].Table != b[i].Table || !reflect.DeepEqual(a[i].Values, b[i].Values) {
			t.Fatalf("row %d of %s differs: %v, then %v", i, a[i].Table, a[i].Values, b[i].Values)
		}
	}
	if len(a) < 30_000 || len(a) > 60_000 {
		t.Errorf("%d rows", len(a))
	}
	// Told later, the same story is later.
	c := Attack(Company(3), 3, begin.Add(5*time.Hour))
	if len(c) != len(a) {
		t.Errorf("%d rows, told later %d", len(a), len(c))
	}
}

func TestRowsAreInOrderAndInTime(t *testing.T) {
	last := begin
	for i, r := range told() {
		at := r.Values["Timestamp"].(time.Time)
		if at.Before(last) || at.After(begin.Add(AttackLength)) || at.Location() != time.UTC {
			t.Fatalf("row %d of %s is at %v after %v", i, r.Table, at, last)
		}
		last = at
	}
}

var columnLine = regexp.MustCompile(`\{name: "?(\w+)"?, type: "?(\w+)"?`)

// columnTypes reads what content declares of a table.
func columnTypes(t *testing.T, table string) map[string]string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "content", "tables", table+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, m := range columnLine.FindAllStringSubmatch(string(b), -1) {
		out[m[1]] = m[2]
	}
	if len(out) < 5 {
		t.Fatalf("%s: read %d columns", table, len(out))
	}
	return out
}

func fits(kind string, v any) bool {
	switch v := v.(type) {
	case string:
		return kind == "string" || kind == "guid"
	case int64:
		return kind == "long" || kind == "int" && v >= -1<<31 && v < 1<<31
	case bool:
		return kind == "bool"
	case time.Time:
		return kind == "datetime"
	case map[string]any, []any:
		return kind == "dynamic"
	case float64:
		return kind == "real" || kind == "double"
	}
	return false
}

func TestRowsFitTheTables(t *testing.T) {
	tables := map[string]map[string]string{}
	complained := map[string]bool{}
	for _, r := range told() {
		cols := tables[r.Table]
		if cols == nil {
			cols = columnTypes(t, r.Table)
			tables[r.Table] = cols
		}
		for name, v := range r.Values {
			if key := r.Table + "." + name; !fits(cols[name], v) && !complained[key] {
				complained[key] = true
				t.Errorf("%s is declared as %q and holds %T", key, cols[name], v)
			}
		}
		if _, err := json.Marshal(r.Values); err != nil {
			t.Fatal(err)
		}
	}
	if len(tables) < 18 {
		t.Errorf("only %d tables are used", len(tables))
	}
}

// TestIDsHoldTogether follows the ids from table to table.
func TestIDsHoldTogether(t *testing.T) {
	w := Company(1)
	rows := told()
	reports, mails, processes := map[string]bool{}, map[any]bool{}, map[any]any{}
	devices, people := map[string]bool{}, map[string]bool{}
	for _, d := range w.Devices {
		devices[d.ID] = true
	}
	for _, p := range w.People {
		people[p.UPN] = true
	}
	for _, r := range rows {
		id := fmt.Sprint(r.Table, r.Values["ReportId"])
		if reports[id] {
			t.Fatalf("%s: report id %v twice", r.Table, r.Values["ReportId"])
		}
		reports[id] = true
		switch r.Table {
		case "EmailEvents":
			mails[r.Values["NetworkMessageId"]] = true
		case "DeviceProcessEvents":
			if processes[r.Values["ProcessUniqueId"]] != nil {
				t.Fatalf("process %v starts twice", r.Values["ProcessUniqueId"])
			}
			processes[r.Values["ProcessUniqueId"]] = r.Values["FileName"]
		}
	}
	for _, r := range rows {
		if id, ok := r.Values["NetworkMessageId"]; ok && !mails[id] {
			t.Fatalf("%s names the message %v, which nobody got", r.Table, id)
		}
		if id, ok := r.Values["DeviceId"].(string); ok && (!devices[id] || id != tocsin.DeviceID(r.Values["DeviceName"].(string))) {
			t.Fatalf("%s names an unknown device %v", r.Table, r.Values["DeviceName"])
		}
		if upn, ok := r.Values["AccountUpn"].(string); ok && !people[upn] {
			t.Fatalf("%s names an unknown account %s", r.Table, upn)
		}
		if u := r.Values["InitiatingProcessUniqueId"]; u != nil && processes[u] != nil && processes[u] != r.Values["InitiatingProcessFileName"] {
			t.Fatalf("%s: process %v is %v and %v", r.Table, u, processes[u], r.Values["InitiatingProcessFileName"])
		}
	}
}

var (
	anAddress = regexp.MustCompile(`\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b`)
	aMailbox  = regexp.MustCompile(`[\w.-]+@([\w-]+\.)+[a-z]{2,}`)
)

// TestNamesAreInvented: only addresses and domains that belong to nobody.
func TestNamesAreInvented(t *testing.T) {
	var allowed []netip.Prefix
	for _, p := range []string{"10.0.0.0/8", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"} {
		allowed = append(allowed, netip.MustParsePrefix(p))
	}
	seen := map[string]bool{}
	for _, r := range told() {
		for name, v := range r.Values {
			s, ok := v.(string)
			if !ok || seen[s] || strings.Contains(name, "UserAgent") || strings.Contains(name, "Path") || strings.Contains(name, "Version") || strings.Contains(name, "CommandLine") || name == "Browser" {
				continue
			}
			seen[s] = true
			for _, a := range anAddress.FindAllString(s, -1) {
				ip, err := netip.ParseAddr(a)
				good := false
				for _, p := range allowed {
					good = good || err == nil && p.Contains(ip)
				}
				if !good {
					t.Errorf("%s.%s has the address %s", r.Table, name, a)
				}
			}
			for _, m := range aMailbox.FindAllString(s, -1) {
				if !strings.HasSuffix(m, ".example") {
					t.Errorf("%s.%s has the mailbox %s", r.Table, name, m)
				}
			}
		}
	}
}

// TestAttackCrossesTheCompany: the attacker leaves rows in every part.
func TestAttackCrossesTheCompany(t *testing.T) {
	found := map[string]bool{}
	for _, r := range told() {
		b, err := json.Marshal(r.Values)
		if err != nil {
			t.Fatal(err)
		}
		for _, mark := range []string{lureIP, lureHost, controlIP, thiefIP, appName, "lsync.exe"} {
			if bytes.Contains(b, []byte(mark)) {
				found[r.Table] = true
			}
		}
	}
	for _, table := range []string{"EmailEvents", "EmailUrlInfo", "UrlClickEvents", "EntraIdSignInEvents", "CloudAppEvents", "OAuthAppInfo", "DeviceProcessEvents",
		"DeviceNetworkEvents", "DeviceFileEvents", "DeviceRegistryEvents", "DeviceEvents", "CloudAuditEvents", "CloudStorageAggregatedEvents"} {
		if !found[table] {
			t.Errorf("no trace of the attack in %s", table)
		}
	}
}

func TestBulk(t *testing.T) {
	var a, b bytes.Buffer
	w := Company(1)
	if err := Bulk(w, 9000, 5, &a); err != nil {
		t.Fatal(err)
	}
	if err := Bulk(w, 9000, 5, &b); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Fatal("two runs differ")
	}
	if size := a.Len() / 9000; size < 1200 || size > 1800 {
		t.Errorf("%d bytes a row", size)
	}
	cols := columnTypes(t, "DeviceProcessEvents")
	reports := map[any]bool{}
	n, odd := 0, 0
	sc := bufio.NewScanner(&a)
	for sc.Scan() {
		var v map[string]any
		dec := json.NewDecoder(bytes.NewReader(sc.Bytes()))
		dec.UseNumber()
		if err := dec.Decode(&v); err != nil {
			t.Fatalf("line %d: %v", n+1, err)
		}
		if len(v) < 24 || reports[v["ReportId"]] {
			t.Fatalf("line %d: %d columns, report %v", n+1, len(v), v["ReportId"])
		}
		reports[v["ReportId"]] = true
		for c := range v {
			if cols[c] == "" {
				t.Fatalf("line %d: no column %s", n+1, c)
			}
		}
		if bytes.Contains(sc.Bytes(), []byte("@time@")) || bytes.Contains(sc.Bytes(), []byte("@number@")) {
			t.Fatalf("line %d: a mark is left", n+1)
		}
		if strings.Contains(fmt.Sprint(v["ProcessCommandLine"]), "-Enc ") {
			odd++
		}
		n++
	}
	if n != 9000 || odd > 5 {
		t.Errorf("%d rows, %d odd", n, odd)
	}
	if err := Bulk(w, 100, 5, refusing{}); err == nil {
		t.Error("an error of the writer got lost")
	}
}

type refusing struct{}

func (refusing) Write([]byte) (int, error) { return 0, os.ErrClosed }

func BenchmarkAttack(b *testing.B) {
	w := Company(1)
	for b.Loop() {
		Attack(w, 1, begin)
	}
}

func BenchmarkBulk(b *testing.B) {
	w := Company(1)
	n := 0
	for b.Loop() {
		if err := Bulk(w, 100_000, 1, countingWriter{&n}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*100_000/b.Elapsed().Seconds(), "rows/s")
}

type countingWriter struct{ n *int }

func (c countingWriter) Write(p []byte) (int, error) { *c.n += len(p); return len(p), nil }
