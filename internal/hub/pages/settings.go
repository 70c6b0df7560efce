package pages

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"parvis/internal/config"
	"parvis/internal/config/layers"
	"parvis/internal/hub/rollout"
	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
	"parvis/internal/hub/words"
	"parvis/internal/lang"
)

// maxPiece is how long a layer may be, in bytes; a form of it is up to six times as long.
const maxPiece = 24 << 10

// settingsView is H7: one layer, and what comes of it.
type settingsView struct {
	Scope    string // of the layer: rollout.EPCI, Commune or Place
	Path     string // of this page
	Site     store.Site
	Written  store.Written // in force
	Text     string        // in the field
	Wrong    string
	Faults   []string
	Above    string        // the EPCI's layer, for a commune
	Values   []value       // of a site
	Changes  []change      // of a site, against what it was last told
	Pending  []pendingSite // that publishing would tell something
	Reburn   []string      // keys among what changes that terminals make their image anew for
	Others   []store.Site  // of the commune
	Underway *store.Publication
}

// value is one of a site's configuration, with the layer that it is of.
type value struct{ Key, Value, Origin string }

// change is a value that is not what the site was last told; "" there is or was none.
type change struct{ Key, Before, After string }

// pendingSite is a site that was not told all of its configuration yet.
type pendingSite struct {
	store.Site
	Changes int
	Reburn  int // terminals that may make their image anew for it
}

// reburning are the keys among changes that Porteus terminals make their image anew for.
func reburning(all []change) (keys []string) {
	for _, c := range all {
		if layers.Reburns(c.Key) {
			keys = append(keys, c.Key)
		}
	}
	return keys
}

// Read is a mark of the text in force: who saves on top of another one is told.
func (v settingsView) Read() string { return v.Written.Made.UTC().Format(time.RFC3339Nano) }

func (p *Pages) settings(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	v, err := p.settingsOf(r, who)
	if err != nil {
		return err
	}
	v.Text = v.Written.Source
	return p.showSettings(w, r, v, 0)
}

func (p *Pages) showSettings(w http.ResponseWriter, r *http.Request, v settingsView, status int) error {
	of := page{template: "settings", Title: "settings.title", Here: "/reglages", status: status}
	if v.Scope == rollout.Place {
		of.Name = say.Text("settings.of", words.V{"Name": v.Site.Name})
	}
	return p.show(w, r, of, v)
}

// settingsOf is the layer that a request names, of those that the person may write.
func (p *Pages) settingsOf(r *http.Request, who staff.Person) (v settingsView, err error) {
	site := r.PathValue("site")
	v.Path = "/reglages"
	if who.Tenant == "" && site == "" {
		v.Scope = rollout.EPCI
		v.Written, err = p.Store.EPCILayer(r.Context())
		return v, err
	}
	err = p.in(r, who, func(ctx context.Context, t *store.Tenant) error {
		if site != "" {
			v.Scope, v.Path = rollout.Place, v.Path+"/"+site
			return v.ofSite(ctx, t, site)
		}
		v.Scope = rollout.Commune
		return v.ofCommune(ctx, t)
	})
	return v, err
}

func (v *settingsView) ofCommune(ctx context.Context, t *store.Tenant) (err error) {
	if v.Written, err = t.Layer(ctx, ""); err != nil {
		return err
	}
	above, err := t.EPCILayer(ctx)
	if err != nil {
		return err
	}
	v.Above = above.Source
	newest, err := t.Publications(ctx, store.Settings, 1)
	if err != nil {
		return err
	}
	if len(newest) > 0 && underway(newest[0]) {
		v.Underway = &newest[0]
	}
	sites, err := t.Sites(ctx)
	if err != nil {
		return err
	}
	news, err := rollout.News(ctx, t)
	if err != nil {
		return err
	}
	of := make(map[string]rollout.New, len(news))
	for _, n := range news {
		of[n.Site] = n
	}
	type told struct {
		changes int
		reburn  []string
	}
	counted := map[rollout.New]told{} // most sites are told the same after the same
	for _, s := range sites {
		n, is := of[s.ID]
		if !is {
			v.Others = append(v.Others, s)
			continue
		}
		n.Site = ""
		if _, done := counted[n]; !done {
			changes, err := differences(n.Before, n.Config)
			if err != nil {
				return err
			}
			counted[n] = told{len(changes), reburning(changes)}
		}
		one := pendingSite{Site: s, Changes: counted[n].changes}
		if keys := counted[n].reburn; len(keys) > 0 && s.Contact != nil && len(s.Contact.Now.Terminals) > 0 {
			one.Reburn = len(s.Contact.Now.Terminals)
			v.Reburn = append(v.Reburn, keys...)
		}
		v.Pending = append(v.Pending, one)
	}
	slices.Sort(v.Reburn)
	v.Reburn = slices.Compact(v.Reburn)
	return nil
}

