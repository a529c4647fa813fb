package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/tocsinhq/tocsin/app"
)

func runHunt(ctx context.Context, args []string) error {
	fs := flags("hunt")
	data := dataFlag(fs)
	server := fs.String("server", os.Getenv("TOCSIN_SERVER"), "`URL` of a server to ask instead of the data folder (or the environment variable TOCSIN_SERVER)")
	token := fs.String("token", "", "API `token` for the server; better in the environment variable TOCSIN_TOKEN, where other programs do not see it")
	file := fs.String("file", "", "`file` with the query; - is standard input")
	ask := app.HuntAsk{Out: os.Stdout, Notes: os.Stderr, Params: map[string]string{}}
	fs.StringVar(&ask.Format, "format", "table", "`format` of the result: "+strings.Join(app.HuntFormats, ", "))
	fs.Int64Var(&ask.MaxRows, "limit", 100_000, "most `rows` to print; 0 for all")
	fs.DurationVar(&ask.Timeout, "timeout", 0, "how `long` the query may run, such as 30s (default: 10 minutes)")
	last := fs.Duration("last", 0, "only what happened in this `time` until now, such as 168h")
	fs.Func("from", "only what happened since this `time`, such as 2026-11-05 or 2026-11-05T08:30:00Z", timeFlag(&ask.From))
	fs.Func("to", "only what happened before this `time`", timeFlag(&ask.To))
	fs.Func("param", "`NAME=VALUE` of a parameter that the query declares; may be repeated", func(s string) error {
		name, value, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			return errors.New("write NAME=VALUE")
		}
		ask.Params[name] = value
		return nil
	})
	rest, err := parse(fs, args)
	if err != nil {
		return err
	}
	if !slices.Contains(app.HuntFormats, ask.Format) || ask.MaxRows < 0 || ask.Timeout < 0 || *last < 0 {
		fs.Usage()
		return errUsage
	}
	if *last > 0 {
		ask.From = time.Now().Add(-*last)
	}
	if ask.Query, err = queryText(rest, *file); err != nil {
		if errors.Is(err, errUsage) {
			fs.Usage()
		}
		return err
	}
	if isTerminal(os.Stdout) {
		ask.Width, ask.Summary = terminalWidth(), true
	}
	var partial bool
	if *server != "" {
		secret := *token
		if secret == "" {
			secret = os.Getenv("TOCSIN_TOKEN")
		}
		partial, err = app.HuntServer(ctx, *server, app.Secret(secret), ask)
	} else {
		err = withApp(ctx, *data, func(a *app.App) (err error) {
			partial, err = a.Hunt(ctx, ask)
			return err
		})
		if app.InUse(err) {
			return fmt.Errorf("%w; while a server runs over it, ask that: --server URL", err)
		}
	}
	if err == nil && partial {
		return errRefused
	}
	return err
}

// queryText is the query of the command line: an argument, a file, or what is
// piped in.
func queryText(args []string, file string) (string, error) {
	var raw []byte
	var err error
	switch {
	case len(args) > 1, len(args) == 1 && file != "":
		return "", errUsage
	case len(args) == 1:
		return args[0], nil
	case file != "" && file != "-":
		raw, err = os.ReadFile(file)
	case file == "" && isTerminal(os.Stdin):
		return "", errUsage
	default:
		raw, err = io.ReadAll(os.Stdin)
	}
	if err != nil {
		return "", fmt.Errorf("read the query: %w", err)
	}
	if strings.TrimSpace(string(raw)) == "" {
		return "", errUsage
	}
	return strings.TrimPrefix(string(raw), "\ufeff"), nil
}

func timeFlag(into *time.Time) func(string) error {
	return func(s string) error {
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"} {
			if t, err := time.Parse(layout, s); err == nil {
				*into = t.UTC()
				return nil
			}
		}
		return errors.New("a time is written 2026-11-05T08:30:00Z")
	}
}

// terminalWidth is how many columns standard output has.
func terminalWidth() int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if n, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil && n > 0 {
		return n
	}
	return 80
}
