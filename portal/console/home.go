package console

import (
	"net/http"
	"time"
)

func (c *Console) homePages(m *http.ServeMux) { m.HandleFunc("GET /{$}", c.home) }

// Problem is one thing that is wrong, and what the person at the desk can do about it.
type Problem struct{ What, Do string }

// soon is how long before closing the first page says so.
const soon = 30 * time.Minute

type home struct {
	queue
	Wrong  *Problem // the one thing to look at first
	Others int      // how many more there are
	Calls  []call
	Site   site
	Inside int
	Posts  string // how many posts are ready; "" the place has none
}

func (c *Console) home(w http.ResponseWriter, r *http.Request) {
	d := home{queue: c.queue(r, "/"), Calls: c.openCalls(), Site: c.site(), Inside: len(c.inside()), Posts: c.readyPosts()}
	if all := c.wrong(d.Site); len(all) > 0 {
		d.Wrong, d.Others = &all[0], len(all)-1
	}
	c.render(w, r, page{Template: "home", Title: "Accueil", Live: true}, d)
}

// wrong is what is not as it should be, the worst first.
func (c *Console) wrong(s site) []Problem {
	all := c.Health()
	if c.Line.State().Down {
		all = append(all, Problem{"Internet est en panne.", "La panne ne vient pas des appareils. Le temps des gens est gardé."})
	}
	if !s.Known {
		all = append(all, Problem{"L'heure du boîtier n'est pas connue.", "Les heures ne sont pas montrées. Cela s'arrange quand internet marche."})
	}
	if s.Open && s.Left > 0 && s.Left <= soon {
		all = append(all, Problem{"Le lieu ferme dans " + left(s.Left) + ".", "Pour une personne, vous pouvez continuer après la fermeture."})
	}
	return all
}
