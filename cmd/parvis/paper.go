package main

import (
	"errors"
	"fmt"

	"parvis/internal/config"
	"parvis/internal/lang"
	"parvis/portal/paper"
)

// printTexts are the help texts of what is printed.
var printTexts = map[string]lang.Text{
	"help_site_page": {
		EN: "Print the page for the town's web site: who opens a ticket's address outside reads to join the Wi-Fi first.",
		FR: "Écrit la page pour le site de la ville : qui ouvre l'adresse d'un ticket dehors y lit d'entrer d'abord dans le Wi-Fi.",
	},
}

var noSSIDText = lang.Text{
	EN: "guests.ssid is not set; expected the Wi-Fi's name, which the page shows; write it in %s",
	FR: "guests.ssid n'est pas réglé ; il faut le nom du Wi-Fi, que la page montre ; écrivez-le dans %s",
}

// sitePageCmd needs no daemon: the page holds nothing that changes by itself.
type sitePageCmd struct{}

func (sitePageCmd) Run(a *app) error {
	cfg, err := a.loadConfig()
	if err != nil {
		return err
	}
	err = paperPlace(cfg, "").OutsideHTML(a.out)
	if errors.Is(err, paper.ErrNoWiFi) {
		return fail(exitNotRight, noSSIDText, a.cli.Config)
	}
	return err
}

// paperPlace is what papers say of the place.
func paperPlace(cfg *config.Config, passphrase string) paper.Place {
	return paper.Place{
		Name: cfg.Site.Name, Desk: cfg.Site.Desk, Portal: cfg.Portal.Name,
		WiFi: paper.WiFi{Name: cfg.Guests.SSID, Passphrase: passphrase}, ByDesk: cfg.Portal.Open == config.ByDesk,
	}
}

// printed reads the Wi-Fi's password anew for each paper: one that was changed is on the next.
func printed(cfg *config.Config) func() (paper.Place, error) {
	return func() (paper.Place, error) {
		passphrase, err := cfg.Guests.Passphrase()
		if err != nil {
			return paper.Place{}, fmt.Errorf("parvis: make a paper: %w", err)
		}
		return paperPlace(cfg, passphrase), nil
	}
}
