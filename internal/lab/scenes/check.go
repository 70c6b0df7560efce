package scenes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"parvis/internal/lab"
)

const (
	applePage = "http://captive.apple.com/hotspot-detect.html"
	google204 = "http://connectivitycheck.gstatic.com/generate_204"
	portalURL = "http://" + lab.PortalName + "/"
)

// step is one line of a play.
type step struct {
	text string
	run  func(context.Context) error
}

// playSteps runs the steps until one fails, one line each.
func playSteps(ctx context.Context, out io.Writer, steps []step) error {
	for i, st := range steps {
		if err := st.run(ctx); err != nil {
			return fmt.Errorf("échec à l'étape %d : %s\n%w", i+1, st.text, err)
		}
		fmt.Fprintf(out, "ok  %2d  %s\n", i+1, st.text)
	}
	return nil
}

// Check lets a resident get online by itself, step by step, with the real clients and the real browser.
func Check(ctx context.Context, o Options) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	s, err := raise(ctx, o, lab.Site{})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, s.lastWords())
		}
		err = errors.Join(err, s.Close())
	}()
	if err := s.raiseCentre(ctx, o.Binary); err != nil {
		return err
	}
	var r *Resident
	return playSteps(ctx, o.Out, []step{
		{"le routeur démarre et dit que tout est en place", s.Start},
		{"un téléphone rejoint le Wi-Fi ; avec son adresse il apprend où est le portail (option 114)", func(ctx context.Context) error {
			if r, err = s.Join(ctx, "telephone"); err != nil {
				return err
			}
			if got, want := r.Guest.Lease().CaptiveURI, "https://"+lab.PortalName+"/api/captive"; got != want {
				return fmt.Errorf("option 114 : %q, attendu %q", got, want)
			}
			return nil
		}},
		{"rien ne passe : ni IPv4, ni IPv6, ni vers les réseaux de la commune", func(ctx context.Context) error {
			return r.Offline(ctx)
		}},
		{"le téléphone cherche internet : il est mené au portail (302)", func(ctx context.Context) error {
			for _, url := range []string{applePage, google204} {
				if err := r.expectProbe(ctx, url, http.StatusFound, portalURL); err != nil {
					return err
				}
			}
			return nil
		}},
		{"l'API dit au téléphone qu'il n'est pas encore en ligne (captive : true)", func(ctx context.Context) error {
			a, err := r.api(ctx)
			if err == nil && (!a.Captive || a.SecondsRemaining != nil) {
				err = fmt.Errorf("l'API répond %+v", a)
			}
			return err
		}},
		{"la page d'accueil s'affiche", func(ctx context.Context) error {
			if err := r.Visit(ctx, applePage, "Bienvenue", "Ici, internet est gratuit.", "Appuyez sur le bouton."); err != nil {
				return err
			}
			return s.Screenshot(ctx, r, "1-accueil")
		}},
		{"« Aller sur internet » : internet est ouvert", func(ctx context.Context) error {
			if err := r.Press(ctx, "Aller sur internet", "Internet est ouvert.", "Il vous reste"); err != nil {
				return err
			}
			return s.Screenshot(ctx, r, "2-ouvert")
		}},
		{"le téléphone voit qu'il est en ligne", func(ctx context.Context) error {
			return errors.Join(
				r.expectProbe(ctx, applePage, http.StatusOK, ""),
				r.expectProbe(ctx, google204, http.StatusNoContent, ""),
			)
		}},
		{"le site d'un service public s'affiche, chiffré aussi", func(ctx context.Context) error {
			for _, scheme := range []string{"http", "https"} {
				if err := r.Visit(ctx, scheme+"://"+lab.ServicePublic+"/", "Le service public", "Vos papiers, vos droits, vos démarches."); err != nil {
					return err
				}
			}
			return s.Screenshot(ctx, r, "3-service-public")
		}},
		{"l'API dit qu'il est en ligne, et pour combien de temps", func(ctx context.Context) error {
			a, err := r.api(ctx)
			if err == nil && (a.Captive || a.SecondsRemaining == nil || *a.SecondsRemaining < 3500 || *a.SecondsRemaining > 3600) {
				err = fmt.Errorf("l'API répond %+v", a)
			}
			return err
		}},
		{"« Ma connexion » montre le temps qui reste", func(ctx context.Context) error {
			if err := r.Visit(ctx, portalURL, "Ma connexion", "Il vous reste"); err != nil {
				return err
			}
			return s.Screenshot(ctx, r, "4-ma-connexion")
		}},
		{"« Arrêter internet » : plus rien ne passe", func(ctx context.Context) error {
			if err := r.Press(ctx, "Arrêter internet", "Vous avez arrêté internet."); err != nil {
				return err
			}
			return r.Offline(ctx)
		}},
		{"le lieu s'inscrit au centre de la ville par un code, et le centre l'entend", func(ctx context.Context) error {
			if err := s.enrol(ctx); err != nil {
				return err
			}
			c, err := s.heard(ctx)
			if err == nil && c.Now.Place != "open" {
				err = fmt.Errorf("le centre entend un lieu %q, attendu \"open\"", c.Now.Place)
			}
			return err
		}},
	})
}

func (r *Resident) expectProbe(ctx context.Context, url string, status int, location string) error {
	got, loc, err := r.probe(ctx, url)
	if err == nil && (got != status || loc != location) {
		err = fmt.Errorf("%s : %d %s, attendu %d %s", url, got, loc, status, location)
	}
	return err
}

// captive is what a device reads of the captive portal API (RFC 8908, section 5).
type captive struct {
	Captive          bool   `json:"captive"`
	UserPortalURL    string `json:"user-portal-url"`
	SecondsRemaining *int64 `json:"seconds-remaining"`
}

func (a captive) String() string {
	left := "sans durée"
	if a.SecondsRemaining != nil {
		left = fmt.Sprintf("%d s", *a.SecondsRemaining)
	}
	return fmt.Sprintf("captive=%t, %s, %s", a.Captive, a.UserPortalURL, left)
}

// api asks the API that DHCP announced, as a phone does.
func (r *Resident) api(ctx context.Context) (a captive, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.Guest.Lease().CaptiveURI, nil)
	if err != nil {
		return a, err
	}
	req.Header.Set("Accept", "application/captive+json")
	resp, err := r.Guest.Client().Do(req)
	if err != nil {
		return a, fmt.Errorf("scenes: ask the API: %w", err)
	}
	defer resp.Body.Close()
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || !strings.HasPrefix(kind, "application/captive+json") {
		return a, fmt.Errorf("scenes: ask the API: %s, %s", resp.Status, kind)
	}
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		return a, fmt.Errorf("scenes: read the API: %w", err)
	}
	return a, nil
}
