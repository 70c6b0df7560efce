package console

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	numbers "parvis/kiosk/queue"
)

// Queue is who waits for a terminal and who has booked one, by number: *queue.Queue.
type Queue interface {
	View() numbers.View
	Take() (numbers.Ticket, error)
	Next(post string) (numbers.Ticket, error)
	Served(label string) error
	Absent(label string) error
	Skip(label string) error
	Back(label string) error
	Came(label string) error
	Undo(seq uint64) error
	Slots(day string) ([]numbers.Slot, error)
	Book(day string, from, length int) (numbers.Booking, error)
	Cancel(day, label string) error
}

// queuePages need Parts.Queue.
func (c *Console) queuePages(m *http.ServeMux) {
	if c.Queue == nil {
		return
	}
	m.HandleFunc("GET /file", c.numbers)
	m.Handle("GET /file/hall", c.entered(c.hall))
	m.Handle("POST /file/donner", c.gesture(c.giveNumber))
	m.Handle("POST /file/appeler", c.gesture(c.callNext))
	m.Handle("POST /file/annuler", c.gesture(c.undoNumber))
	if c.Terminals != nil {
		m.Handle("POST /file/{numero}/ouvrir", c.gesture(c.seatNumber))
	}
	for path, g := range map[string]struct {
		do           func(label string) error
		what, notice string
	}{
		"installe": {c.Queue.Served, "queue.served", "file-installe"},
		"absent":   {c.Queue.Absent, "queue.absent", "file-absent"},
		"passer":   {c.Queue.Skip, "queue.skip", "file-passe"},
		"revenu":   {c.Queue.Back, "queue.back", "file-revenu"},
		"arrive":   {c.Queue.Came, "booking.came", "file-arrive"},
	} {
		m.Handle("POST /file/{numero}/"+path, c.gesture(func(w http.ResponseWriter, r *http.Request, who Person) {
			label := r.PathValue("numero")
			c.numberDone(w, r, who, g.do(label), g.what, label, "/file", g.notice)
		}))
	}
	c.bookingPages(m)
}

// numberDone ends a gesture on the queue or its bookings.
func (c *Console) numberDone(w http.ResponseWriter, r *http.Request, who Person, err error, what, object, to, notice string) {
	for _, known := range []struct {
		err      error
		head, do string
	}{
		{numbers.ErrEmpty, "Personne n'attend.", "Donnez d'abord un numéro."},
		{numbers.ErrNumber, "Ce numéro a déjà changé.", "Une autre personne s'en est peut-être occupée. Regardez la file."},
		{numbers.ErrMany, "Il n'y a plus de numéro pour ce jour.", "Les numéros recommencent demain."},
		{numbers.ErrUndo, "Ce geste ne peut plus être annulé.", "Un geste s'annule pendant 1 minute, s'il est le dernier."},
		{numbers.ErrTaken, "Tous les postes sont réservés à cette heure.", "Choisissez une autre heure."},
		{numbers.ErrClosed, "Le lieu n'est pas ouvert assez longtemps à cette heure.", "Choisissez une autre heure ou une durée plus courte."},
		{numbers.ErrPast, "Cette heure est passée.", "Choisissez une heure à venir."},
		{numbers.ErrSlot, "Cette heure ne peut pas être réservée.", "Choisissez un quart d'heure, d'ici " + strconv.Itoa(numbers.Ahead) + " jours."},
		{numbers.ErrNoTime, "Le boîtier ne connaît pas encore l'heure.", "Les réservations reviennent avec l'heure. La file marche."},
		{numbers.ErrStore, "Le boîtier n'arrive plus à écrire.", "Rien n'a changé. Prévenez la personne responsable."},
	} {
		if errors.Is(err, known.err) {
			status := http.StatusConflict
			if known.err == numbers.ErrStore || known.err == numbers.ErrNoTime {
				status = http.StatusServiceUnavailable
			}
			c.problem(w, r, status, problem{Head: known.head, Do: known.do, To: to, Go: "Revenir"})
			return
		}
	}
	if err != nil {
		c.refused(w, r, err)
		return
	}
	c.Staff.Record(r.Context(), who, what, object)
	c.done(w, to, notice)
}

