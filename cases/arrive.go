package cases

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/correlate"
	"github.com/tocsinhq/tocsin/store"
)

// arrival is an alert that came in, with all that follows from it alone. It is
// made before the transaction, on all processors.
type arrival struct {
	a          tocsin.Alert
	err        error  // why it cannot be taken
	delivery   string // its delivery's id in the store; "" for none
	facts      correlate.Facts
	keys       []tocsin.EntityKey
	numbers    []int64 // of the keys
	names      []string
	devices    []string
	users      []string
	seen       []tocsin.Seen // the devices with what is said of them
	digest     digest
	factsJSON  string
	digestJSON string
}

func (x *arrival) origin() store.Origin {
	return store.Origin{Source: x.a.Source, ExternalID: x.a.ExternalID}
}

// arrive makes alerts ready to be taken; the caller keeps its own.
func arrive(tenant string, in []tocsin.Alert) []arrival {
	out := make([]arrival, len(in))
	workers := max(1, min(runtime.GOMAXPROCS(0), len(in)/8))
	var wg sync.WaitGroup
	for w := 1; w < workers; w++ {
		wg.Go(func() {
			for i := w; i < len(in); i += workers {
				out[i].make(tenant, &in[i])
			}
		})
	}
	for i := 0; i < len(in); i += workers {
		out[i].make(tenant, &in[i])
	}
	wg.Wait()
	return out
}

func (x *arrival) make(tenant string, in *tocsin.Alert) {
	x.a = *in
	a := &x.a
	a.Evidence, a.Rows, a.Categories, a.Techniques = slices.Clone(a.Evidence), slices.Clone(a.Rows), slices.Clone(a.Categories), slices.Clone(a.Techniques)
	a.Normalize()
	if x.err = a.Validate(); x.err != nil {
		return
	}
	a.Tenant, a.ID, a.Version, a.IncidentID, a.Links = tenant, alertID(a), 1, 0, nil
	if a.DeliveryID != "" {
		x.delivery = deliveryID(a)
	}
	a.Correlation = "" // until its rule is asked
	x.names = names(a)
	x.devices, x.users = places(a)
	x.seen = a.Devices()
	x.digest = digestOf(a)
	x.err = x.digestFacts()
}

// digestFacts makes what correlation compares of the alert as it is.
func (x *arrival) digestFacts() (err error) {
	x.facts = factsOf(&x.a)
	x.keys = x.facts.LookupKeys()
	x.numbers = numbersOf(x.keys)
	x.factsJSON, x.digestJSON, err = encodeFacts(&x.a, x.facts)
	return err
}

func numbersOf(keys []tocsin.EntityKey) []int64 {
	out := make([]int64, len(keys))
	for i, k := range keys {
		out[i] = store.KeyNumber(k)
	}
	return out
}

// encodeFacts is what is kept beside an alert.
func encodeFacts(a *tocsin.Alert, f correlate.Facts) (facts, digest string, err error) {
	fs, err := json.Marshal(f)
	if err != nil {
		return "", "", fmt.Errorf("encode facts: %w", err)
	}
	ds, err := json.Marshal(digestOf(a))
	if err != nil {
		return "", "", fmt.Errorf("encode digest: %w", err)
	}
	return string(fs), string(ds), nil
}

// alertPrefixes are the letters before an alert's id that tell its source, as
// Defender has them.
var alertPrefixes = map[tocsin.ServiceSource]string{
	tocsin.SourceEndpoint: "da", tocsin.SourceIdentity: "aa", tocsin.SourceCloudApps: "ca", tocsin.SourceOffice: "fa",
	tocsin.SourceXDR: "ra", tocsin.SourceEntra: "ad", tocsin.SourceAppGovernance: "ma", tocsin.SourceDLP: "dl",
	tocsin.SourceCloud: "dc", tocsin.SourceSentinel: "sn", tocsin.SourceInsiderRisk: "ir", tocsin.SourceThreatIntel: "ti",
}

// alertID is the id of an alert: a function of where it comes from, so that
// taking it again after a crash makes no second one.
func alertID(a *tocsin.Alert) string {
	p := alertPrefixes[a.ServiceSource]
	switch {
	case a.DetectionSource == tocsin.DetectionCustom && a.ServiceSource == tocsin.SourceEndpoint:
		p = "ed"
	case a.DetectionSource == tocsin.DetectionCustom && a.ServiceSource == tocsin.SourceXDR:
		p = "ea"
	case p == "":
		p = "un"
	}
	h := sha256.New()
	fmt.Fprintf(h, "%d:%s%d:%s", len(a.Source), a.Source, len(a.ExternalID), a.ExternalID)
	return p + hex.EncodeToString(h.Sum(nil)[:16])
}

func deliveryID(a *tocsin.Alert) string {
	sum := sha256.Sum256([]byte(strconv.Itoa(len(a.Source)) + ":" + a.Source + strconv.Itoa(len(a.ExternalID)) + ":" + a.ExternalID + a.DeliveryID))
	return hex.EncodeToString(sum[:16])
}

// places are the devices and people of an alert, one name each: what a key is
// common on.
func places(a *tocsin.Alert) (devices, users []string) {
	for i := range a.Evidence {
		e := &a.Evidence[i]
		switch e.Entity() {
		case tocsin.EntityDevice:
			if ks := e.Keys(); len(ks) > 0 {
				devices = append(devices, ks[0].ID)
			}
		case tocsin.EntityUser:
			if ks := e.Keys(); len(ks) > 0 && !tocsin.SystemAccount(e.Str("userAccount.accountName"), e.Str("userAccount.userSid")) {
				users = append(users, ks[0].ID)
			}
		}
	}
	return devices, users
}

// maxNames is how many names an alert is found by.
const maxNames = 40

// names are what people may search an alert by: its title and what its
// evidence is called.
func names(a *tocsin.Alert) []string {
	out := []string{a.Title}
	for i := range a.Evidence {
		e := &a.Evidence[i]
		if n := e.Name(); n != string(e.Type) && !slices.Contains(out, n) && len(out) < maxNames {
			out = append(out, n)
		}
	}
	return out
}
