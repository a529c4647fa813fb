package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/tocsinhq/tocsin/app"
)

func runServe(ctx context.Context, args []string) error {
	fs := flags("serve")
	data := dataFlag(fs)
	cfg := app.Config{}
	fs.StringVar(&cfg.Listen, "addr", "127.0.0.1:8870", "`address` to listen on")
	fs.StringVar(&cfg.TLSCert, "tls-cert", "", "certificate `file` (PEM)")
	fs.StringVar(&cfg.TLSKey, "tls-key", "", "key `file` (PEM)")
	fs.BoolVar(&cfg.BehindProxy, "behind-proxy", false, "a proxy on this host or network ends TLS; allows plain HTTP on other addresses than loopback")
	fs.Func("proxy", "`address` or network of a proxy whose X-Forwarded-* headers are believed; may be repeated", func(s string) error {
		cfg.Proxies = append(cfg.Proxies, s)
		return nil
	})
	fs.Func("external-data", "`host` that hunting queries may read files from with externaldata, over HTTPS; *.name for all below; may be repeated", func(s string) error {
		cfg.ExternalData = append(cfg.ExternalData, s)
		return nil
	})
	fs.StringVar(&cfg.PublicURL, "public-url", "", "`URL` of the portal as people see it (default: as each request says)")
	fs.IntVar(&cfg.Clients.PerMinute, "api-per-minute", 0, "largest `number` of calls of one token in a minute; 0 for no limit of its own")
	fs.IntVar(&cfg.Clients.PerHour, "api-per-hour", 0, "the same in an hour")
	fs.IntVar(&cfg.Defender.PerMinute, "defender-api-per-minute", 50, "largest `number` of calls of one client in a minute to /api/incidents and /api/alerts")
	fs.IntVar(&cfg.Defender.PerHour, "defender-api-per-hour", 1500, "the same in an hour")
	fs.StringVar(&cfg.Heads.File, "audit-head-file", os.Getenv("TOCSIN_AUDIT_HEAD_FILE"), "`file` that the head of the record is appended to; keep it on another machine's disk")
	fs.StringVar(&cfg.Heads.Syslog, "audit-head-syslog", os.Getenv("TOCSIN_AUDIT_HEAD_SYSLOG"), "`address` that the head of the record is sent to: udp://, tcp:// or tls://HOST:PORT")
	fs.StringVar(&cfg.Heads.Webhook, "audit-head-webhook", os.Getenv("TOCSIN_AUDIT_HEAD_WEBHOOK"), "`URL` that the head of the record is posted to: https, or http on this machine")
	fs.DurationVar(&cfg.Heads.Every, "audit-head-every", 10*time.Minute, "longest `time` between two heads")
	fs.Int64Var(&cfg.Heads.After, "audit-head-after", 1000, "`number` of changes that make a head due earlier")
	fs.StringVar(&cfg.WebDev, "web-dev", "", "`URL` of a Vite development server to take the portal from")
	if rest, err := parse(fs, args); err != nil {
		return err
	} else if len(rest) > 0 {
		fs.Usage()
		return errUsage
	}
	if err := cfg.CheckListen(); err != nil {
		return err
	}
	cfg.Data, cfg.Log, cfg.Version = *data, logger(slog.LevelInfo), version()
	return serve(ctx, cfg, "", nil)
}

// serve runs the portal until ctx ends. before runs when the door is open and
// before the address is announced.
func serve(ctx context.Context, cfg app.Config, readyFile string, before func(context.Context, *app.App) (string, error)) (err error) {
	a, err := app.New(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		if e := a.Stop(stop); err == nil {
			err = e
		}
	}()
	if err := a.Start(ctx); err != nil {
		return err
	}
	guide := ""
	if before != nil {
		if guide, err = before(ctx, a); err != nil {
			return err
		}
	}
	user, password, created := a.Administrator()
	fmt.Printf("\nTocsin is at %s\n", a.URL())
	if created {
		fmt.Printf("Sign in as  %s\nPassword    %s\n(shown this once; change it under your name in the portal)\n", user, password.Reveal())
	}
	if guide != "" {
		fmt.Printf("\n%s\n", guide)
	}
	if readyFile != "" {
		line := fmt.Sprintf("TOCSIN_URL='%s'\nTOCSIN_USER='%s'\nTOCSIN_PASSWORD='%s'\n", a.URL(), user, password.Reveal())
		if err := writeFile(readyFile, line); err != nil {
			return err
		}
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-a.Failed():
		return err
	}
}

// writeFile appears whole or not at all, and only its owner may read it.
func writeFile(path, text string) error {
	tmp := path + ".new"
	if err := os.WriteFile(tmp, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

func runDemo(ctx context.Context, args []string) error {
	fs := flags("demo")
	data := fs.String("data", "", "data `folder` (default: a new one, removed at the end)")
	addr := fs.String("addr", "127.0.0.1:8870", "`address` to listen on; port 0 picks a free one")
	ready := fs.String("ready-file", "", "`file` to write address and sign-in to when the portal is ready")
	verbose := fs.Bool("verbose", false, "log requests")
	rest, err := parse(fs, args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		fs.Usage()
		return errUsage
	}
	dir := *data
	if dir == "" {
		if dir, err = os.MkdirTemp("", "tocsin-demo-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	if host, _, err := net.SplitHostPort(*addr); err != nil || !app.Loopback(host) {
		return fmt.Errorf("the demo has a well-known attack and no TLS: it listens on a loopback address only, not on %q", *addr)
	}
	log := quiet()
	if *verbose {
		log = logger(slog.LevelInfo)
	}
	fmt.Println("Starting the example: a pretend company, two days of telemetry, one attack ...")
	return serve(ctx, app.Config{Data: filepath.Clean(dir), Listen: *addr, Log: log, Version: version()}, *ready,
		func(ctx context.Context, a *app.App) (string, error) {
			started := time.Now()
			ex, err := a.LoadExample(ctx)
			if err != nil {
				return "", fmt.Errorf("load the example: %w", err)
			}
			if ex.Rows > 0 {
				fmt.Printf("%d rows in %d tables, %d alerts, %d incidents, in %.1f s\n", ex.Rows, ex.Tables, ex.Alerts, ex.Incidents, time.Since(started).Seconds())
			}
			return ex.Guide + "\nStop with Ctrl-C.", nil
		})
}

// isTerminal reports whether w is a terminal that can redraw a line.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}
