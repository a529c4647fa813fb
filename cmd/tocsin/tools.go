package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tocsinhq/tocsin/app"
)

func runToken(ctx context.Context, args []string) error {
	fs := flags("token")
	data := dataFlag(fs)
	role := fs.String("role", "securityReader", "`role` of the token: "+strings.Join(app.Roles(), ", "))
	days := fs.Int("days", 90, "`days` until it expires")
	client := fs.Bool("client", false, "make a client id and secret for the OAuth2 token endpoint instead")
	rest, err := parse(fs, args)
	if err != nil {
		return err
	}
	if len(rest) != 2 || rest[0] != "create" || *days <= 0 {
		fs.Usage()
		return errUsage
	}
	return withApp(ctx, *data, func(a *app.App) error {
		tok, err := a.CreateToken(ctx, rest[1], *role, time.Duration(*days)*24*time.Hour, *client)
		if err != nil {
			return err
		}
		if *client {
			fmt.Printf("client_id=%s\nclient_secret=%s\n", tok.ClientID, tok.Secret.Reveal())
		} else {
			fmt.Println(tok.Secret.Reveal())
		}
		fmt.Fprintf(os.Stderr, "role %s, until %s; shown this once\n", *role, tok.Expires.Format("2006-01-02"))
		return nil
	})
}

func runCorrelate(ctx context.Context, args []string) error {
	fs := flags("correlate")
	data := dataFlag(fs)
	explain := fs.String("explain", "", "instead, print why an incident's alerts are together: its number, or the `ID` of an alert")
	why := fs.Bool("why", false, "print why each alert stands where it does, to standard error")
	replay := fs.Int("replay", 0, "instead, put the alerts of the last `DAYS` together anew in memory and count; changes nothing")
	policy := fs.String("policy", "", "with -replay: `FILE` of changed weights, bounds and exclusions; print what would differ")
	rest, err := parse(fs, args)
	if err != nil {
		return err
	}
	if *replay != 0 && len(rest) == 0 && *explain == "" {
		return tryCorrelation(ctx, *data, *replay, *policy)
	}
	if *policy != "" || *replay != 0 {
		fs.Usage()
		return errUsage
	}
	if *explain != "" && len(rest) == 0 {
		return withApp(ctx, *data, func(a *app.App) error { return a.Explain(ctx, *explain, os.Stdout) })
	}
	if len(rest) != 1 {
		fs.Usage()
		return errUsage
	}
	f, err := os.Open(rest[0])
	if err != nil {
		return err
	}
	defer f.Close()
	if *why {
		return app.Correlate(f, os.Stdout, os.Stderr)
	}
	return app.Correlate(f, os.Stdout, nil)
}

func tryCorrelation(ctx context.Context, data string, days int, policy string) error {
	var change io.Reader
	if policy != "" {
		f, err := os.Open(policy)
		if err != nil {
			return err
		}
		defer f.Close()
		change = f
	}
	return withApp(ctx, data, func(a *app.App) error { return a.TryCorrelation(ctx, days, change, os.Stdout) })
}

func runAudit(ctx context.Context, args []string) error {
	fs := flags("audit")
	data := dataFlag(fs)
	head := fs.String("head", "", "what was published earlier, as `SEQ:HASH` or a file of heads; it must be in the chain")
	output := fs.String("o", "", "`file` to export to (default: standard output)")
	rest, err := parse(fs, args)
	if err != nil {
		return err
	}
	switch {
	case len(rest) == 1 && rest[0] == "export":
		return exportAudit(ctx, *data, *output)
	case len(rest) == 1 && rest[0] == "verify":
		report, err := app.VerifyAudit(ctx, *data, *head)
		return printAudit(report, err)
	case len(rest) == 2 && rest[0] == "verify":
		report, err := app.VerifyExport(rest[1], *head)
		return printAudit(report, err)
	}
	fs.Usage()
	return errUsage
}

func printAudit(report app.AuditReport, err error) error {
	if err != nil {
		return err
	}
	if report.Notes != "" {
		fmt.Fprintln(os.Stderr, "note:", report.Notes)
	}
	if !report.OK {
		return fmt.Errorf("the record is damaged: %s; %d lines before it are sound", report.Detail, report.Changes)
	}
	fmt.Printf("%d changes, chain intact, head %s\n", report.Changes, report.Head)
	return nil
}

func exportAudit(ctx context.Context, data, path string) (err error) {
	out := os.Stdout
	if path != "" {
		if out, err = os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err != nil {
			return err
		}
		defer func() {
			if e := out.Close(); err == nil {
				err = e
			}
		}()
	}
	lines, err := app.ExportAudit(ctx, data, out)
	if err == nil {
		fmt.Fprintf(os.Stderr, "%d changes\n", lines)
	}
	return err
}

func runRules(ctx context.Context, args []string) error {
	fs := flags("rules")
	data := dataFlag(fs)
	rest, err := parse(fs, args)
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		fs.Usage()
		return errUsage
	}
	rules, err := app.OpenRules(*data)
	if err != nil {
		return err
	}
	switch verb, names := rest[0], rest[1:]; {
	case verb == "import" && len(names) == 1:
		rep, err := rules.Import(ctx, names[0])
		if err != nil {
			return err
		}
		printRuleReport(rep)
		return nil
	case verb == "list" && len(names) == 0:
		w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
		for _, r := range rules.List() {
			state := "on"
			if !r.Enabled {
				state = "off"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.ID, state, r.Level, r.Title)
		}
		return w.Flush()
	case (verb == "enable" || verb == "disable") && len(names) > 0:
		for _, id := range names {
			if err := rules.SetEnabled(id, verb == "enable"); err != nil {
				return err
			}
		}
		return nil
	}
	fs.Usage()
	return errUsage
}
