// Command parvis is the captive-portal controller of a public place's router: the daemon (serve), the checks around it
// (init, check, dnsmasq, down), the operator's verbs, which speak to the daemon over its unix socket, and the network
// lab. All wiring between the packages lives here.
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

	"parvis/internal/control"
	"parvis/internal/lang"
	"parvis/internal/plugin"
	"parvis/internal/verb"
)

var version = "unknown" // set by the Makefile

// Exit codes: docs/adr/0001-names.md.
const (
	exitOK       = 0
	exitRefused  = 1
	exitUsage    = 2
	exitNotRight = 3
	exitNoDaemon = 4
	exitNotFound = 5
)

// CLI is the command line; help texts are in texts.go, in both languages.
type CLI struct {
	Config  string           `help:"${help_config}" default:"/etc/parvis/parvis.toml" type:"path" placeholder:"FILE"`
	Socket  string           `help:"${help_socket}" default:"/run/parvis/parvis.sock" type:"path" placeholder:"PATH"`
	State   string           `help:"${help_state}" default:"/var/lib/parvis" type:"path" placeholder:"DIR"`
	Version kong.VersionFlag `help:"${help_version}"`

	Init    initCmd    `cmd:"" help:"${help_init}"`
	Check   checkCmd   `cmd:"" help:"${help_check}"`
	Serve   serveCmd   `cmd:"" help:"${help_serve}"`
	Confirm confirmCmd `cmd:"" help:"${help_confirm}"`
	Status  statusCmd  `cmd:"" help:"${help_status}"`
	Session sessionCmd `cmd:"" help:"${help_session}"`
	Site    siteCmd    `cmd:"" help:"${help_site}"`
	Staff   staffCmd   `cmd:"" help:"${help_staff}"`

	Voucher  voucherCmd  `cmd:"" help:"${help_voucher}"`
	Workshop workshopCmd `cmd:"" help:"${help_workshop}"`
	Terminal terminalCmd `cmd:"" help:"${help_terminal}"`

	Catalogue catalogueCmd `cmd:"" help:"${help_catalogue}"`

	Probe   probeCmd   `cmd:"" help:"${help_probe}"`
	Support supportCmd `cmd:"" help:"${help_support}"`
	Hub     hubCmd     `cmd:"" help:"${help_hub}"`
	Copy    copyCmd    `cmd:"" help:"${help_copy}"`
	Replace replaceCmd `cmd:"" help:"${help_replace}"`
	Upgrade upgradeCmd `cmd:"" help:"${help_upgrade}"`
	Recette recetteCmd `cmd:"" help:"${help_recette}"`
	Echo    echoCmd    `cmd:"" help:"${help_echo}"`
	Keys    keysCmd    `cmd:"" help:"${help_keys}"`

	Register registerCmd `cmd:"" help:"${help_register}"`

	Dnsmasq dnsmasqCmd `cmd:"" help:"${help_dnsmasq}"`
	Deny    denyCmd    `cmd:"" help:"${help_deny}"`
	Down    downCmd    `cmd:"" help:"${help_down}"`
	UCI     uciCmd     `cmd:"" name:"uci" help:"${help_uci}"`
	labCommand
}

// app is what every verb is given: where to write and in which language.
type app struct {
	ctx    context.Context // of the process; ends with SIGINT or SIGTERM
	cli    *CLI
	lang   lang.Lang
	out    io.Writer
	err    io.Writer
	client *control.Client
}

func (a *app) printf(t lang.Text, args ...any) {
	fmt.Fprintln(a.out, t.In(a.lang, args...))
}

// refused lets an error of the packages below through: its text stays as it is.
func refused(err error) error {
	return fail(exitRefused, lang.Text{EN: "%v", FR: "%v"}, err)
}

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
	parser, err := kong.New(cli,
		kong.Name("parvis"),
		kong.Description(descriptionText.In(l)),
		helpVars(l),
		kong.Vars{"version": version},
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) {
			if exited < 0 {
				exited = code
			}
		}),
		kong.ConfigureHelp(kong.HelpOptions{NoExpandSubcommands: false, WrapUpperBound: 100}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Help(verb.Help("parvis", l)),
	)
	if err != nil {
		panic("parvis: command line: " + err.Error()) // the struct above is wrong: a test parses it
	}
	kctx, err := parser.Parse(args)
	if exited >= 0 { // --help, --version
		return exited
	}
	if probed(err) {
		fmt.Fprintln(stdout, plugin.Line("PARVIS", plugin.Unknown, err.Error()))
		return int(plugin.Unknown)
	}
	if err != nil {
		fmt.Fprintf(stderr, "parvis: %v\n%s\n", err, tryHelpText.In(l))
		return exitUsage
	}
	a := &app{ctx: ctx, cli: cli, lang: l, out: stdout, err: stderr, client: control.NewClient(cli.Socket)}
	return a.exit(kctx.Run(a))
}

// exit prints an error in the operator's language and gives its exit code.
func (a *app) exit(err error) int {
	var (
		f   *verb.Failure
		ref *control.Refusal
	)
	code, text := exitRefused, ""
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &f):
		code, text = f.Code, f.In(a.lang)
	case errors.As(err, &ref):
		text = ref.In(a.lang)
		if ref.Kind == control.NotFound {
			code = exitNotFound
		}
	case errors.Is(err, control.ErrNoDaemon):
		code, text = exitNoDaemon, noDaemonText.In(a.lang, a.cli.Socket)
	default:
		text = err.Error()
	}
	if text != "" {
		fmt.Fprintln(a.err, "parvis: "+strings.TrimRight(text, "\n"))
	}
	return code
}
