package pages

import "strings"

// Routes are the patterns of all pages and gestures.
func Routes() (all []string) {
	for _, r := range routes {
		all = append(all, r.pattern)
	}
	return all
}

// OpenRoutes are those that are answered to who has not entered.
func OpenRoutes() (all []string) {
	for _, r := range routes {
		if r.open {
			all = append(all, r.pattern)
		}
	}
	return all
}

// Templates are the names of all templates.
func (p *Pages) Templates() (all []string) {
	for name := range p.templates {
		all = append(all, name)
	}
	return all
}

// Texts is the catalogue.
func Texts() string {
	b, err := files.ReadFile("texts/fr.toml")
	if err != nil {
		panic(err)
	}
	return strings.TrimSpace(string(b))
}
