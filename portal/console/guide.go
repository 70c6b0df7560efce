package console

import (
	"net/http"
	"strconv"
	"strings"
	"unicode"
)

func (c *Console) guidePages(m *http.ServeMux) {
	m.HandleFunc("GET /aide", c.guide)
	m.HandleFunc("GET /aide/{gesture}", c.guideOne)
}

// lesson is one page of help: one gesture.
type lesson struct {
	Name  string // in its address
	Title string
	Need  string   // when one needs it
	Steps []string // what to do, in order
	Know  []string // what is good to know
}

type guide struct {
	Asked   string
	Lessons []lesson
}

// guide lists the lessons, those alone that hold every word that was asked for.
func (c *Console) guide(w http.ResponseWriter, r *http.Request) {
	g := guide{Asked: strings.TrimSpace(r.URL.Query().Get("q"))}
	if len(g.Asked) > 80 {
		g.Asked = strings.ToValidUTF8(g.Asked[:80], "")
	}
	for _, l := range lessons {
		if l.holds(g.Asked) {
			g.Lessons = append(g.Lessons, l)
		}
	}
	c.render(w, r, page{Template: "guide", Title: "Aide"}, g)
}

func (c *Console) guideOne(w http.ResponseWriter, r *http.Request) {
	for _, l := range lessons {
		if l.Name == r.PathValue("gesture") {
			c.render(w, r, page{Template: "lesson", Title: l.Title, Here: "/aide"}, l)
			return
		}
	}
	c.missing(w, r)
}

func (l lesson) holds(asked string) bool {
	all := plain(strings.Join(append(append([]string{l.Title, l.Need}, l.Steps...), l.Know...), " "))
	for _, word := range strings.Fields(plain(asked)) {
		if !strings.Contains(all, strings.TrimSuffix(word, "s")) {
			return false
		}
	}
	return true
}

var accents = strings.NewReplacer("à", "a", "â", "a", "ç", "c", "é", "e", "è", "e", "ê", "e", "ë", "e", "î", "i", "ï", "i", "ô", "o", "ù", "u", "û", "u", "œ", "oe", "’", " ", "'", " ")

// plain takes away what people leave out when they search: capitals, accents, signs.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return ' '
	}, accents.Replace(strings.ToLower(s)))
}

// markdown is the lessons as one text, for who reads them on paper.
func markdown(all []lesson) string {
	var b strings.Builder
	b.WriteString("# La console, un geste par page\n\nCe texte est celui de la page « Aide » de la console.\n")
	for _, l := range all {
		b.WriteString("\n## " + l.Title + "\n\n" + l.Need + "\n\n")
		for i, s := range l.Steps {
			b.WriteString(strconv.Itoa(i+1) + ". " + s + "\n")
		}
		if len(l.Know) > 0 {
			b.WriteString("\nBon à savoir :\n\n")
		}
		for _, k := range l.Know {
			b.WriteString("- " + k + "\n")
		}
	}
	return b.String()
}
