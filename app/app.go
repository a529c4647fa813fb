package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/api"
	"github.com/tocsinhq/tocsin/auth"
	"github.com/tocsinhq/tocsin/cases"
	"github.com/tocsinhq/tocsin/correlate"
	"github.com/tocsinhq/tocsin/detect"
	"github.com/tocsinhq/tocsin/intake"
	"github.com/tocsinhq/tocsin/lake"
	"github.com/tocsinhq/tocsin/store"
	"github.com/tocsinhq/tocsin/web"
	"github.com/tocsinhq/tocsin/work"
)

// Config says where things are. The zero value but for Data is a portal on
// loopback.
type Config struct {
	Data   string // folder; made when missing, readable by its owner only
	Listen string // host:port; ":0" picks a free port
	// TLSCert and TLSKey are PEM files; both or none.
	TLSCert, TLSKey string
	// BehindProxy allows plain HTTP on other addresses than loopback, because
	// a proxy ends TLS.
	BehindProxy bool
	// Proxies are the addresses or networks whose X-Forwarded-For and
	// X-Forwarded-Proto are believed; nobody's when empty.
	Proxies []string
	// PublicURL is the portal's address as people see it; "" takes it from
	// each request.
	PublicURL string
	// ExternalData are the hosts that queries may read files from over HTTPS
	// with externaldata; none when empty. "*.example" means any host below.
	ExternalData []string
	WebDev       string // URL of a Vite server to take the portal from
	Heads        Heads  // where the head of the record is published
	// Clients and Defender bound the calls of one client; see api.Config.
	Clients, Defender api.Pace
	NoRules           bool // match nothing: for measuring intake alone
	Version           string
	Log               *slog.Logger
	Now               func() time.Time // time.Now when nil
}

// CheckListen reports a listening address that would carry passwords in the
// clear.
func (c Config) CheckListen() error {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return tocsin.Errorf(tocsin.CodeInvalid, "a certificate needs a key and a key a certificate")
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return tocsin.Errorf(tocsin.CodeInvalid, "listen address %q: %w", c.Listen, err)
	}
	if c.TLSCert == "" && !c.BehindProxy && !Loopback(host) {
		return tocsin.Errorf(tocsin.CodeInvalid, "listening on %q without TLS would carry passwords in the clear: give --tls-cert and --tls-key, or --behind-proxy", c.Listen)
	}
	return nil
}

// Loopback reports whether host is this machine only.
func Loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// App is the whole program, in one process.
type App struct {
	cfg    Config
	log    *slog.Logger
	store  *store.Store
	lake   *lake.Lake
	rules  *detect.RuleStore
	cases  *cases.Cases
	intake *intake.Intake
	auth   *auth.Auth
	hunter *api.Hunter
	work   *work.Runner
	heads  *publisher // nil when heads are not published
	api    http.Handler

	adminName     string
	adminPassword tocsin.Secret
	adminCreated  bool

	listener net.Listener
	server   *http.Server
	stopWork context.CancelFunc
	working  sync.WaitGroup
	failed   chan error
	stopOnce sync.Once
	stopErr  error
}

// New opens every part over the data folder, finishes what an earlier process
// left in the outbox, and listens to nothing yet. On an error all that was
// opened is closed again.
//
// Deliberately one straight function: the order of its lines is the order in
// which parts depend on each other, and Stop is the same list backwards.
func New(ctx context.Context, cfg Config) (_ *App, err error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	a := &App{cfg: cfg, log: cfg.Log, failed: make(chan error, 1)}
	defer func() {
		if err != nil {
			_ = a.Stop(context.WithoutCancel(ctx))
		}
	}()
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	external, err := openExternal(cfg.ExternalData)
	if err != nil {
		return nil, err
	}
	if a.lake, err = lake.Open(ctx, lake.Config{Dir: cfg.Data, Now: cfg.Now, Log: cfg.Log, Tenant: tocsin.DefaultTenant, Live: a.liveTables(), Devices: func(ctx context.Context) ([]string, []string, error) { return a.store.ScopeDevices(ctx) }, External: external}); err != nil {
		return nil, fmt.Errorf("open the lake: %w", err)
	}
	if a.store, err = store.Open(ctx, store.Config{Path: filepath.Join(cfg.Data, "tocsin.db"), Now: cfg.Now, Logger: cfg.Log}); err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	if a.rules, err = OpenRules(cfg.Data); err != nil {
		return nil, fmt.Errorf("open the rules: %w", err)
	}
	a.cases = cases.New(a.store, correlate.DefaultPolicy())
	engine := a.rules.Engine
	if cfg.NoRules {
		engine = func() *detect.Engine { return nil }
	}
	a.intake = intake.New(a.lake, engine, a.accept, intake.Config{StateDir: filepath.Join(cfg.Data, "rules"), Now: cfg.Now, Log: cfg.Log})
	proxies, err := parseProxies(cfg.Proxies)
	if err != nil {
		return nil, err
	}
	if a.auth, err = auth.New(auth.Config{Store: a.store, Proxies: proxies, Now: cfg.Now, Log: cfg.Log}); err != nil {
		return nil, fmt.Errorf("open the door: %w", err)
	}
	if a.adminName, a.adminPassword, a.adminCreated, err = a.auth.Bootstrap(a.system(ctx)); err != nil {
		return nil, fmt.Errorf("make the first account: %w", err)
	}
	a.work = work.New(a.store)
	a.work.Log(cfg.Log)
	if cfg.Heads.on() {
		if a.heads, err = newPublisher(cfg.Heads, cfg.Data, a.store, cfg.Now, cfg.Log); err != nil {
			return nil, err
		}
		a.work.Every(headsKind, a.heads.cfg.Every, a.heads.run)
	}
	a.work.Handle(cases.RelabelKind, a.cases.Relabel)
	a.work.Handle(cases.RegroupKind, a.cases.Regroup)
	a.work.Every(cases.FillDevicesKind, 24*time.Hour, a.cases.FillDevices)
	a.work.Handle(cases.BulkKind, a.cases.RunBulk)
	a.work.Every(cases.RescoreKind, time.Hour, a.cases.Rescore)
	if _, err := a.intake.Drain(ctx); err != nil {
		return nil, fmt.Errorf("finish what an earlier run left: %w", err)
	}
	portal, err := a.portal()
	if err != nil {
		return nil, err
	}
	a.hunter = &api.Hunter{Engine: a.lake, Store: a.store, Now: cfg.Now, Log: cfg.Log}
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	a.api = api.New(api.Config{
		Auth: a.auth, Cases: a.cases, Feed: a.store, Kept: a.store, Lake: a.lake, Intake: a.intake, Rules: ruleDoor{a.rules, a.store}, Hunting: a.hunter, PublicURL: cfg.PublicURL, Ready: a.ready,
		Portal: portal, Metrics: metrics, Log: cfg.Log, Now: cfg.Now, TenantID: tocsin.DefaultTenant, TenantName: "Default", Version: cfg.Version, Clients: cfg.Clients, Defender: cfg.Defender,
	})
	return a, nil
}

