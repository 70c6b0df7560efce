//go:build nolab

package main

import (
	"time"

	"parvis/internal/clock"
	"parvis/internal/control"
	"parvis/internal/lang"
)

// labCommand is empty in binaries for routers.
type labCommand struct{}

// setClock refuses: on a router the kernel alone says whether somebody keeps its clock.
func setClock(*clock.Shifted, time.Time) error {
	return control.Refuse(control.Refused, lang.Text{
		EN: "a router's clock is not set by hand; expected a time daemon",
		FR: "l'horloge d'un routeur n'est pas mise à l'heure à la main ; il faut un service de temps",
	})
}
