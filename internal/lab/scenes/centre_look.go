package scenes

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"

	"parvis/internal/hub/store"
	"parvis/internal/hublink/wire"
)

// The look of the made commune: the hub has it, and the stage's place wears it from its own file, so that it need not begin anew for it.
const (
	communeMain, communeAccent = "#1d3f8f", "#9c3a6b"
)

// communeLogo is a hill over a river.
func communeLogo() ([]byte, error) {
	m := image.NewNRGBA(image.Rect(0, 0, 240, 120))
	blue, rose := image.NewUniform(color.NRGBA{0x1d, 0x3f, 0x8f, 255}), image.NewUniform(color.NRGBA{0x9c, 0x3a, 0x6b, 255})
	for x := range 240 {
		height := 70 - (x-120)*(x-120)/220
		draw.Draw(m, image.Rect(x, 80-max(height, 0), x+1, 80), rose, image.Point{}, draw.Src)
		draw.Draw(m, image.Rect(x, 88+x/16%2*4, x+1, 112), blue, image.Point{}, draw.Src)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		return nil, fmt.Errorf("scenes: logo: %w", err)
	}
	return b.Bytes(), nil
}

// wears gives the commune its look and its made places something to say of services, and returns the place's own lines of [portal].
func (c *centre) wears(ctx context.Context) (lines string, err error) {
	logo, err := communeLogo()
	if err != nil {
		return "", err
	}
	file := filepath.Join(c.town.Dir, "centre", "logo.png")
	if err := os.WriteFile(file, logo, 0o600); err != nil {
		return "", fmt.Errorf("scenes: logo: %w", err)
	}
	err = c.store.Tenant(ctx, commune, func(t *store.Tenant) error {
		hash, err := t.Attach(ctx, logo)
		if err != nil {
			return err
		}
		if err := t.SetLook(ctx, store.Look{Town: communeName, Main: communeMain, Accent: communeAccent, Logo: hash, By: "démonstration"}); err != nil {
			return err
		}
		for i, m := range c.made[:2] {
			said, err := wire.Catalogue{
				Trials:    []wire.Trial{{Service: "caf", Day: 20261120 + i, OK: i == 0}, {Service: "ameli", Day: 20261120, OK: true}},
				Proposals: []wire.Proposal{{Service: "caf", Host: "images.exemple.fr"}},
			}.Marked()
			if err != nil {
				return err
			}
			if err := t.SayCatalogue(ctx, m.id, said); err != nil {
				return err
			}
		}
		return nil
	})
	return fmt.Sprintf("town = %q\ncolour = %q\naccent = %q\nlogo = %q\n", communeName, communeMain, communeAccent, file), err
}
