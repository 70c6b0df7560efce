package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"parvis/internal/clock"
	"parvis/internal/hub/store"
	"parvis/internal/lang"
)

const answerWithin = 10 * time.Second // of the database, when a verb begins

// open connects as the program, and says in words why this database is not for it.
func (a *app) open(s settings) (*store.Hub, error) {
	h, err := store.Open(a.ctx, s.Database.Program)
	if err != nil {
		return nil, fail(exitNotRight, lang.Text{EN: "%s: database.program: %v", FR: "%s : database.program : %v"}, a.cli.Config, err)
	}
	ctx, cancel := context.WithTimeout(a.ctx, answerWithin)
	defer cancel()
	if err = h.Ping(ctx); err != nil {
		err = fail(exitNoDatabase, lang.Text{
			EN: "the database does not answer as database.program of %s says (%v); is PostgreSQL there, and does pg_hba.conf let this account in?",
			FR: "la base ne répond pas comme le dit database.program de %s (%v) ; PostgreSQL est-il là, et pg_hba.conf laisse-t-il entrer ce compte ?",
		}, a.cli.Config, err)
	} else {
		err = unfit(h.Fit(ctx))
	}
	if err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}

func unfit(err error) error {
	switch {
	case errors.Is(err, store.ErrOld):
		return fail(exitNotRight, lang.Text{
			EN: "the database's PostgreSQL is older than 15; expected Debian 12's or newer",
			FR: "le PostgreSQL de la base est antérieur à la version 15 ; celui de Debian 12 ou un plus récent est attendu",
		})
	case errors.Is(err, store.ErrRole):
		return fail(exitNotRight, lang.Text{
			EN: "database.program connects as a role that sees every commune; expected parvis_hub, which owns no table and is no superuser. Give the owner's role to database.owner alone",
			FR: "database.program se connecte avec un rôle qui voit toutes les communes ; parvis_hub, qui ne possède aucune table et n'est pas administrateur, est attendu. Donnez le rôle propriétaire à database.owner seulement",
		})
	case errors.Is(err, store.ErrSchema):
		return fail(exitNotRight, lang.Text{
			EN: "the database is not this version's (%v); run: parvis-hub migrate",
			FR: "la base n'est pas au niveau de cette version (%v) ; lancez : parvis-hub migrate",
		}, err)
	}
	return err
}

type migrateCmd struct{}

func (migrateCmd) Run(a *app) error {
	s, err := a.settings()
	if err != nil {
		return err
	}
	if s.Database.Owner == "" {
		return fail(exitNotRight, lang.Text{
			EN: `%s: database.owner is missing; expected a connection string for the role that owns the tables, such as "host=/run/postgresql user=parvis_owner dbname=parvis_hub"`,
			FR: `%s : database.owner manque ; une chaîne de connexion pour le rôle propriétaire des tables est attendue, comme "host=/run/postgresql user=parvis_owner dbname=parvis_hub"`,
		}, a.cli.Config)
	}
	if err := store.Migrate(a.ctx, s.Database.Owner); err != nil {
		return fail(exitRefused, lang.Text{
			EN: "the database was not brought to this version (%v); nothing of a migration that failed is kept. Are the roles parvis_owner and parvis_hub there, and does pg_hba.conf let this account be the first?",
			FR: "la base n'a pas été mise au niveau de cette version (%v) ; rien d'une migration échouée n'est gardé. Les rôles parvis_owner et parvis_hub existent-ils, et pg_hba.conf laisse-t-il ce compte être le premier ?",
		}, err)
	}
	made, err := makeSignKey(s.SignKey)
	if err != nil {
		return fail(exitRefused, lang.Text{EN: "%s was not made: %v", FR: "%s n'a pas été créé : %v"}, s.SignKey, err)
	}
	if made {
		a.printf(lang.Text{
			EN: "%s is made: sites trust what it has signed. Copy it to your backup, and to every hub of this database.",
			FR: "%s est créé : les lieux font confiance à ce qu'il signe. Copiez-le dans votre sauvegarde, et sur chaque centre de cette base.",
		}, s.SignKey)
	}
	a.printf(lang.Text{EN: "The database is this version's. Next: parvis-hub check", FR: "La base est au niveau de cette version. Ensuite : parvis-hub check"})
	return nil
}

type checkCmd struct{}

func (checkCmd) Run(a *app) error {
	s, err := a.settings()
	if err != nil {
		return err
	}
	h, err := a.open(s)
	if err != nil {
		return err
	}
	defer h.Close()
	if _, err := readSignKey(s.SignKey); err != nil {
		return err
	}
	if _, err := s.loadCertificate(); err != nil {
		return err
	}
	system, err := clock.NewSystem()
	if err != nil {
		return err
	}
	quiet := slog.New(slog.DiscardHandler)
	if _, _, err := s.outlets(h, system, quiet); err != nil {
		return err
	}
	if _, err := s.authority(quiet); err != nil {
		return err
	}
	a.printf(lang.Text{EN: "Nothing to correct. Next: parvis-hub serve", FR: "Rien à corriger. Ensuite : parvis-hub serve"})
	return nil
}