func (v *settingsView) ofSite(ctx context.Context, t *store.Tenant, site string) (err error) {
	if v.Site, err = t.Site(ctx, site); err != nil {
		return err
	}
	if v.Written, err = t.Layer(ctx, site); err != nil {
		return err
	}
	m, err := rollout.Merged(ctx, t, site)
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(m.Values)) {
		v.Values = append(v.Values, value{key, m.Values[key], m.Origins[key]})
	}
	told, err := t.Told(ctx, store.Settings, site)
	if err != nil && !errors.Is(err, store.ErrUnknown) {
		return err
	}
	v.Changes, err = differences(told.Config, m.Source)
	v.Reburn = reburning(v.Changes)
	return err
}

// differences are between what a site was last told and its configuration now.
func differences(told, now string) ([]change, error) {
	before, err := layers.Merge(layers.Layer{Source: told})
	if err != nil {
		return nil, err
	}
	after, err := layers.Merge(layers.Layer{Source: now})
	if err != nil {
		return nil, err
	}
	var all []change
	for key, v := range after.Values {
		if before.Values[key] != v {
			all = append(all, change{key, before.Values[key], v})
		}
	}
	for key, v := range before.Values {
		if _, still := after.Values[key]; !still {
			all = append(all, change{key, v, ""})
		}
	}
	slices.SortFunc(all, func(a, b change) int { return cmp.Compare(a.Key, b.Key) })
	return all, nil
}

// faults is what is wrong with a layer, a sentence each.
func faults(source string) (all []string) {
	for _, wrong := range config.Piece(source, layers.Central) {
		all = append(all, say.Text("settings.fault", words.V{"Line": wrong.Line, "What": wrong.In(lang.FR)}))
	}
	if len(all) > 0 {
		return all
	}
	err := layers.Check(source)
	if err == nil {
		_, err = layers.Merge(layers.Layer{Source: source})
	}
	if err != nil || !utf8.ValidString(source) || strings.ContainsRune(source, 0) {
		all = append(all, say.Say("settings.shape"))
	}
	return all
}

// saveSettings puts a layer in force for what is published from now on.
func (p *Pages) saveSettings(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	v, err := p.settingsOf(r, who)
	if err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil { // longer than any form of ours; nothing of it is here to be shown again
		v.Wrong, v.Text = "settings.long", v.Written.Source
		return p.showSettings(w, r, v, http.StatusRequestEntityTooLarge)
	}
	if !r.PostForm.Has("texte") { // an empty layer is only what somebody has emptied
		return store.ErrUnknown
	}
	v.Text = strings.ReplaceAll(r.PostForm.Get("texte"), "\r\n", "\n")
	if len(v.Text) > maxPiece {
		v.Wrong = "settings.long"
		return p.showSettings(w, r, v, http.StatusRequestEntityTooLarge)
	}
	if v.Faults = faults(v.Text); len(v.Faults) > 0 {
		v.Wrong = "settings.wrong"
		return p.showSettings(w, r, v, http.StatusUnprocessableEntity)
	}
	if r.PostForm.Get("lu") != v.Read() {
		v.Wrong = "settings.meanwhile"
		return p.showSettings(w, r, v, http.StatusConflict)
	}
	what, object := "layer", v.Site.ID
	if v.Scope == rollout.EPCI {
		what, err = "layer-epci", p.Store.WriteEPCILayer(r.Context(), v.Text, who.Name)
	} else {
		err = p.in(r, who, func(ctx context.Context, t *store.Tenant) error {
			return t.WriteLayer(ctx, v.Site.ID, v.Text, who.Name)
		})
	}
	if err != nil {
		return err
	}
	p.Staff.Record(r.Context(), who, what, object)
	return done(w, v.Path, "reglages")
}
