package terminal_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"parvis/kiosk"
	"parvis/portal/drawings"
	"parvis/portal/locale"
	"parvis/portal/locale/localetest"
	"parvis/portal/terminal"
	"parvis/sessions/waiting"
)

// shot is a place in a state, and the page that shows it.
type shot struct {
	name    string
	prepare func(*place)
	path    string
	says    []string // in French
}

// call has the post ask for help.
func call(p *place) {
	if _, err := p.calls.Ask("", "Poste 3"); err != nil {
		p.t.Fatal(err)
	}
}

var shots = []shot{
	{"T1 locked", nil, "/kiosk/", []string{
		"Poste 3", "Cet ordinateur est fermé.", "Pour l'utiliser, allez à l'accueil.", "Dites : « poste 3 ».", "Ici, vous pouvez imprimer.",
		"Ici, vous pouvez ouvrir une clé USB.", "Ici, vous ne pouvez pas enregistrer sur une clé USB.",
	}},
	{"T1 locked, without printer or key", func(p *place) { p.change(func(x *posts) { x.post.Prints, x.post.USB = false, false }) }, "/kiosk/", []string{
		"Ici, vous ne pouvez pas imprimer.", "Ici, vous ne pouvez pas utiliser une clé USB.",
	}},
	{"T1 locked, where the place has no printer and lets no key be used", func(p *place) { p.handler.Prints, p.handler.USB = false, false }, "/kiosk/", []string{
		"Ici, vous ne pouvez pas imprimer.", "Ici, vous ne pouvez pas utiliser une clé USB.",
	}},
	{"T1 locked, an ordinary machine", func(p *place) { p.change(func(x *posts) { x.post.Renderer = kiosk.Linux }) }, "/kiosk/", []string{
		"Ici, vous pouvez utiliser une clé USB.",
	}},
	{"T1 locked, not heard of", func(p *place) { p.change(func(x *posts) { x.post.State = kiosk.Silent }) }, "/kiosk/", []string{"Cet ordinateur est fermé."}},
	{"new", func(p *place) {
		p.change(func(x *posts) {
			x.post = kiosk.Terminal{ID: "nouveau-1", MAC: machine, IPv4: address, State: kiosk.Newcomer}
		})
	}, "/kiosk/?kiosk=1-B3-D5E-4C-2A", []string{"Cet ordinateur est nouveau ici.", "Son numéro : 1-B3-D5E-4C-2A"}},
	{"T2 hello", func(p *place) { p.open(30 * time.Minute) }, "/kiosk/", []string{
		"Bonjour.", "Il vous reste 30 minutes.", "Fin à 15 h 12.", "3 choses à savoir", "À la fin, l'ordinateur efface tout.", "Commencer",
	}},
	{"T3 needs", func(p *place) { p.open(30 * time.Minute) }, "/kiosk/besoins", []string{
		"De quoi avez-vous besoin ?", "Je cherche un logement", "Je fais mes papiers", "Il vous reste 30 minutes.", "Demander de l'aide",
	}},
	{"T3 the services of a need", func(p *place) { p.open(30 * time.Minute) }, "/kiosk/besoins/aides", []string{"Je demande une aide", "Caf : mes aides, mon dossier"}},
	{"T3 a few services alone", func(p *place) {
		p.open(30 * time.Minute)
		p.change(func(x *posts) {
			x.use.Bundles, x.use.Names = []string{"caf"}, []string{"www.example.fr", ".example.org"}
		})
	}, "/kiosk/besoins", []string{"Choisissez un site.", "Caf : mes aides, mon dossier", "Ouvert pour vous", "www.example.fr"}},
	{"T3 with a message", func(p *place) {
		p.open(30 * time.Minute)
		p.change(func(x *posts) { x.use.Message = "Votre impression est prête." })
	}, "/kiosk/besoins", []string{"L'accueil vous écrit :", "Votre impression est prête."}},
	{"T4 before leaving", func(p *place) { p.open(30 * time.Minute) }, "/kiosk/service/caf", []string{
		"Caf : mes aides, mon dossier", "Préparez :", "FranceConnect", "votre boîte mail", "Les boîtes mail sont fermées ici.", "Y aller",
	}},
	{"T4 before leaving, with a mailbox", func(p *place) {
		p.open(30 * time.Minute)
		p.change(func(x *posts) { x.use.Mail = true })
	}, "/kiosk/service/caf", []string{"votre boîte mail"}},
	{"T5 in the tiles", func(p *place) {
		p.open(30 * time.Minute)
		p.change(func(x *posts) { x.refused = "www.refuse.example" })
	}, "/kiosk/besoins", []string{"Un site est fermé sur cet ordinateur.", "Voir"}},
	{"T5 asks", func(p *place) {
		p.open(30 * time.Minute)
		p.change(func(x *posts) { x.refused = "www.refuse.example" })
	}, "/kiosk/site-ferme", []string{
		"Ce site est fermé sur cet ordinateur.", "www.refuse.example", "Vous en avez besoin ?", "Voulez-vous montrer son nom à l'accueil ?", "Oui", "Non",
	}},
	{"T6 help", nil, "/kiosk/aide", []string{"Demander de l'aide"}},
	{"T6 sent", call, "/kiosk/aide", []string{"Votre demande est partie à 14 h 42.", "Restez là."}},
	{"T6 seen", func(p *place) {
		call(p)
		if err := p.calls.Coming(p.calls.Open()[0].ID); err != nil {
			p.t.Fatal(err)
		}
	}, "/kiosk/aide", []string{"L'accueil a vu votre demande."}},
	{"T6 unseen", func(p *place) { call(p); p.clock.Advance(waiting.Unanswered) }, "/kiosk/aide", []string{"Personne n'a encore répondu. Allez à l'accueil."}},
	{"T7 soon", func(p *place) { p.open(5 * time.Minute) }, "/kiosk/besoins", []string{
		"Internet s'arrête dans 5 minutes.", "Enregistrez votre travail.", "Demander 5 minutes de plus",
	}},
	{"T7 soon, without more", func(p *place) { p.open(time.Minute); p.change(func(x *posts) { x.use.Grace = false }) }, "/kiosk/besoins", []string{
		"Internet s'arrête dans 1 minute.", "Vous voulez plus de temps ? Demandez à l'accueil.",
	}},
	{"T8 over", func(p *place) { p.ended(kiosk.Cleaning) }, "/kiosk/", []string{
		"C'est fini.", "Prenez vos papiers.", "Prenez votre clé USB.", "Prenez votre carte.", "L'ordinateur efface tout.", "Fermer",
	}},
	{"T9 how to close", func(p *place) { p.ended(kiosk.Cleaning) }, "/kiosk/fini", []string{"Fermez le navigateur : appuyez sur la croix, en haut."}},
	{"T9 how to close, waiting", func(p *place) { p.ended(kiosk.Waiting) }, "/kiosk/", []string{"Cet ordinateur n'est pas encore prêt.", "appuyez sur la croix"}},
	{"T10 the line is down", func(p *place) { p.down = true }, "/kiosk/", []string{"Internet est en panne", "Cet ordinateur marche bien.", "Allez à l'accueil."}},
	{"T10 inside", func(p *place) { p.open(30 * time.Minute); p.down = true }, "/kiosk/besoins", []string{"Internet est en panne", "Nous gardons votre temps : 30 minutes."}},
	{"T10 a machine that nobody knows", func(p *place) { p.unknown = true }, "/kiosk/", []string{"Cet ordinateur ne marche pas maintenant."}},
	{"T11 closed", func(p *place) {
		p.site.Open, p.site.Next = false, p.clock.Wall().Time.Add(19*time.Hour)
	}, "/kiosk/", []string{"Cet ordinateur est fermé.", "Il ouvre demain à 9 h 42."}},
	{"T11 closed, and nobody knows until when", func(p *place) { p.site.Open = false }, "/kiosk/", []string{"Pour les heures, demandez à l'accueil."}},
	{"T12 update", func(p *place) { p.updating = true }, "/kiosk/", []string{"L'ordinateur se met à jour.", "Laissez cet ordinateur allumé.", "Il est prêt vers 15 h 02."}},
	{"rules", nil, "/kiosk/regles", []string{"Règles de cet ordinateur", "Parlez doucement."}},
	{"data", func(p *place) { p.open(30 * time.Minute) }, "/kiosk/donnees", []string{"Nous ne savons pas qui vous êtes.", "Nous effaçons tout 1 heure après la fin.", "Début : 14 h 42"}},
	{"accessibility", nil, "/kiosk/accessibilite", []string{"Accessibilité : non conforme."}},
	{"legal", nil, "/kiosk/mentions", []string{"Ville d'exemple", "Parvis 1"}},
	{"plan", nil, "/kiosk/plan", []string{"Voici toutes les pages."}},
	{"missing", nil, "/kiosk/rien", []string{"Cette page n'existe pas."}},
}

