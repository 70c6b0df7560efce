package console

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	numbers "parvis/kiosk/queue"
)

func (c *Console) bookingPages(m *http.ServeMux) {
	m.HandleFunc("GET /reservations", c.bookings)
	m.Handle("POST /reservations", c.gesture(c.book))
	m.Handle("POST /reservations/annuler", c.gesture(c.cancelBooking))
}

// bookingTimes are what can be booked, in minutes.
var bookingTimes = []option{{"15", "15 min"}, {"30", "30 min"}, {"45", "45 min"}, {"60", "1 h"}, {"90", "1 h 30"}, {"120", "2 h"}}

type bookingsPage struct {
	Known        bool
	Day          string // 2006-01-02
	When         time.Time
	Before, Next string // days; "" none
	First, Last  string // days that can be booked
	Slots        []numbers.Slot
	Open         []option // slots that a booking can begin in
	All          []numbers.Booking
	New          string // number that was just given
	Form         form
	Times        []option
	Undo         *last
}

// bookings is the day view; jour chooses it, heure fills the form in.
func (c *Console) bookings(w http.ResponseWriter, r *http.Request) {
	d := bookingsPage{Known: known(c.Clock.Wall()), Times: bookingTimes, Undo: c.last(c.Queue.View(), "/reservations")}
	if !d.Known {
		c.render(w, r, page{Template: "bookings", Title: "Réservations", Live: true, Typed: true}, d)
		return
	}
	q := r.URL.Query()
	today := c.Clock.Wall().Time.In(c.cfg.Location)
	noon := time.Date(today.Year(), today.Month(), today.Day(), 12, 0, 0, 0, c.cfg.Location)
	d.First, d.Last = noon.Format(time.DateOnly), noon.AddDate(0, 0, numbers.Ahead).Format(time.DateOnly)
	d.Form = form{url.Values{"heure": q["heure"], "duree": {"30"}}, map[string]string{}}
	d.When = noon
	if chosen := (form{q, map[string]string{}}).day("jour", c.cfg.Location); !chosen.IsZero() {
		d.When = chosen.Add(12 * time.Hour)
	}
	d.Day = d.When.Format(time.DateOnly)
	if d.Day < d.First || d.Day > d.Last {
		d.When, d.Day = noon, d.First
	}
	if d.Day > d.First {
		d.Before = d.When.AddDate(0, 0, -1).Format(time.DateOnly)
	}
	if d.Day < d.Last {
		d.Next = d.When.AddDate(0, 0, 1).Format(time.DateOnly)
	}
	var err error
	if d.Slots, err = c.Queue.Slots(d.Day); err != nil && !errors.Is(err, numbers.ErrNoTime) {
		c.refused(w, r, err)
		return
	}
	for _, s := range d.Slots {
		if !s.Past && s.Free > 0 {
			d.Open = append(d.Open, option{strconv.Itoa(s.From), minutes(s.From)})
		}
		d.All = append(d.All, s.Booked...)
	}
	for _, b := range d.All {
		if b.Label() == q.Get("numero") {
			d.New = b.Label()
		}
	}
	c.render(w, r, page{Template: "bookings", Title: "Réservations", Live: true, Typed: true}, d)
}

func (c *Console) book(w http.ResponseWriter, r *http.Request, who Person) {
	from, err := strconv.Atoi(r.PostForm.Get("heure"))
	length, err2 := strconv.Atoi(r.PostForm.Get("duree"))
	day := r.PostForm.Get("jour")
	to := "/reservations?jour=" + url.QueryEscape(day)
	var b numbers.Booking
	if err = errors.Join(err, err2); err != nil {
		err = numbers.ErrSlot
	} else if b, err = c.Queue.Book(day, from, length); err == nil {
		to += "&numero=" + b.Label()
	}
	c.numberDone(w, r, who, err, "booking.make", b.Day+" "+b.Label(), to, "file-reserve")
}

func (c *Console) cancelBooking(w http.ResponseWriter, r *http.Request, who Person) {
	day, label := r.PostForm.Get("jour"), r.PostForm.Get("numero")
	c.numberDone(w, r, who, c.Queue.Cancel(day, label), "booking.cancel", day+" "+label, "/reservations?jour="+url.QueryEscape(day), "file-reserve-annule")
}
