package terminal

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"

	"parvis/kiosk"
	"parvis/sessions/waiting"
)

// closed asks whether the desk may see the name of a site that is not open here.
func (v *view) closed() {
	if !v.working() {
		return
	}
	if v.Closed == "" {
		v.redirect(tiles)
		return
	}
	v.set("Host", v.Closed)
	v.render("site", http.StatusOK)
}

// asked is the cookie with what was last answered about a name.
const asked = "site"

// show is the answer. Only a yes tells anybody.
func (v *view) show() {
	host := v.r.PostForm.Get("nom")
	if !v.open || host == "" {
		v.redirect(home)
		return
	}
	to := tiles
	if v.r.PostForm.Get("montrer") == "oui" {
		to = tiles + "?fait=montre"
		if err := v.h.Posts.Show(v.Post.ID, host); err != nil {
			to = tiles + "?fait=beaucoup"
		}
	}
	v.mark(asked, digest(host))
	v.redirect(to)
}

// answered reports whether the person has said yes or no about a name.
func (v *view) answered(host string) bool {
	return slices.Contains(v.use.Shown, host) || v.marked(asked, digest(host))
}

// digest stands for a name in a cookie, where it must not be read.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// grace adds the time that a person may add once.
func (v *view) grace() {
	if !v.open {
		v.redirect(home)
		return
	}
	if _, err := v.h.Posts.Grace(v.r.Context(), v.Post.ID); err != nil {
		v.redirect(tiles + "?fait=fini")
		return
	}
	v.redirect(tiles + "?fait=temps")
}

// over says how the browser is closed, which erases everything.
func (v *view) over() {
	if v.Post.State != kiosk.Cleaning && v.Post.State != kiosk.Waiting {
		v.redirect(home)
		return
	}
	v.Live = true
	v.render("cleaning", http.StatusOK)
}

// help is who helps, and what became of the call.
func (v *view) help() {
	v.Live = true
	if v.open {
		v.inside()
	} else {
		v.called()
	}
	v.Asks = v.Call == ""
	v.render("help", http.StatusOK)
}

// ask asks the desk for help.
func (v *view) ask() {
	if _, err := v.h.Calls.Ask("", v.Post.Name); err != nil {
		v.Call = "help.crowd"
		v.render("help", http.StatusServiceUnavailable)
		return
	}
	v.redirect(help)
}

// called says what became of the post's call.
func (v *view) called() {
	call, ok := v.h.Calls.OfPost(v.Post.Name)
	if !ok || v.Post.Name == "" {
		return
	}
	ago := v.h.Clock.Boot().Sub(call.Since)
	switch {
	case call.Coming:
		v.Call = "help.seen"
	case ago >= waiting.Unanswered:
		v.Call = "help.nobody"
	case v.h.sure():
		v.Call = "help.sent"
		v.set("Asked", v.locale.Hour(v.h.now().Add(-ago)))
	default:
		v.Call = "help.gone"
	}
}

// rules and data say what holds here and what is kept.
func (v *view) rules() { v.render("prules", http.StatusOK) }

func (v *view) data() {
	if v.open && v.h.sure() {
		v.set("Began", v.locale.Hour(v.use.Session.Started.In(v.h.Zone)))
		v.Sure = true
	}
	v.render("data", http.StatusOK)
}

// fixed is a page whose content depends on nothing but the place.
func fixed(name string) func(*view) { return func(v *view) { v.render(name, http.StatusOK) } }
