// Command tocsin is the incident response portal: server, importer and tools
// in one program. It parses flags, calls app and prints; it decides nothing.
//
// Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done with items refused.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/tocsinhq/tocsin/app"
)

// command is one subcommand. run gets the arguments after its name.
type command struct {
	name, args, short string
	run               func(ctx context.Context, args []string) error
}

// commands in the order in which help lists them.
func commands() []command {
	return []command{
		{"demo", "", "start a portal with an example attack, for a first look", runDemo},
		{"serve", "", "run the portal", runServe},
		{"import", "PATH...", "read files, folders and archives of telemetry into the lake", runImport},
		{"hunt", "[QUERY]", "answer a query in KQL from the lake or a server", runHunt},
		{"rules", "import PATH | list | enable ID... | disable ID...", "manage detection rules", runRules},
		{"token", "create NAME", "make an API token", runToken},
		{"correlate", "ALERTS.jsonl | --explain ID | --replay DAYS [--policy FILE]", "group a labelled alert stream, say why alerts are together, or try other settings", runCorrelate},
		{"audit", "verify [EXPORT.ndjson] | export", "check the hash chain of the record, or write it out", runAudit},
		{"version", "", "print the version", runVersion},
	}
}

// errUsage ends with exit code 2 after help was printed; errRefused with 3.
var (
	errUsage   = errors.New("wrong usage")
	errRefused = errors.New("some items were refused")
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string) int {
	if len(args) == 0 {
		help(os.Stderr)
		return 2
	}
	if args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		help(os.Stdout)
		return 0
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		err := c.run(ctx, args[1:])
		switch {
		case err == nil, errors.Is(err, flag.ErrHelp):
			return 0
		case errors.Is(err, errUsage):
			return 2
		case errors.Is(err, errRefused):
			return 3
		case errors.Is(err, context.Canceled) && ctx.Err() != nil:
			fmt.Fprintln(os.Stderr, "tocsin: interrupted; what was committed stays, and the same command goes on from there")
			return 1
		}
		fmt.Fprintf(os.Stderr, "tocsin: %v\n", err)
		return 1
	}
	fmt.Fprintf(os.Stderr, "tocsin: there is no command %q\n\n", args[0])
	help(os.Stderr)
	return 2
}

func help(w io.Writer) {
	fmt.Fprint(w, "Tocsin is an incident response portal.\n\nUsage: tocsin COMMAND [flags] [arguments]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-10s %s\n", c.name, c.short)
	}
	fmt.Fprint(w, "\n'tocsin COMMAND --help' lists a command's flags.\n")
}

// flags makes a flag set that explains itself and returns errUsage.
func flags(name string) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.Usage = func() {
		for _, c := range commands() {
			if c.name == name {
				fmt.Fprintf(fs.Output(), "Usage: tocsin %s [flags] %s\n\n%s.\n\n", name, c.args, strings.ToUpper(c.short[:1])+c.short[1:])
			}
		}
		fs.PrintDefaults()
	}
	return fs
}

// parse reads flags that may stand before and after arguments.
func parse(fs *flag.FlagSet, args []string) ([]string, error) {
	var rest []string
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, errUsage
		}
		if fs.NArg() == 0 {
			return rest, nil
		}
		rest = append(rest, fs.Arg(0))
		args = fs.Args()[1:]
	}
}

func dataFlag(fs *flag.FlagSet) *string {
	dir := os.Getenv("TOCSIN_DATA")
	if dir == "" {
		dir = "tocsin-data"
	}
	return fs.String("data", dir, "data `folder` (or the environment variable TOCSIN_DATA)")
}

func logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}

// quiet is for commands whose output is for a person: warnings only.
func quiet() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "development"
}

func runVersion(context.Context, []string) error {
	fmt.Println("tocsin", version())
	return nil
}

// withApp opens the parts over a data folder without listening, and closes
// them in any case.
func withApp(ctx context.Context, data string, fn func(*app.App) error) (err error) {
	a, err := app.New(ctx, app.Config{Data: data, Log: quiet(), Version: version()})
	if err != nil {
		return err
	}
	defer func() {
		if e := a.Stop(context.WithoutCancel(ctx)); err == nil {
			err = e
		}
	}()
	return fn(a)
}
