package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

// BenchmarkBigIncident opens an incident of 10,000 alerts in Chromium and
// scrolls through it: how long until its first content and until its first
// alert, and how evenly the frames come. The portal must be built (make build).
//
//	go test -run '^$' -bench BigIncident -benchtime 1x ./app
func BenchmarkBigIncident(b *testing.B) {
	const n = 10_000
	ctx := context.Background()
	a, err := New(ctx, Config{Data: b.TempDir(), Listen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer a.Stop(ctx)
	if err := a.Start(ctx); err != nil {
		b.Fatal(err)
	}
	incident := bigIncident(b, a, n)
	name, password, _ := a.Administrator()
	for b.Loop() {
		cmd := exec.Command("node", "e2e/big.mjs", fmt.Sprint(incident))
		cmd.Dir = "../web"
		cmd.Env = append(os.Environ(), "TOCSIN_URL="+a.URL(), "TOCSIN_USER="+name, "TOCSIN_PASSWORD="+password.Reveal())
		var said bytes.Buffer
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil {
			b.Fatalf("%v\n%s%s", err, out, said.String())
		}
		var figures map[string]float64
		if err := json.Unmarshal(out, &figures); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		for unit, v := range figures {
			b.ReportMetric(v, unit)
		}
	}
	b.ReportMetric(0, "ns/op")
}

// bigIncident is one incident of n alerts of one process.
func bigIncident(b *testing.B, a *App, n int) int64 {
	b.Helper()
	at := time.Now().UTC().Add(-48 * time.Hour)
	var last int64
	for from := 0; from < n; from += 1000 {
		var in []tocsin.Alert
		for i := from; i < min(n, from+1000); i++ {
			host := "build-7.corp.example"
			when := at.Add(time.Duration(i) * 10 * time.Second)
			in = append(in, tocsin.Alert{Source: "bench", ExternalID: strconv.Itoa(i), Title: fmt.Sprintf("Suspicious child process, kind %d", i%50), Severity: tocsin.Severities[1+i%4],
				Status: tocsin.AlertNew, ServiceSource: tocsin.SourceEndpoint, DetectionSource: tocsin.DetectionCustom, DetectorID: fmt.Sprint("rule", i%50), Category: tocsin.Tactics()[i%14],
				FirstActivity: when, LastActivity: when.Add(time.Second), Description: "A process that is not seen elsewhere started another one.",
				Evidence: []tocsin.Evidence{
					{Type: tocsin.EvDevice, Props: map[string]any{"deviceDnsName": host}},
					{Type: tocsin.EvUser, Props: map[string]any{"userAccount": map[string]any{"userPrincipalName": fmt.Sprintf("user%d@corp.example", i%300)}}},
					{Type: tocsin.EvProcess, Device: host, UniqueID: "{77}", Props: map[string]any{"processId": 77, "imageFile": map[string]any{"fileName": "agent.exe", "filePath": `C:\agent`}}},
					{Type: tocsin.EvFile, Device: host, Props: map[string]any{"fileDetails": map[string]any{"fileName": fmt.Sprintf("drop%d.dll", i), "sha256": fmt.Sprintf("%064x", i+1)}}},
				}})
		}
		got, err := a.accept(a.system(context.Background()), in)
		if err != nil {
			b.Fatal(err)
		}
		for i := range got {
			if got[i].Err != nil {
				b.Fatal(got[i].Err)
			}
			last = got[i].IncidentID
		}
	}
	inc, err := a.cases.Incident(a.system(context.Background()), last, false)
	if err != nil {
		b.Fatal(err)
	}
	if inc.AlertCount < n*9/10 {
		b.Fatalf("the incident has %d alerts only: %s", inc.AlertCount, strings.TrimSpace(inc.DisplayName))
	}
	b.Logf("incident %d of %d alerts", inc.ID, inc.AlertCount)
	return last
}
