package scenes

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"time"

	"parvis/internal/lab/browser"
	"parvis/sessions"
)

var shortCode = regexp.MustCompile(`\b[A-Z]\d-\d\d\b`)

// waits: somebody shows their code at the desk, which opens with one gesture; their page changes by itself. Then their phone
// changes its address, and the code gives them their time back.
func waits(ctx context.Context, s *Stage) (err error) {
	r, err := s.Join(ctx, "attend")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.leaves(r)) }()
	code, err := r.showsCode(ctx)
	if err != nil {
		return err
	}
	if err := s.Screenshot(ctx, r, "jour-attente"); err != nil {
		return err
	}
	// They close the window, look at something else, and open it again.
	if err := r.forgets(ctx, s); err != nil {
		return err
	}
	again, err := r.showsCode(ctx)
	if err != nil || again != code {
		return errors.Join(err, fmt.Errorf("scenes: the code was %s and is %s", code, again))
	}
	if _, err := s.Parvis.Output(ctx, "session", "open", "--for", "1h", r.Guest.Lease().Address.Addr().String()); err != nil {
		return err
	}
	// Nobody touches the page.
	if err := r.Browser.See(ctx, "Internet est ouvert.", "Il vous reste", code); err != nil {
		return err
	}
	if err := errors.Join(s.Screenshot(ctx, r, "jour-ouvert-par-accueil"), r.Online(ctx)); err != nil {
		return err
	}
	return r.takesBack(ctx, s, code)
}

// takesBack: the phone is another device now, and the old one is out.
func (r *Resident) takesBack(ctx context.Context, s *Stage, code string) error {
	lease, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if _, err := r.Guest.Disguise(lease, net.HardwareAddr{0x5a, 0x11, 0x22, 0x33, 0x44, 0x55}); err != nil {
		return err
	}
	// The window that a phone opens by itself remembers nothing.
	if err := errors.Join(r.Offline(ctx), r.forgets(ctx, s)); err != nil {
		return err
	}
	if err := r.Visit(ctx, portalURL+"reprendre", "Vous aviez déjà internet ici ?", "C'est normal."); err != nil {
		return err
	}
	if err := s.Screenshot(ctx, r, "jour-reprendre"); err != nil {
		return err
	}
	if err := r.Browser.Fill(ctx, "code", code); err != nil {
		return err
	}
	if err := r.Press(ctx, "Reprendre ma connexion", "Internet est ouvert.", code); err != nil {
		return err
	}
	return r.Online(ctx)
}

// forgets closes the resident's browser and opens another one.
func (r *Resident) forgets(ctx context.Context, s *Stage) (err error) {
	if err = r.Browser.Close(); err != nil {
		return err
	}
	r.Browser, err = browser.Start(ctx, r.Guest, s.Town.CAFile(), s.Town.Dir)
	return err
}

// showsCode goes to the waiting page and reads the code on it.
func (r *Resident) showsCode(ctx context.Context) (string, error) {
	if err := r.Visit(ctx, cafPage, "Bienvenue"); err != nil {
		return "", err
	}
	if err := r.Press(ctx, "Montrer mon code", "Montrez cet écran à l'accueil."); err != nil {
		return "", err
	}
	text, err := r.Browser.Text(ctx)
	code := shortCode.FindString(text)
	if err == nil && code == "" {
		err = fmt.Errorf("scenes: no code on the page: %s", text)
	}
	return code, err
}

// leaves: the resident's time is ended and they go home.
func (s *Stage) leaves(r *Resident) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	s.residents = slices.DeleteFunc(s.residents, func(o *Resident) bool { return o == r })
	var ended error
	if one, err := s.session(ctx, r); err == nil && one.State == sessions.Open {
		_, ended = s.Parvis.Output(ctx, "session", "end", one.ID)
	}
	return errors.Join(ended, r.Browser.Close(), r.Guest.Close())
}
