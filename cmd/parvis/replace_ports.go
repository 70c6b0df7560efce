package main

import (
	"strings"
	"time"

	"parvis/hw"
	"parvis/internal/config"
	"parvis/internal/lang"
	"parvis/internal/machine"
	"parvis/internal/setup"
)

// wires says which port is which, asking for what this machine does not tell.
func (r *replacement) wires(cfg *config.Config) (w setup.Wires, described string, err error) {
	facts, err := r.a.look(nil)
	if err != nil {
		return w, "", refused(err)
	}
	said := setup.Wires{WAN: r.c.WAN, Guests: r.c.Guests, Terminals: r.c.Terminals, Staff: r.c.Staff}
	alike := r.manifest.Model != "" && r.manifest.Model == boardModel()
	for {
		w, unsaid, problems := setup.Adopt(facts, cfg, said, alike)
		if config.HasErrors(problems) {
			r.a.tell(problems)
			return w, "", fail(exitNotRight, lang.Text{EN: "nothing was changed", FR: "rien n'a été changé"})
		}
		if len(unsaid) == 0 {
			return w, r.describe(facts, cfg, w), nil
		}
		u := unsaid[0]
		network, choices := u.Network.In(r.a.lang), strings.Join(u.Choices, ", ")
		name := ""
		if !r.c.Yes && !r.c.DryRun {
			name = r.ask(lang.Text{
				EN: "Which port of this box is %s? (%s) ",
				FR: "Quel port de cette box est %s ? (%s) ",
			}, network, choices)
		}
		if name == "" {
			return w, "", fail(exitUsage, lang.Text{
				EN: "which port is %s cannot be told; expected %s INTERFACE, one of: %s",
				FR: "impossible de savoir quel port est %s ; il faut %s INTERFACE, parmi : %s",
			}, network, u.Flag, choices)
		}
		said.Set(u.Flag, name)
	}
}

// describe is the plan as people read it.
func (r *replacement) describe(f machine.Facts, cfg *config.Config, w setup.Wires) string {
	var b strings.Builder
	line := func(en, fr string, args ...any) {
		b.WriteString(lang.Text{EN: en, FR: fr}.In(r.a.lang, args...) + "\n")
	}
	made := time.Unix(r.manifest.Made, 0)
	line("The copy: %s, made %s by Parvis %s on %s.", "La copie : %s, faite le %s par Parvis %s sur %s.",
		r.manifest.Name, made.Local().Format("2006-01-02 15:04"), r.manifest.Version, orDash(r.manifest.Model))
	line("\nThis box would become this place:", "\nCette box deviendrait ce lieu :")
	line("  internet   %s", "  internet   %s", setup.Describe(f, w.WAN))
	line("  guests     %s, where this place has %s", "  visiteurs  %s, où ce lieu a %s", setup.Describe(f, w.Guests), cfg.Guests.Address)
	if w.Terminals != "" {
		line("  terminals  %s, where this place has %s", "  postes     %s, où ce lieu a %s", setup.Describe(f, w.Terminals), cfg.Terminals.Address)
	}
	if w.Staff != "" {
		line("  staff      %s", "  équipe     %s", setup.Describe(f, w.Staff))
	}
	line("\nTickets used since the copy can be used once more; tickets printed since are not known.",
		"\nLes tickets utilisés depuis la copie serviront encore une fois ; ceux imprimés depuis ne sont pas connus.")
	if r.c.Code != "" {
		line("The hub refuses the old box from then on.", "Le centre refusera l'ancienne box à partir de là.")
	}
	if is := r.box.Occupied(); is != "" {
		line("What this box has now (%s and so on) is moved aside.", "Ce que cette box a maintenant (%s, etc.) est mis de côté.", is)
	}
	return b.String()
}

// boardModel is what the machine calls itself; "" it does not say.
func boardModel() string {
	b, err := hw.Root("/").Board()
	if err != nil {
		return ""
	}
	return b.Model
}
