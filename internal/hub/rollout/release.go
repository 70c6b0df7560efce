package rollout

import (
	"context"
	"crypto/ed25519"
	"errors"
	"slices"
	"strconv"

	"parvis/internal/hub/store"
	"parvis/internal/hublink/bundle"
	"parvis/internal/hublink/wire"
)

// ErrRelease: there is no such release, or it was withdrawn.
var ErrRelease = errors.New("rollout: the hub has no such release")

// Why a site is left out of an upgrade.
const (
	Same   = "same"   // it runs that version already
	Unread = "unread" // it does not say for which architecture: its Parvis is older than upgrades by the hub, or was never heard
	NoFile = "file"   // the release has no file for its architecture
	Apart  = "apart"  // it was enrolled since
)

// Left is a site that an upgrade leaves out.
type Left struct {
	store.Site
	Why string
}

// Candidates are the sites that an upgrade to a release would tell, and those that it would leave out. A site without a box is neither.
func Candidates(sites []store.Site, r store.Release) (offers []store.Offer, left []Left) {
	for _, s := range sites {
		switch {
		case s.Enrolled.IsZero():
		case s.Version == r.Version:
			left = append(left, Left{s, Same})
		case s.Contact == nil || s.Contact.Now.Arch == "":
			left = append(left, Left{s, Unread})
		case r.Files[s.Contact.Now.Arch].SHA256 == "":
			left = append(left, Left{s, NoFile})
		default:
			offers = append(offers, store.Offer{Site: s.ID, Was: s.Version})
		}
	}
	return offers, left
}

// Upgrade begins to bring a release to every site that can run it and does not. force: also while places are open. ErrRelease; ErrNothing.
func Upgrade(ctx context.Context, t *store.Tenant, by, version string, force bool) (p store.Publication, err error) {
	r, err := Release(ctx, t, version)
	if err != nil {
		return p, err
	}
	sites, err := t.Sites(ctx)
	if err != nil {
		return p, err
	}
	offers, _ := Candidates(sites, r)
	if len(offers) == 0 {
		return p, ErrNothing
	}
	return t.Publish(ctx, store.Publication{By: by, Release: version, Force: force}, offers)
}

// Release is one that can be brought to sites. ErrRelease.
func Release(ctx context.Context, t *store.Tenant, version string) (store.Release, error) {
	all, err := t.Releases(ctx)
	if err != nil {
		return store.Release{}, err
	}
	i := slices.IndexFunc(all, func(r store.Release) bool { return r.Version == version })
	if i < 0 || !all[i].Withdrawn.IsZero() {
		return store.Release{}, ErrRelease
	}
	return all[i], nil
}

// Earlier is the version that most sites of an upgrade ran before it; "" nobody knows.
func Earlier(offers []store.Offer) (version string) {
	n := map[string]int{}
	for _, o := range offers {
		if n[o.Was]++; o.Was != "" && n[o.Was] > n[version] {
			version = o.Was
		}
	}
	return version
}

// ReleaseBundle is the release that a site should run, signed; the number of what wants it, as a decimal number, serves as an ETag. ErrUnknown of the
// store: none.
func ReleaseBundle(ctx context.Context, t *store.Tenant, site string, key ed25519.PrivateKey) (b []byte, version string, err error) {
	o, p, err := t.Wanted(ctx, site)
	if err != nil {
		return nil, "", err
	}
	r, err := Release(ctx, t, p.Release)
	if err != nil {
		return nil, "", err
	}
	b, err = bundle.Releases.Sign(key, bundle.Payload{
		Site: site, Version: o.Version, Made: o.Told.Unix(), Release: &wire.Release{Version: p.Release, Force: p.Force, Files: r.Files},
	})
	return b, strconv.FormatInt(o.Version, 10), err
}
