package main

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"

	"parvis/internal/config"
	"parvis/internal/config/layers"
	"parvis/internal/durable"
	"parvis/internal/hublink/bundle"
	"parvis/internal/look"
	"parvis/kiosk/catalogue"
)

// publishedDir is in the state directory: the files of what the hub has published, while that is in force.
const publishedDir = "published"

// published is the directory with the services that the hub has published; "" none.
func (a *app) published() string {
	dir := filepath.Join(a.cli.State, publishedDir)
	if _, err := os.Stat(filepath.Join(dir, catalogue.PublishedFile)); err != nil {
		return ""
	}
	return dir
}

// forgetPublished takes away what people and other programs read of a configuration that is no longer in force.
func (a *app) forgetPublished(log *slog.Logger) {
	for _, name := range []string{inForce, publishedDir} {
		if err := os.RemoveAll(filepath.Join(a.cli.State, name)); err != nil {
			log.Warn("what was in force before is still written down", "error", err)
		}
	}
}

// over lays what the hub has published over the site's own file; source is both as people read them. The error is of what was published.
func (a *app) over(p bundle.Payload) (cfg *config.Config, source string, err error) {
	beside, err := a.beside(p)
	if err != nil {
		return nil, "", err
	}
	piece := p.Config
	own, err := os.ReadFile(a.cli.Config)
	if err != nil {
		return nil, "", err
	}
	if err := layers.Check(piece); err != nil {
		return nil, "", err
	}
	m, err := layers.Merge(layers.Layer{Origin: "site", Source: string(own)}, layers.Layer{Origin: "hub", Source: piece}, layers.Layer{Origin: "hub", Source: beside})
	if err != nil {
		return nil, "", err
	}
	source = "# Written by Parvis: " + a.cli.Config + " with what the hub has published. Changes here are lost.\n\n" + m.Source
	cfg, problems := config.Parse(filepath.Join(a.cli.State, inForce), []byte(source))
	if config.HasErrors(problems) {
		all := make([]error, 0, len(problems))
		for _, p := range problems {
			if p.Severity == config.Error {
				all = append(all, errors.New(p.In(a.lang)))
			}
		}
		return nil, "", errors.Join(all...)
	}
	if p.Catalogue != "" && gated(cfg) {
		if wrong := a.catalogueProblems(cfg); len(wrong) > 0 {
			return nil, "", errors.New(wrong[0].In(a.lang))
		}
	}
	return cfg, source, nil
}

// beside writes the files that go with a piece of a configuration, in the place of those before, and returns the piece that names them.
func (a *app) beside(p bundle.Payload) (piece string, err error) {
	dir := filepath.Join(a.cli.State, publishedDir)
	if err := os.RemoveAll(dir); err != nil || len(p.Logo) == 0 && p.Catalogue == "" {
		return "", err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	if len(p.Logo) > 0 {
		if _, err := look.Open(p.Logo); err != nil {
			return "", err
		}
		file := filepath.Join(dir, "logo")
		if err := durable.Write(file, p.Logo); err != nil {
			return "", err
		}
		piece = "[portal]\nlogo = " + strconv.Quote(file) + "\n"
	}
	if p.Catalogue != "" {
		if _, wrong := catalogue.Judge(catalogue.Files(), p.Catalogue); len(wrong) > 0 {
			return "", errors.New(wrong[0].In(a.lang))
		}
		if err := durable.Write(filepath.Join(dir, catalogue.PublishedFile), []byte(p.Catalogue)); err != nil {
			return "", err
		}
	}
	return piece, nil
}