// gestureWords say what was last done, before "Annuler".
var gestureWords = map[string]string{
	"take": "donné", "call": "appelé", "served": "installé", "absent": "absent", "skip": "passe son tour", "back": "revient dans la file",
	"came": "arrivé", "book": "réservé", "cancel": "réservation annulée",
}

// last is the gesture that can be taken back.
type last struct {
	Seq   uint64
	Label string
	Words string
	To    string // the page that one is on
}

func (c *Console) last(v numbers.View, to string) *last {
	if v.Undo == nil {
		return nil
	}
	return &last{v.Undo.Seq, v.Undo.Label, gestureWords[v.Undo.What], to}
}

// ticket is a number as pages show it.
type ticket struct {
	numbers.Ticket
	Waited time.Duration // in its state
	Offer  string        // how long its terminal can be opened for, by one tap; "" it is not ready
}

func (c *Console) ticketsOf(of []numbers.Ticket) (all []ticket) {
	now := c.Clock.Boot()
	for _, t := range of {
		all = append(all, ticket{Ticket: t, Waited: now.Sub(t.Since)})
	}
	return all
}

type numbersPage struct {
	Waiting, Called, Absent []ticket
	Expected                []numbers.Booking
	Free                    []string // terminals
	Last                    *last
	Posts                   bool // there is a page of terminals
}

func (c *Console) numbers(w http.ResponseWriter, r *http.Request) {
	v := c.Queue.View()
	d := numbersPage{
		Waiting: c.ticketsOf(v.Waiting), Called: c.ticketsOf(v.Called), Absent: c.ticketsOf(v.Absent), Expected: v.Bookings,
		Last: c.last(v, "/file"), Free: c.freePosts(), Posts: c.has("/postes"),
	}
	for i, t := range d.Called {
		if _, ready := c.readyPost(t.Post); ready {
			d.Called[i].Offer = c.offers()[0].Text
		}
	}
	c.render(w, r, page{Template: "numbers", Title: "File d'attente", Live: true}, d)
}

func (c *Console) freePosts() []string {
	if c.FreePosts == nil {
		return nil
	}
	return c.FreePosts()
}

// has reports whether there is a page.
func (c *Console) has(path string) bool { return len(c.there([]link{{Path: path}})) > 0 }

func (c *Console) giveNumber(w http.ResponseWriter, r *http.Request, who Person) {
	t, err := c.Queue.Take()
	c.numberDone(w, r, who, err, "queue.take", t.Label(), "/file", "file-donne")
}

// callNext calls to a terminal that is free, or to the desk: a name that was not offered is none.
func (c *Console) callNext(w http.ResponseWriter, r *http.Request, who Person) {
	post := ""
	for _, free := range c.freePosts() {
		if free == r.PostForm.Get("poste") {
			post = free
		}
	}
	t, err := c.Queue.Next(post)
	c.numberDone(w, r, who, err, "queue.call", t.Label(), "/file", "file-appele")
}

func (c *Console) undoNumber(w http.ResponseWriter, r *http.Request, who Person) {
	notice := "file-annule"
	seq, err := strconv.ParseUint(r.PostForm.Get("geste"), 10, 64)
	if err == nil {
		err = c.Queue.Undo(seq)
	} else {
		err = numbers.ErrUndo
	}
	if err == nil {
		notice = c.unseat(r, who, seq, notice)
	}
	to := "/file"
	if r.PostForm.Get("retour") == "/reservations" {
		to = "/reservations"
	}
	c.numberDone(w, r, who, err, "queue.undo", "file", to, notice)
}

// hallMost is how many called numbers the screen of the hall shows.
const hallMost = 4

type hallPage struct {
	Called  []numbers.Ticket
	Waiting int
	Next    string
}

// hall is the screen that those who wait see: numbers, and where to go.
func (c *Console) hall(w http.ResponseWriter, r *http.Request) {
	v := c.Queue.View()
	d := hallPage{Called: v.Called[:min(len(v.Called), hallMost)], Waiting: len(v.Waiting)}
	if len(v.Waiting) > 0 {
		d.Next = v.Waiting[0].Label()
	}
	c.render(w, r, page{Template: "hall", Title: "Écran du hall", Here: "/file", Live: true, Bare: true}, d)
}
