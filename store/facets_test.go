package store

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsinhq/tocsin"
)

// TestFacets counts under the filter of the other properties, and leaves
// redirected incidents and other tenants out.
func TestFacets(t *testing.T) {
	s := newStore(t)
	for _, tenant := range []string{"a", "b"} {
		update(t, s, tenant, func(tx *Tx) error {
			for i := range 12 {
				inc := tocsin.Incident{DisplayName: fmt.Sprint("Incident ", i), Severity: tocsin.Severities[1+i%4], Status: tocsin.IncidentStatuses[i%3],
					Classification: tocsin.ClassUnknown, Determination: tocsin.DetUnknown, CustomTags: []string{"VIP"}, Created: tx.Now(), LastUpdate: tx.Now()}
				if i%2 == 0 {
					inc.AssignedTo = "anna"
					inc.CustomTags = append(inc.CustomTags, "Even")
				}
				if err := tx.UseTags(inc.CustomTags); err != nil {
					return err
				}
				if err := tx.CreateIncident(&inc); err != nil {
					return err
				}
				if i == 11 {
					inc.Status = tocsin.IncidentRedirected
				}
				if err := tx.PutIncident(&inc); err != nil {
					return err
				}
			}
			return nil
		})
	}
	q := tocsin.Query{Filter: tocsin.And{
		tocsin.And{tocsin.Compare{Field: "assignedTo", Op: tocsin.Eq, Value: "anna"}, tocsin.Compare{Field: "status", Op: tocsin.Ne, Value: "resolved"}},
		tocsin.In{Field: "severity", Values: []any{"high"}}}}
	var got map[string][]tocsin.FacetCount
	ask := func(q tocsin.Query, properties ...string) error {
		return s.View(as(t.Context(), "a"), func(tx *Tx) (err error) {
			got, err = tx.Facets(q, properties)
			return err
		})
	}
	if err := ask(q, "severity", "assignedTo", "customTags"); err != nil {
		t.Fatal(err)
	}
	// Even ones that are not resolved: 0, 4, 6, 10, of severity 1+i%4: low twice.
	want := map[string][]tocsin.FacetCount{}
	counts := map[string]int64{}
	for _, i := range []int{0, 4, 6, 10} {
		counts[string(tocsin.Severities[1+i%4])]++
	}
	for _, sev := range []tocsin.Severity{tocsin.Severities[1], tocsin.Severities[3]} {
		want["severity"] = append(want["severity"], tocsin.FacetCount{Value: string(sev), Count: counts[string(sev)]})
	}
	if diff := cmp.Diff(want["severity"], got["severity"]); diff != "" {
		t.Errorf("severity (-want +got):\n%s", diff)
	}
	high := int64(0)
	for i := range 11 {
		if tocsin.Severities[1+i%4] == tocsin.SeverityHigh && tocsin.IncidentStatuses[i%3] != tocsin.IncidentResolved {
			high++
		}
	}
	var people int64
	for _, fc := range got["assignedTo"] {
		people += fc.Count
	}
	if people != high {
		t.Errorf("the counts of owners add up to %d and not to the %d of high severity that are not resolved: %v", people, high, got["assignedTo"])
	}
	for _, fc := range got["customTags"] {
		if fc.Value != "VIP" && fc.Value != "Even" {
			t.Errorf("tag %q is not spelled as it was given", fc.Value)
		}
	}
	if err := ask(tocsin.Query{}, "displayName"); tocsin.CodeOf(err) != tocsin.CodeInvalid {
		t.Errorf("counting names: %v", err)
	}
	if err := ask(tocsin.Query{}); tocsin.CodeOf(err) != tocsin.CodeInvalid {
		t.Errorf("counting nothing: %v", err)
	}
}
