// Command parvis-hub is the centre of several public places: it takes what their routers have counted, keeps it in PostgreSQL, and tells them
// what their centre has decided. It never reaches into a site, and a site lives without it (docs/adr/0020-hub.md). All wiring of the hub's
// packages lives here.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/alecthomas/kong"
	"golang.org/x/sys/unix"

	"parvis/internal/lang"
	"parvis/internal/plugin"
	"parvis/internal/verb"
)

var version = "unknown" // set by the Makefile

// Exit codes: those of parvis (docs/adr/0001-names.md).
const (
	exitOK         = 0
	exitRefused    = 1
	exitUsage      = 2
	exitNotRight   = 3
	exitNoDatabase = 4
	exitNotFound   = 5
)

// CLI is the command line; help texts are in texts.go, in both languages.
type CLI struct {
	Config  string           `help:"${help_config}" default:"/etc/parvis-hub/parvis-hub.toml" type:"path" placeholder:"FILE"`
	Version kong.VersionFlag `help:"${help_version}"`

	Migrate migrateCmd `cmd:"" help:"${help_migrate}"`
	Check   checkCmd   `cmd:"" help:"${help_check}"`
	Serve   serveCmd   `cmd:"" help:"${help_serve}"`
	Backup  backupCmd  `cmd:"" help:"${help_backup}"`
	Probe   probeCmd   `cmd:"" help:"${help_probe}"`
	Admin   adminCmd   `cmd:"" help:"${help_admin}"`
}

// app is what every verb is given.
type app struct {
	ctx  context.Context // of the process; ends with SIGINT or SIGTERM
	cli  *CLI
	lang lang.Lang
	out  io.Writer
	err  io.Writer
}

func (a *app) printf(t lang.Text, args ...any) { fmt.Fprintln(a.out, t.In(a.lang, args...)) }

// fail ends a verb with what to say and an exit code.
func fail(code int, t lang.Text, args ...any) error { return verb.Fail(code, t, args...) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main without the process around it.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	l := lang.FromEnv(getenv)
	cli := new(CLI)
	exited := -1
	vars := kong.Vars{"version": version}
	for _, texts := range []map[string]lang.Text{helpTexts, backupTexts, probeTexts} {
		for k, t := range texts {
			vars[k] = t.In(l)
		}
	}
	parser, err := kong.New(cli,
		kong.Name("parvis-hub"),
		kong.Description(descriptionText.In(l)),
		vars,
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) {
			if exited < 0 {
				exited = code
			}
		}),
		kong.ConfigureHelp(kong.HelpOptions{WrapUpperBound: 100}),
		kong.Help(verb.Help("parvis-hub", l)),
	)
	if err != nil {
		panic("parvis-hub: command line: " + err.Error()) // the struct above is wrong: a test parses it
	}
	kctx, err := parser.Parse(args)
	if exited >= 0 { // --help, --version
		return exited
	}
	if probed(err) {
		fmt.Fprintln(stdout, plugin.Line(pluginName, plugin.Unknown, err.Error()))
		return int(plugin.Unknown)
	}
	if err != nil {
		fmt.Fprintf(stderr, "parvis-hub: %v\n%s\n", err, tryHelpText.In(l))
		return exitUsage
	}
	a := &app{ctx: ctx, cli: cli, lang: l, out: stdout, err: stderr}
	err = kctx.Run(a)
	if err == nil {
		return exitOK
	}
	code, text := exitRefused, err.Error()
	if f := (*verb.Failure)(nil); errors.As(err, &f) {
		code, text = f.Code, f.In(l)
	}
	if text != "" {
		fmt.Fprintln(stderr, "parvis-hub: "+strings.TrimRight(text, "\n"))
	}
	return code
}
