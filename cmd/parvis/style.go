package main

import (
	"fmt"
	"io"
	"os"

	"parvis/internal/config"
	"parvis/internal/look"
)

// styleOf is how the pages look. A logo that cannot be shown is an error.
func styleOf(c config.Portal) (s look.Style, err error) {
	s = look.Style{Town: c.Town, Main: c.Main, Accent: c.Accent}
	if c.Logo == "" {
		return s, nil
	}
	f, err := os.Open(c.Logo)
	if err != nil {
		return s, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, look.MaxLogo+1))
	if err != nil {
		return s, fmt.Errorf("read %s: %w", c.Logo, err)
	}
	s.Logo, err = look.Open(b)
	return s, err
}

// logoProblems is what `parvis check` says of it.
func logoProblems(c *config.Config) []config.Problem {
	if _, err := styleOf(c.Portal); err != nil {
		return []config.Problem{c.Problem("portal.logo", config.Error,
			config.Say("portal.logo: %s cannot be shown (%v)", "portal.logo : %s ne peut pas être montré (%v)", c.Portal.Logo, err),
			config.Say("a PNG or JPEG file of at most 64 kB, 1000 pixels either way", "un fichier PNG ou JPEG de 64 ko au plus, 1000 pixels de côté au plus"),
			config.Say("make a smaller one, or take the line out", "faites-en un plus petit, ou retirez la ligne"))}
	}
	return nil
}