func parseProxies(texts []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, t := range texts {
		p, err := netip.ParsePrefix(t)
		if err != nil {
			a, e := netip.ParseAddr(t)
			if e != nil {
				return nil, tocsin.Errorf(tocsin.CodeInvalid, "%q is no address or network of a proxy", t)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		out = append(out, p)
	}
	return out, nil
}

// ready is nil while both databases answer.
func (a *App) ready(ctx context.Context) error {
	if _, err := a.store.Head(a.system(ctx)); err != nil {
		return err
	}
	_, err := a.lake.Outbox(ctx, 0, 1)
	return err
}

// system is ctx as the portal itself.
func (a *App) system(ctx context.Context) context.Context {
	return tocsin.WithPrincipal(ctx, tocsin.System(tocsin.DefaultTenant, "tocsin"))
}

func (a *App) portal() (http.Handler, error) {
	if a.cfg.WebDev == "" {
		return web.Handler(), nil
	}
	u, err := url.Parse(a.cfg.WebDev)
	if err != nil || !Loopback(u.Hostname()) {
		return nil, tocsin.Errorf(tocsin.CodeInvalid, "the development server %q must be a URL on this machine", a.cfg.WebDev)
	}
	return httputil.NewSingleHostReverseProxy(u), nil
}

// Start listens and begins the work in the background.
func (a *App) Start(ctx context.Context) error {
	if err := a.cfg.CheckListen(); err != nil {
		return err
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	a.listener = ln
	a.server = &http.Server{
		Handler:           a.api,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
	bg, cancel := context.WithCancel(context.WithoutCancel(ctx))
	a.stopWork = cancel
	a.server.RegisterOnShutdown(cancel) // ends the change streams as well
	a.server.BaseContext = func(net.Listener) context.Context { return bg }
	background := func(name string, run func(context.Context) error) {
		a.working.Add(1)
		go func() {
			defer a.working.Done()
			if err := run(bg); err != nil && bg.Err() == nil {
				a.fail(fmt.Errorf("%s: %w", name, err))
			}
		}()
	}
	background("jobs", a.work.Run)
	background("outbox", a.intake.Run)
	if a.heads != nil {
		background("heads of the record", a.heads.watch)
	}
	background("server", func(context.Context) error {
		var err error
		if a.cfg.TLSCert != "" {
			err = a.server.ServeTLS(ln, a.cfg.TLSCert, a.cfg.TLSKey)
		} else {
			err = a.server.Serve(ln)
		}
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return err
	})
	a.log.Info("listening", "url", a.URL())
	return nil
}

func (a *App) fail(err error) {
	a.log.Error("a part of the portal stopped", "error", err)
	select {
	case a.failed <- err:
	default:
	}
}

// Failed gives the error of a part that stopped and should not have.
func (a *App) Failed() <-chan error { return a.failed }

// Addr is where the portal listens; nil before Start.
func (a *App) Addr() net.Addr {
	if a.listener == nil {
		return nil
	}
	return a.listener.Addr()
}

// URL is the portal's address on this machine; "" before Start.
func (a *App) URL() string {
	if a.listener == nil {
		return ""
	}
	scheme := "http"
	if a.cfg.TLSCert != "" {
		scheme = "https"
	}
	return scheme + "://" + a.listener.Addr().String()
}

// Administrator is the first account. The password is there only when this
// process made the account.
func (a *App) Administrator() (userName string, password tocsin.Secret, created bool) {
	return a.adminName, a.adminPassword, a.adminCreated
}

// Stop ends requests (for as long as ctx lives), then the work, then closes
// what New opened, last first. It may be called after a failed New or Start,
// and more than once.
func (a *App) Stop(ctx context.Context) error {
	a.stopOnce.Do(func() {
		var errs []error
		if a.server != nil {
			if err := a.server.Shutdown(ctx); err != nil {
				errs = append(errs, err, a.server.Close())
			}
		}
		if a.stopWork != nil {
			a.stopWork()
		}
		a.working.Wait()
		if a.store != nil {
			errs = append(errs, a.store.Close())
		}
		if a.lake != nil {
			errs = append(errs, a.lake.Close())
		}
		a.stopErr = errors.Join(errs...)
	})
	return a.stopErr
}