// in is a path in a language, without changes by itself.
func in(path, lang string) string {
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	return path + sep + "l=" + lang
}

// each shows every page in every language.
func each(t *testing.T, check func(t *testing.T, s shot, lang string, w *httptest.ResponseRecorder)) {
	for _, s := range shots {
		for _, lang := range languages {
			t.Run(s.name+"/"+lang, func(t *testing.T) {
				p := newPlace(t)
				if s.prepare != nil {
					s.prepare(p)
				}
				check(t, s, lang, p.do(httptest.NewRequest(http.MethodGet, in(s.path, lang), nil)))
			})
		}
	}
}

func TestEachStateHasItsPage(t *testing.T) {
	each(t, func(t *testing.T, s shot, lang string, w *httptest.ResponseRecorder) {
		if want := map[bool]int{false: http.StatusOK, true: http.StatusConflict}[strings.Contains(s.name, "nobody knows") && strings.HasPrefix(s.name, "T10")]; w.Code != want && s.name != "missing" {
			t.Fatalf("%d, expected %d: %s", w.Code, want, w.Body)
		}
		if lang == "fr" {
			says(t, w.Body.String(), s.says...)
		}
	})
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func TestEveryPageIsAccessibleMarkup(t *testing.T) {
	each(t, func(t *testing.T, _ shot, lang string, w *httptest.ResponseRecorder) {
		body := w.Body.String()
		if strings.Contains(body, "no value") || strings.ContainsAny(body, "\uE000\uE001") || strings.Contains(body, "ZgotmplZ") {
			t.Errorf("a value is missing:\n%s", body)
		}
		doc, err := html.Parse(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		count, ids, main := map[string]int{}, map[string]int{}, 0
		for n := range doc.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			count[n.Data]++
			if id := attr(n, "id"); id != "" {
				ids[id]++
			}
			switch n.DataAtom {
			case atom.Html:
				if attr(n, "lang") != lang || attr(n, "dir") != map[bool]string{true: "rtl", false: "ltr"}[lang == "ar"] {
					t.Errorf("language %q, direction %q", attr(n, "lang"), attr(n, "dir"))
				}
			case atom.Svg:
				if attr(n, "aria-hidden") != "true" {
					t.Error("a picture that is not hidden from screen readers")
				}
			case atom.Nav:
				if attr(n, "aria-label") == "" {
					t.Error("a navigation without a name")
				}
			case atom.Form:
				if attr(n, "method") != "post" || !strings.HasPrefix(attr(n, "action"), "/kiosk/") {
					t.Errorf("a form to %q", attr(n, "action"))
				}
			case atom.A:
				to := attr(n, "href")
				if attr(n, "target") == "" && !strings.HasPrefix(to, "/kiosk/") && to != "#texte" && attr(n, "id") != "y-aller" {
					t.Errorf("a link to %q", to)
				}
				if attr(n, "target") != "" && attr(n, "rel") != "noopener" {
					t.Errorf("another site may reach the page of the post: %q", to)
				}
			}
			if strings.Contains(" "+attr(n, "class")+" ", " go ") {
				main++
			}
			for _, a := range n.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
					t.Errorf("<%s %s>: the policy forbids it", n.Data, a.Key)
				}
			}
		}
		for _, one := range []string{"h1", "main", "header", "footer", "title"} {
			if count[one] != 1 {
				t.Errorf("%d <%s>", count[one], one)
			}
		}
		for id, n := range ids {
			if n > 1 {
				t.Errorf("%d elements have the id %q", n, id)
			}
		}
		if main > 1 {
			t.Errorf("%d main actions", main)
		}
		if count["style"] != 0 || regexp.MustCompile(`<script(?: [^>]*)?>[^<]`).MatchString(body) {
			t.Error("the policy forbids styles and scripts in a page")
		}
		if strings.Contains(body, machine.String()) || strings.Contains(body, address.String()) {
			t.Error("the page shows the machine's address")
		}
		if h := w.Header(); !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") || strings.Contains(h.Get("Content-Security-Policy"), "unsafe") ||
			h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("headers: %v", h)
		}
		if lang != "fr" && !strings.Contains(body, `class="nt sm"`) {
			t.Error("the page does not say that nobody has proofread it")
		}
	})
}

