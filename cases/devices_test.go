package cases

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/correlate"
	"github.com/tocsinhq/tocsin/store"
)

func hostAlert(id string, at time.Time, host, hash string) tocsin.Alert {
	return tocsin.Alert{Source: "s", ExternalID: id, Title: "Tool " + hash, Severity: tocsin.SeverityHigh, Category: "Execution", ServiceSource: tocsin.SourceEndpoint,
		FirstActivity: at, LastActivity: at, Evidence: []tocsin.Evidence{
			{Type: tocsin.EvDevice, Props: map[string]any{"deviceDnsName": host, "osPlatform": "Windows11"}},
			{Type: tocsin.EvFile, Device: host, Props: map[string]any{"fileDetails": map[string]any{"sha256": hash, "fileName": "x.exe"}}},
			{Type: tocsin.EvUser, Props: map[string]any{"userAccount": map[string]any{"accountName": "kim" + hash[:4], "domainName": "corp"}}}}}
}

func nameRule(op tocsin.DeviceOperator, value string) tocsin.DeviceRule {
	return tocsin.DeviceRule{Conditions: []tocsin.DeviceCondition{{Field: tocsin.DeviceFieldName, Operator: op, Value: value}}}
}

// C09: with the switch on, incidents of different device groups stay apart;
// with it off, as by default, they are joined.
func TestC09DeviceGroupsApart(t *testing.T) {
	for _, apart := range []bool{false, true} {
		t.Run(fmt.Sprint(apart), func(t *testing.T) {
			w := newWorld(t)
			policy := correlate.DefaultPolicy()
			if policy.GroupsApart {
				t.Fatal("device groups are kept apart by default")
			}
			policy.GroupsApart = apart
			c := New(w.st, policy)
			for _, name := range []string{"sales", "plant"} {
				if _, err := c.CreateDeviceGroup(engine(t), tocsin.DeviceGroup{Name: name, Rule: nameRule(tocsin.DeviceStartsWith, name)}); err != nil {
					t.Fatal(err)
				}
			}
			hash := "ab12cd34ab12cd34ab12cd34ab12cd34ab12cd34ab12cd34ab12cd34ab12cd34"
			at := w.st.Now()
			var into []int64
			var batch []tocsin.Alert
			for i, host := range []string{"sales-1.corp.example", "plant-1.corp.example", "sales-1.corp.example"} {
				got, err := c.Accept(engine(t), []tocsin.Alert{hostAlert(fmt.Sprint(i), at.Add(time.Duration(i)*time.Minute), host, hash)})
				if err != nil || got[0].Err != nil {
					t.Fatal(err, got)
				}
				into = append(into, got[0].IncidentID)
			}
			for i := range into { // and in one batch
				batch = append(batch, hostAlert(fmt.Sprint("b", i), at.Add(time.Duration(i)*time.Minute), []string{"sales-8", "plant-8", "sales-8"}[i], hash[32:]+hash[:32]+"00"))
			}
			got, err := c.Accept(engine(t), batch)
			if err != nil || (got[0].IncidentID == got[1].IncidentID) == apart || got[0].IncidentID != got[2].IncidentID {
				t.Errorf("one batch went into %+v, %v", got, err)
			}
			if together := into[0] == into[1]; together == apart || into[2] != into[0] {
				t.Errorf("incidents %v with device groups kept apart: %v", into, apart)
			}
		})
	}
}

// TestRegroup: the first group whose rule takes a device has it, and a group
// that changes, moves or goes away has the devices sorted anew.
func TestRegroup(t *testing.T) {
	w := newWorld(t)
	c := New(w.st, correlate.DefaultPolicy())
	hash := "ab12cd34ab12cd34ab12cd34ab12cd34ab12cd34ab12cd34ab12cd34ab12cd34"
	var alerts []tocsin.Alert
	for i, host := range []string{"web-1.dmz.example", "web-2", "db-1.corp.example"} {
		alerts = append(alerts, hostAlert(fmt.Sprint(i), w.st.Now(), host, hash))
	}
	if _, err := c.Accept(engine(t), alerts); err != nil {
		t.Fatal(err)
	}
	sizes := func() (out []string) {
		t.Helper()
		if err := c.Regroup(engine(t), store.Claim{}); err != nil {
			t.Fatal(err)
		}
		l, err := c.DeviceGroups(engine(t))
		if err != nil || l.Regroup.Running {
			t.Fatal(err, l.Regroup)
		}
		for _, g := range l.Groups {
			out = append(out, fmt.Sprintf("%d %s %d", g.Rank, g.Name, g.Devices))
		}
		return append(out, fmt.Sprint("none ", l.Ungrouped))
	}
	want := func(have []string, want ...string) {
		t.Helper()
		if !slices.Equal(have, want) {
			t.Errorf("groups are %q, want %q", have, want)
		}
	}
	want(sizes(), "none 3")
	web, err := c.CreateDeviceGroup(engine(t), tocsin.DeviceGroup{Name: "Web", Rule: nameRule(tocsin.DeviceStartsWith, "WEB-")})
	if err != nil {
		t.Fatal(err)
	}
	want(sizes(), "1 Web 2", "none 1")
	dmz, err := c.CreateDeviceGroup(engine(t), tocsin.DeviceGroup{Name: "DMZ", Rank: 1, Rule: tocsin.DeviceRule{Any: true, Conditions: []tocsin.DeviceCondition{
		{Field: tocsin.DeviceFieldDomain, Operator: tocsin.DeviceEndsWith, Value: "dmz.example"}, {Field: tocsin.DeviceFieldTag, Operator: tocsin.DeviceEquals, Value: "dmz"}}}})
	if err != nil {
		t.Fatal(err)
	}
	want(sizes(), "1 DMZ 1", "2 Web 1", "none 1")
	dmz.Rank = 2
	if _, err := c.UpdateDeviceGroup(engine(t), dmz); err != nil {
		t.Fatal(err)
	}
	want(sizes(), "1 Web 2", "2 DMZ 0", "none 1")
	if err := c.DeleteDeviceGroup(engine(t), web.ID); err != nil {
		t.Fatal(err)
	}
	want(sizes(), "1 DMZ 1", "none 2")
	// Q11: incidents are found by the device group of their devices.
	page, err := c.Incidents(engine(t), tocsin.Query{Filter: tocsin.Any{Field: "deviceGroups", Op: tocsin.Eq, Value: "DMZ"}, Count: true})
	if err != nil || page.Total != 1 {
		t.Errorf("%d incidents of the group DMZ, %v", page.Total, err)
	}
	for _, g := range []tocsin.DeviceGroup{{Name: "x"}, {Name: "", Rule: dmz.Rule}, {Name: "dmz", Rule: dmz.Rule}, {Name: "x", Rule: dmz.Rule, Level: "often"},
		{Name: tocsin.UngroupedDevicesName, Rule: dmz.Rule}, {Name: "x", Rule: nameRule("like", "a")}} {
		if _, err := c.CreateDeviceGroup(engine(t), g); tocsin.CodeOf(err) != tocsin.CodeInvalid && tocsin.CodeOf(err) != tocsin.CodeConflict {
			t.Errorf("%+v: %v", g, err)
		}
	}
}
