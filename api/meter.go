package api

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// meter counts what passes through the API.
type meter struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	refused  *prometheus.CounterVec
	panics   prometheus.Counter
	streams  prometheus.Gauge
	show     http.Handler
}

func newMeter(reg *prometheus.Registry) *meter {
	m := &meter{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tocsin_http_requests_total",
			Help: "Requests by route and status."}, []string{"route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "tocsin_http_request_seconds",
			Help: "Time to answer, by route, without streams.", Buckets: []float64{.001, .005, .02, .1, .5, 2, 10, 60}}, []string{"route"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tocsin_http_refused_total",
			Help: "Requests refused before their handler: unauthenticated, forbidden, csrf, rate."}, []string{"why"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{Name: "tocsin_http_panics_total",
			Help: "Handlers that panicked."}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{Name: "tocsin_change_streams",
			Help: "Open change streams."}),
		show: promhttp.HandlerFor(reg, promhttp.HandlerOpts{}),
	}
	reg.MustRegister(m.requests, m.seconds, m.refused, m.panics, m.streams)
	return m
}

func (a *API) metrics(w http.ResponseWriter, r *http.Request) error {
	a.meter.show.ServeHTTP(w, r)
	return nil
}