func TestTheTextsAreEasyToRead(t *testing.T) { localetest.Check(t, terminal.Texts) }

// A text that no page says, or a sentence in a row without a picture: both are mistakes of the templates.
func TestEveryTextIsSaidAndEveryRowHasAPicture(t *testing.T) {
	sources := terminal.Sources(t)
	for _, key := range localetest.Keys(localetest.Catalogue(t, terminal.Texts, "fr")) {
		prefix, name, _ := strings.Cut(key, ".")
		if name != "title" && prefix != "before" && !strings.Contains(sources, `"`+key+`"`) {
			t.Errorf("%s is said nowhere", key)
		}
	}
	for _, m := range regexp.MustCompile(`\.Row "([^"]+)"`).FindAllStringSubmatch(sources, -1) {
		if drawings.Line(terminal.Pictures[m[1]]) == "" {
			t.Errorf("a row of %s, which has no picture", m[1])
		}
	}
	all := localetest.Catalogue(t, locale.Texts, "fr")
	for key := range localetest.Catalogue(t, terminal.Texts, "fr") {
		all[key] = "here"
	}
	for key := range terminal.Pictures {
		if all[key] == "" {
			t.Errorf("a picture of no text: %s", key)
		}
	}
	for key, text := range localetest.Catalogue(t, terminal.Texts, "fr") {
		if shared, ok := localetest.Catalogue(t, locale.Texts, "fr")[key]; ok {
			t.Errorf("%s is %q here and %q for the guest network", key, text, shared)
		}
	}
}
