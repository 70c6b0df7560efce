package pages

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
	"parvis/internal/look"
)

const (
	lookPath  = "/aspect"
	maxUpload = 3 << 20 // bytes of the form: a picture as a telephone makes it
)

// Parvis' own colours: who leaves them has chosen none.
const ourMain, ourAccent = "#17564b", "#a4501f"

// lookView is how the pages of a commune's sites look.
type lookView struct {
	store.Look
	Wrong         string // key
	MainIs, AccIs verdict
	Commune       string
	Sites         int
}

// verdict is what is computed of a colour, in words.
type verdict struct {
	Said            string // as it was typed
	Ratio, Least    string
	Passes, Unknown bool
	Nearest         string
}

// Read is a mark of the look in force: who saves on top of another one is told.
func (v lookView) Read() string { return v.Made.UTC().Format(time.RFC3339Nano) }

// judged is a typed colour: as it is kept, and what is computed of it.
func judged(typed, ours string, judge func(look.Colour) look.Verdict) (kept string, v verdict) {
	typed = strings.ToLower(strings.TrimSpace(typed))
	if typed == "" {
		typed = ours
	}
	c, ok := look.Parse(typed)
	if !ok {
		return ours, verdict{Said: typed, Unknown: true}
	}
	of := judge(c)
	v = verdict{typed, ratio(of.Contrast), ratio(of.Least), of.Passes(), false, of.Nearest.String()}
	return of.Nearest.String(), v
}

// ratio is a contrast as it is read, rounded down: 4.499 is not 4.5.
func ratio(of float64) string {
	return strings.ReplaceAll(strconv.FormatFloat(float64(int(of*10))/10, 'f', -1, 64), ".", ",")
}

func (v *lookView) judge() {
	v.Main, v.MainIs = judged(v.Main, ourMain, look.Main)
	v.Accent, v.AccIs = judged(v.Accent, ourAccent, look.Accent)
}

func (p *Pages) lookOf(r *http.Request, who staff.Person) (v lookView, err error) {
	err = p.in(r, who, func(ctx context.Context, t *store.Tenant) error {
		if v.Look, err = t.Look(ctx); err != nil {
			return err
		}
		c, err := t.Card(ctx)
		v.Commune = c.Name
		if v.Made.IsZero() {
			v.Town = c.Name
		}
		return err
	})
	return v, err
}

func (p *Pages) look(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	v, err := p.lookOf(r, who)
	if err != nil {
		return err
	}
	return p.showLook(w, r, v, 0)
}

func (p *Pages) showLook(w http.ResponseWriter, r *http.Request, v lookView, status int) error {
	v.judge()
	return p.show(w, r, page{template: "look", Title: "look.title", Here: lookPath, status: status}, v)
}

// logo is the image in force.
func (p *Pages) logo(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	var image []byte
	err := p.in(r, who, func(ctx context.Context, t *store.Tenant) error {
		l, err := t.Look(ctx)
		if err != nil {
			return err
		}
		if l.Logo == "" {
			return store.ErrUnknown
		}
		image, err = t.Attachment(ctx, l.Logo)
		return err
	})
	if err != nil {
		return err
	}
	l, err := look.Open(image)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", l.Kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(l.Image)))
	_, _ = w.Write(l.Image) // the client may have gone
	return nil
}

// upload is the logo that a form brings; nil: none.
func upload(r *http.Request) ([]byte, error) {
	f, _, err := r.FormFile("logo")
	if errors.Is(err, http.ErrMissingFile) || errors.Is(err, http.ErrNotMultipart) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil || len(b) == 0 {
		return nil, err
	}
	return shrink(b)
}

func (p *Pages) saveLook(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	v, err := p.lookOf(r, who)
	if err != nil {
		return err
	}
	read := v.Read()
	if err := r.ParseMultipartForm(maxUpload); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		v.Wrong = "look.long"
		return p.showLook(w, r, v, http.StatusRequestEntityTooLarge)
	}
	if r.MultipartForm != nil {
		defer r.MultipartForm.RemoveAll() //nolint:errcheck // all of it is in memory
	}
	before := v.Logo
	v.Town, v.Main, v.Accent = line(r, "nom"), r.PostFormValue("couleur"), r.PostFormValue("dessins")
	image, err := upload(r)
	again := func(key string, status int) error {
		v.Wrong = key
		return p.showLook(w, r, v, status)
	}
	asked := v
	asked.judge()
	switch {
	case err != nil:
		return again("look.image", http.StatusUnprocessableEntity)
	case v.Town != "" && !usable(v.Town) || len([]rune(v.Town)) > 80:
		return again("look.name", http.StatusUnprocessableEntity)
	case !asked.MainIs.Passes || !asked.AccIs.Passes:
		return again("look.contrast", http.StatusUnprocessableEntity)
	case r.PostFormValue("lu") != read:
		return again("look.meanwhile", http.StatusConflict)
	}
	next := store.Look{Town: v.Town, Main: other(asked.Main, ourMain), Accent: other(asked.Accent, ourAccent), Logo: before, By: who.Name}
	if r.PostFormValue("sans-logo") != "" {
		next.Logo = ""
	}
	err = p.in(r, who, func(ctx context.Context, t *store.Tenant) error {
		if image != nil {
			if next.Logo, err = t.Attach(ctx, image); err != nil {
				return err
			}
		}
		return t.SetLook(ctx, next)
	})
	if err != nil {
		return err
	}
	p.Staff.Record(r.Context(), who, "look", "")
	return done(w, lookPath, "aspect")
}

// other is a colour, "" where it is Parvis' own.
func other(colour, ours string) string {
	if colour == ours {
		return ""
	}
	return colour
}
