// Package verb is what the command lines of both programs share: help in two languages, and failures with an exit code.
package verb

import (
	"bytes"
	"strings"

	"github.com/alecthomas/kong"

	"parvis/internal/lang"
)

// Failure ends a verb: what to say and the exit code (docs/adr/0001-names.md).
type Failure struct {
	Code int
	Text lang.Text
	Args []any
}

// Fail is a Failure as an error.
func Fail(code int, t lang.Text, args ...any) error { return &Failure{code, t, args} }

func (f *Failure) Error() string { return f.In(lang.EN) }

// In is what to say in a language; "" nothing.
func (f *Failure) In(l lang.Lang) string { return f.Text.In(l, f.Args...) }

// Help prints help in the operator's language; what the library itself says there too.
func Help(program string, l lang.Lang) kong.HelpPrinter {
	if l != lang.FR {
		return kong.DefaultHelpPrinter
	}
	words := strings.NewReplacer(
		"Usage:", "Usage :",
		"<command>", "<commande>",
		"[flags]", "[options]",
		"\nFlags:\n", "\nOptions :\n",
		"\nCommands:\n", "\nCommandes :\n",
		"\nArguments:\n", "\nArguments :\n",
		"Show context-sensitive help.", "Affiche cette aide.",
		`Run "`+program, `Lancez « `+program,
		`--help" for more information on a command.`, `--help » pour en savoir plus sur une commande.`,
	)
	return func(o kong.HelpOptions, ctx *kong.Context) error {
		out := ctx.Stdout
		var page bytes.Buffer
		ctx.Stdout = &page
		err := kong.DefaultHelpPrinter(o, ctx)
		ctx.Stdout = out
		if err == nil {
			_, err = words.WriteString(out, page.String())
		}
		return err
	}
}
