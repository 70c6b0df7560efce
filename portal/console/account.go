package console

import (
	"net/http"

	"parvis/portal/staff"
)

// accountPages are C20: one's own password, PIN, devices and trace.
func (c *Console) accountPages(m *http.ServeMux) {
	if c.Team == nil {
		return
	}
	m.HandleFunc("GET /compte", c.account)
	m.HandleFunc("GET /compte/trace", c.trace)
	m.Handle("POST /compte/mot-de-passe", c.worker(c.changePassword))
	m.Handle("POST /compte/code", c.worker(c.changePIN))
	m.Handle("POST /compte/appareil", c.worker(c.inviteOwn))
}

type account struct {
	staff.Member
	Devices []staff.Device
	Wrong   string
	Field   string
}

func (c *Console) accountOf(r *http.Request) account {
	who, _ := c.Team.Who(r)
	var a account
	for _, m := range c.Team.People() {
		if m.ID == who.ID {
			a.Member = m
		}
	}
	for _, d := range c.Team.Devices(who) {
		if !d.Desk && d.Owner == who.ID {
			a.Devices = append(a.Devices, d)
		}
	}
	return a
}

func (c *Console) account(w http.ResponseWriter, r *http.Request) { c.showAccount(w, r, "", "") }

// showAccount shows C20, and what is wrong with one of its fields; "" nothing is.
func (c *Console) showAccount(w http.ResponseWriter, r *http.Request, wrong, field string) {
	a := c.accountOf(r)
	a.Wrong, a.Field = wrong, field
	c.render(w, r, page{Template: "account", Title: "Mon compte", Here: "/compte", Status: unfit(wrong)}, a)
}

// unfit is the status of a page with a form: what was sent is wrong, or nothing is.
func unfit(wrong string) int {
	if wrong == "" {
		return http.StatusOK
	}
	return http.StatusUnprocessableEntity
}

// accountDone ends a gesture about one's own account, or says what is wrong.
func (c *Console) accountDone(w http.ResponseWriter, r *http.Request, err error, notice string) {
	if err == nil {
		c.done(w, "/compte", notice)
		return
	}
	wrong, field := c.notChosen(r, err)
	if r.URL.Path == "/compte/code" && field == "old" {
		field = "oldpin"
	}
	c.showAccount(w, r, wrong, field)
}

func (c *Console) changePassword(w http.ResponseWriter, r *http.Request, who staff.Person) {
	password := r.PostFormValue("mot-de-passe")
	if password != r.PostFormValue("encore") {
		c.showAccount(w, r, "Les deux nouveaux mots de passe ne sont pas les mêmes.", "password")
		return
	}
	c.accountDone(w, r, c.Team.ChangePassword(w, r, who, r.PostFormValue("actuel"), password), "mot-de-passe")
}

func (c *Console) changePIN(w http.ResponseWriter, r *http.Request, who staff.Person) {
	pin, notice := r.PostFormValue("code"), "code"
	if r.PostFormValue("retirer") != "" {
		pin, notice = "", "sans-code"
	}
	if pin == "" && notice == "code" {
		c.accountDone(w, r, staff.ErrPIN, "")
		return
	}
	c.accountDone(w, r, c.Team.SetPIN(r.Context(), who, r.PostFormValue("actuel"), pin), notice)
}

func (c *Console) inviteOwn(w http.ResponseWriter, r *http.Request, who staff.Person) {
	l, err := c.Team.InviteDevice(r.Context(), who, who.ID, r.PostFormValue("nom"))
	if err != nil {
		c.accountDone(w, r, err, "")
		return
	}
	c.hand(w, r, l, handed{
		Head: "Inscrire votre appareil", Text: "Ouvrez ce code avec votre appareil, sur le Wi-Fi du lieu.", Back: "/compte",
	})
}

type trace struct {
	Entries []entry
	Whole   bool // everybody's
}

type entry struct{ When, Who, What, Object string }

// mostEntries is how many lines of the log one page shows.
const mostEntries = 200

func (c *Console) trace(w http.ResponseWriter, r *http.Request) {
	who, _ := c.Team.Who(r)
	t := trace{Whole: r.URL.Query().Get("tous") != "" && who.Role.May(staff.ReadLog)}
	list, err := c.Team.Trace(r.Context(), who, mostEntries)
	if t.Whole {
		list, err = c.Team.All(r.Context(), who, mostEntries)
	}
	if err != nil {
		c.refused(w, r, err)
		return
	}
	for _, e := range list {
		t.Entries = append(t.Entries, entry{When: c.when(e), Who: e.Name, What: staff.Gesture(e.What).FR, Object: e.Object})
	}
	c.render(w, r, page{Template: "trace", Title: "Ce qui a été fait", Here: "/compte"}, t)
}
