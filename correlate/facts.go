package correlate

import (
	"time"

	"github.com/tocsinhq/tocsin"
)

// Facts is the digest of one alert that correlation needs, small enough to be
// stored beside the alert as JSON.
type Facts struct {
	ID         string          `json:"id"`
	Title      string          `json:"t,omitempty"`
	Rule       string          `json:"r,omitempty"`
	Severity   tocsin.Severity `json:"s,omitempty"`
	First      time.Time       `json:"f"`
	Last       time.Time       `json:"l"`
	Categories []string        `json:"c,omitempty"`
	Techniques []string        `json:"q,omitempty"`
	Things     []Thing         `json:"k,omitempty"`
}

// Thing is one entity of an alert: its keys, what people call it, and the part
// that it played.
type Thing struct {
	Keys []tocsin.EntityKey `json:"k"`
	Name string             `json:"n,omitempty"`
}

// FactsOf digests an alert. The alert need not be normalized.
func FactsOf(a *tocsin.Alert) Facts {
	f := Facts{ID: a.ID, Title: a.Title, Rule: a.DetectorID, Severity: a.Severity, First: a.FirstActivity.UTC(), Last: a.LastActivity.UTC(),
		Categories: a.Categories, Techniques: a.Techniques}
	for i := range a.Evidence {
		if ks := a.Evidence[i].Keys(); len(ks) > 0 {
			f.Things = append(f.Things, Thing{Keys: ks, Name: a.Evidence[i].Name()})
		}
	}
	return f
}

// LookupKeys are the keys to index the alert by and to find candidates with:
// at most MaxLookupKeys, the most telling first.
func (f Facts) LookupKeys() []tocsin.EntityKey {
	var ks []tocsin.EntityKey
	seen := map[tocsin.EntityKey]bool{}
	for _, t := range f.Things {
		for _, k := range t.Keys {
			if !seen[k] && len(ks) < MaxLookupKeys {
				seen[k] = true
				ks = append(ks, k)
			}
		}
	}
	return ks
}
