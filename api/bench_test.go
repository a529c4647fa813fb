package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tocsinhq/tocsin"
)

// BenchmarkListIncidents is one page of the queue through everything but the
// network: authentication, filter, store, Graph shapes.
func BenchmarkListIncidents(b *testing.B) {
	h := open(b, func(c *Config) { c.RatePerSecond, c.RateBurst = 1e9, 1e9 })
	var alerts []tocsin.Alert
	for i := range 1000 {
		alerts = append(alerts, alertOn(i, fmt.Sprintf("Alert %d", i), h.clock.now()))
	}
	h.accept(alerts...)
	token := h.token(tocsin.RoleReader)
	req := httptest.NewRequest("GET", graphIncidents+"?$top=50&$filter=status%20eq%20'active'%20and%20severity%20ge%20'medium'&$orderby=lastUpdateDateTime%20desc", nil)
	req.Header.Set("Authorization", "Bearer "+token)
	b.ResetTimer()
	b.ReportAllocs()
	for b.Loop() {
		w := &recorder{ResponseWriter: discard{http.Header{}}}
		h.api.ServeHTTP(w, req)
		if w.status != http.StatusOK {
			b.Fatal(w.status)
		}
	}
}
