package api

import (
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/auth"
)

const clientIncidents = 7

// overTLS puts the house behind TLS, which Graph's client insists on, and
// returns the address and the file of its certificate.
func (h *house) overTLS() (string, string) {
	h.t.Helper()
	for i := range clientIncidents {
		h.clock.forward(time.Minute)
		h.accept(alertOn(i, fmt.Sprintf("Alert %d", i), h.clock.now()))
	}
	server := httptest.NewTLSServer(h.api)
	h.t.Cleanup(server.Close)
	file := filepath.Join(h.t.TempDir(), "ca.pem")
	raw := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		h.t.Fatal(err)
	}
	return server.URL, file
}

func run(t *testing.T, dir string, env []string, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	t.Logf("%s", strings.TrimSpace(string(out)))
}

// TestGraphClient has Microsoft's own client work the queue.
func TestGraphClient(t *testing.T) {
	if _, err := os.Stat("graphclient/node_modules/@microsoft/microsoft-graph-client"); err != nil {
		t.Skip("the Graph client is not installed; run npm ci in api/graphclient")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed")
	}
	h := open(t, nil)
	address, ca := h.overTLS()
	c, secret, err := h.auth.CreateToken(h.system(), auth.NewToken{Name: "graph", Roles: []tocsin.Role{tocsin.RoleOperator}, Client: true})
	if err != nil {
		t.Fatal(err)
	}
	run(t, "graphclient", []string{"NODE_EXTRA_CA_CERTS=" + ca, "TOCSIN_URL=" + address, "TOCSIN_CLIENT_ID=" + c.ClientID,
		"TOCSIN_CLIENT_SECRET=" + secret.Reveal(), fmt.Sprint("TOCSIN_INCIDENTS=", clientIncidents)}, node, "graph.mjs")
}

// TestCurl has a shell script with an API token do the same.
func TestCurl(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	h := open(t, nil)
	address, ca := h.overTLS()
	run(t, "graphclient", []string{"CURL_CA_BUNDLE=" + ca, "TOCSIN_URL=" + address, "TOCSIN_TOKEN=" + h.token(tocsin.RoleOperator),
		fmt.Sprint("TOCSIN_INCIDENTS=", clientIncidents)}, "sh", "curl.sh")
}
