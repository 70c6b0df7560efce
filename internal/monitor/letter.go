package monitor

import (
	_ "embed"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"parvis/internal/hublink/wire"
	"parvis/internal/mail"
)

//go:embed mail.fr.toml
var letterSource string

// letters are the texts of e-mails.
var letters = func() (t struct {
	Debut, Fin, Depuis, Fini, Souvent, Detail, Pied string
	SansHeure                                       string `toml:"sans_heure"`
	Probleme                                        map[string]struct{ Titre, Faire string }
},
) {
	if _, err := toml.Decode(letterSource, &t); err != nil {
		panic("monitor: texts of e-mails: " + err.Error()) // they are embedded
	}
	return t
}()

// LineDown is the problem that only a place itself tells: the hub hears of it by silence.
const LineDown = "line"

// WentBack is another one: the hub hears of it by wire.Now.Upgrade.
const WentBack = "upgrade"

// Own is every problem that a place tells to those near it and not to the hub.
var Own = []string{LineDown, WentBack}

// Letter is an e-mail that waits to be sent.
type Letter struct {
	ID      string `json:"id"` // the same however often it is tried
	Subject string `json:"subject"`
	Body    string `json:"body"`
	At      int64  `json:"at"` // seconds since 1970 when it was written; 0: nobody knew the time
}

// letter writes of one problem, or of several of one code, that they have begun or ended.
func letter(place string, zone *time.Location, of []Open, ended bool) (subject, body string) {
	code := of[0].Code
	text := letters.Probleme[code]
	if text.Titre == "" {
		text.Titre = code
	}
	var what []string
	since, times := of[0].Since, 0
	for _, o := range of {
		if o.What != "" {
			what = append(what, o.What)
		}
		if o.Since < since {
			since = o.Since
		}
		times = max(times, o.Times)
	}
	hour := letters.SansHeure
	if since > 0 {
		t := time.Unix(since, 0).In(zone)
		hour = strings.NewReplacer("{jour}", t.Format("02/01/2006"), "{heure}", t.Format("15\u00a0h\u00a004")).Replace(letters.Depuis)
	}
	put := func(s string, more ...string) string {
		return strings.NewReplacer(append(more, "{lieu}", place, "{quoi}", strings.Join(what, ", "))...).Replace(s)
	}
	title := bare(put(text.Titre))
	subject, first := put(letters.Debut, "{titre}", title), put(text.Faire)
	if ended {
		subject, first = put(letters.Fin, "{titre}", title), letters.Fini
	}
	lines := []string{begun(title), hour, first}
	if times > 1 {
		lines = append(lines, put(letters.Souvent, "{fois}", strconv.Itoa(times)))
	}
	if !ended && text.Faire != "" {
		lines = append(lines, letters.Detail)
	}
	return subject, strings.Join(append(lines, "", put(letters.Pied), ""), "\n")
}

// bare leaves out the brackets of what is not said.
func bare(title string) string { return strings.TrimSuffix(title, " ()") }

// begun makes a phrase of a title.
func begun(title string) string { return strings.ToUpper(title[:1]) + title[1:] + "." }

// Sentence says a problem and what to do, in the words of the e-mails.
func Sentence(p wire.Problem) string {
	text := letters.Probleme[p.Code]
	if text.Titre == "" {
		return p.Code
	}
	return begun(bare(strings.ReplaceAll(text.Titre, "{quoi}", p.What))) + " " + text.Faire
}

// Message is a letter as a relay takes it. One of a time that nobody knew has the date of the relay.
func Message(l Letter, to []string) mail.Message {
	m := mail.Message{To: to, Subject: l.Subject, Body: l.Body, ID: l.ID}
	if l.At > 0 {
		m.Date = time.Unix(l.At, 0)
	}
	return m
}
