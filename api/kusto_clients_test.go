package api

import (
	"context"
	"encoding/pem"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-kusto-go/azkustodata"
	kustoerrors "github.com/Azure/azure-kusto-go/azkustodata/errors"
	"github.com/Azure/azure-kusto-go/azkustodata/kql"
	kustoquery "github.com/Azure/azure-kusto-go/azkustodata/query"

	"github.com/tocsinhq/tocsin"
)

// huntingOverTLS puts a house with a lake behind TLS, which Microsoft's clients
// insist on before they send a token.
func huntingOverTLS(t *testing.T, rows int) (*house, *httptest.Server, string) {
	t.Helper()
	h := huntHouse(t, rows)
	server := httptest.NewTLSServer(h.api)
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return h, server, file
}

func kustoClientOf(t *testing.T, server *httptest.Server, token string) *azkustodata.Client {
	t.Helper()
	client, err := azkustodata.New(azkustodata.NewConnectionStringBuilder(server.URL).WithApplicationToken("test", token), azkustodata.WithHttpClient(server.Client()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// TestKustoGoClient has Microsoft's own client for Go query and command.
func TestKustoGoClient(t *testing.T) {
	const rows = 3500
	h, server, _ := huntingOverTLS(t, rows)
	client := kustoClientOf(t, server, h.token(tocsin.RoleReader))
	ctx := t.Context()

	type process struct {
		ReportID  int64 `kusto:"ReportId"`
		Timestamp time.Time
		DeviceID  string `kusto:"DeviceId"`
		Remote    bool   `kusto:"IsInitiatingProcessRemoteSession"`
		Gap       time.Duration
		Extra     map[string]any
	}
	params := kql.NewParameters().AddLong("least", 3).AddString("device", `device-4`).AddDateTime("until", time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)).
		AddTimespan("gap", 90*time.Minute).AddBool("remote", true).AddReal("share", 0.5).AddDynamic("ids", []int{4, 14})
	data, err := client.Query(ctx, "Tocsin", kql.New("DeviceProcessEvents | where ReportId > least and DeviceId == device and Timestamp < until and IsInitiatingProcessRemoteSession == remote and share < 1.0 "+
		"| where ReportId == ids[0] or ReportId == ids[1] | project ReportId, Timestamp, DeviceId, IsInitiatingProcessRemoteSession, Gap = gap, Extra = parse_json(AdditionalFields) | order by ReportId asc"), azkustodata.QueryParameters(params))
	if err != nil {
		t.Fatal(err)
	}
	got, err := kustoquery.ToStructs[process](data.Tables()[0])
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].ReportID != 4 || got[1].ReportID != 14 || !got[0].Remote || got[0].DeviceID != "device-4" || got[0].Gap != 90*time.Minute ||
		!got[0].Timestamp.Equal(time.Date(2026, 11, 20, 8, 0, 4, 500_000_000, time.UTC)) || got[0].Extra["n"] != 4.0 {
		t.Errorf("%+v", got)
	}

	// Row by row, over several fragments.
	stream, err := client.IterativeQuery(ctx, "Tocsin", kql.New("DeviceProcessEvents | project ReportId"), azkustodata.NoTruncation())
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	seen := map[int64]bool{}
	for table := range stream.Tables() {
		if table.Err() != nil {
			t.Fatal(table.Err())
		}
		if !table.Table().IsPrimaryResult() {
			continue
		}
		for row := range table.Table().Rows() {
			if row.Err() != nil {
				t.Fatal(row.Err())
			}
			n, err := row.Row().LongByIndex(0)
			if err != nil {
				t.Fatal(err)
			}
			seen[*n] = true
		}
	}
	if len(seen) != rows {
		t.Errorf("%d rows, want %d", len(seen), rows)
	}

	// A result that was cut is an error and not less rows.
	if _, err := client.Query(ctx, "Tocsin", kql.New("DeviceProcessEvents"), azkustodata.TruncationMaxRecords(10)); err == nil || !strings.Contains(err.Error(), "E_QUERY_RESULT_SET_TOO_LARGE") {
		t.Errorf("a result that was cut: %v", err)
	}

	// Commands.
	shown, err := client.Mgmt(ctx, "Tocsin", kql.New(".show tables | where TableName == 'DeviceInfo'"))
	if err != nil {
		t.Fatal(err)
	}
	if rows := shown.Tables()[0].Rows(); len(rows) != 1 || rows[0].Values()[0].String() != "DeviceInfo" || len(shown.Status()) != 2 || shown.Status()[0].Severity != 4 {
		t.Errorf("%v %v", rows, shown.Status())
	}

	// What is wrong is said.
	_, err = client.Query(ctx, "Tocsin", kql.New("DeviceProcessEvents | where Nonsense == 1"))
	var failure *kustoerrors.HttpError
	if !errors.As(err, &failure) || failure.StatusCode != 400 || !strings.Contains(err.Error(), "Semantic error: ") || !strings.Contains(err.Error(), "Nonsense") || kustoerrors.Retry(err) {
		t.Errorf("a bad query: %v", err)
	}
	if _, err = client.Mgmt(ctx, "Tocsin", kql.New(".drop table DeviceInfo")); err == nil || !strings.Contains(err.Error(), "read only") {
		t.Errorf("a command that changes: %v", err)
	}
	if _, err = client.Query(ctx, "elsewhere", kql.New("print 1")); err == nil || !strings.Contains(err.Error(), "Database 'elsewhere' was not found") {
		t.Errorf("another database: %v", err)
	}
	if _, err = kustoClientOf(t, server, "tcs_wrong").Query(ctx, "Tocsin", kql.New("print 1")); !errors.As(err, &failure) || failure.StatusCode != 401 {
		t.Errorf("a wrong token: %v", err)
	}
	stopped, stop := context.WithCancel(ctx)
	stop()
	if _, err = client.Query(stopped, "Tocsin", kql.New("print 1")); !errors.Is(err, context.Canceled) {
		t.Errorf("a query that was cancelled: %v", err)
	}
}

// installed skips a test whose client for Node.js is not there.
func installed(t *testing.T, dir, module string) (node string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, "node_modules", module)); err != nil {
		t.Skipf("%s is not installed; run npm ci in api/%s", module, dir)
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed")
	}
	return node
}

// TestKustoNodeClient has Microsoft's own client for Node.js do the same.
func TestKustoNodeClient(t *testing.T) {
	node := installed(t, "kustoclient", "azure-kusto-data")
	h, server, ca := huntingOverTLS(t, 100)
	run(t, "kustoclient", []string{"NODE_EXTRA_CA_CERTS=" + ca, "TOCSIN_URL=" + server.URL, "TOCSIN_TOKEN=" + h.token(tocsin.RoleReader), "TOCSIN_ROWS=100"}, node, "kusto.mjs")
}

// TestGraphClientHunts has Microsoft's own Graph client run hunting queries.
func TestGraphClientHunts(t *testing.T) {
	node := installed(t, "graphclient", "@microsoft/microsoft-graph-client")
	h, server, ca := huntingOverTLS(t, 100)
	run(t, "graphclient", []string{"NODE_EXTRA_CA_CERTS=" + ca, "TOCSIN_URL=" + server.URL, "TOCSIN_TOKEN=" + h.token(tocsin.RoleReader), "TOCSIN_ROWS=100"}, node, "hunting.mjs")
}
