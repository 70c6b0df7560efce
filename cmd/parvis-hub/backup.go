package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"parvis/internal/durable"
	"parvis/internal/hub/store"
	"parvis/internal/lang"
)

var backupTexts = map[string]lang.Text{
	"help_backup": {
		EN: "Write a copy of the database, read it back, and remove the oldest ones. Run it each night as who may be the tables' owner.",
		FR: "Écrit une copie de la base, la relit, et retire les plus anciennes. À lancer chaque nuit par qui peut être propriétaire des tables.",
	},
	"help_backup_done": {
		EN: "Write down that the town's own backup of the database has just been made, and make none.",
		FR: "Note que la sauvegarde de la ville vient de copier la base, sans en faire une ici.",
	},
}

// backupCmd makes a copy with PostgreSQL's own program: pg_restore(1) reads it, at any later version too.
type backupCmd struct {
	Done bool `help:"${help_backup_done}"`
}

// backupName is that of a copy, by its moment in UTC: their order is that of time. What has another name is nobody's to remove.
const backupName = "parvis-hub-20060102T150405Z.dump"

func (c backupCmd) Run(a *app) error {
	s, err := a.settings()
	if err != nil {
		return err
	}
	h, err := a.open(s)
	if err != nil {
		return err
	}
	defer h.Close()
	now := time.Now().UTC().Truncate(time.Second)
	if c.Done {
		if err := h.AddBackup(a.ctx, store.Backup{At: now}); err != nil {
			return err
		}
		a.printf(lang.Text{EN: "It is written down.", FR: "C'est noté."})
		return nil
	}
	if s.Backup.Directory == "" || s.Database.Owner == "" {
		return fail(exitNotRight, lang.Text{
			EN: "%s: backup.directory or database.owner is missing; expected a directory for the copies, such as /var/backups/parvis-hub, and the owner's connection string. Where the town has a backup of its own, run after it: parvis-hub backup --done",
			FR: "%s : backup.directory ou database.owner manque ; un dossier pour les copies, comme /var/backups/parvis-hub, et la connexion du propriétaire sont attendus. Si la ville a sa propre sauvegarde, lancez après elle : parvis-hub backup --done",
		}, a.cli.Config)
	}
	path := filepath.Join(s.Backup.Directory, now.Format(backupName))
	size, err := dump(a.ctx, s.Database.Owner, path)
	if err != nil {
		return fail(exitRefused, lang.Text{
			EN: "no copy was made: %v; the ones before are all there. Is pg_dump of this PostgreSQL installed, and is there room in %s?",
			FR: "aucune copie n'a été faite : %v ; celles d'avant sont toutes là. Le pg_dump de ce PostgreSQL est-il installé, et y a-t-il de la place dans %s ?",
		}, err, s.Backup.Directory)
	}
	if err := h.AddBackup(a.ctx, store.Backup{At: now, Bytes: size, Checked: true}); err != nil {
		return err
	}
	a.printf(lang.Text{
		EN: "%s: %d bytes, read back to the end. The signing key is not in it: keep %s elsewhere.",
		FR: "%s : %d octets, relus jusqu'au bout. La clé de signature n'y est pas : gardez %s ailleurs.",
	}, path, size, s.SignKey)
	if err := removeOldest(s.Backup.Directory, s.Backup.Keep); err != nil {
		return fail(exitRefused, lang.Text{
			EN: "the copy is there, and the oldest ones were not removed: %v; make room in %s by hand",
			FR: "la copie est là, mais les plus anciennes n'ont pas été retirées : %v ; faites de la place dans %s à la main",
		}, err, s.Backup.Directory)
	}
	return nil
}

// dump writes a copy as pg_dump's custom format and reads it back to its end; only then it has its name. It returns its size in bytes.
func dump(ctx context.Context, connection, path string) (size int64, err error) {
	part := path + ".part"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			os.Remove(part)
		}
	}()
	args, env, err := reached(connection)
	if err == nil {
		err = program(ctx, f, env, "pg_dump", append(args, "--format=custom", "--no-password")...)
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return 0, err
	}
	if err := program(ctx, io.Discard, nil, "pg_restore", "--file=-", part); err != nil {
		return 0, fmt.Errorf("it cannot be read back: %w", err)
	}
	info, err := os.Stat(part)
	if err != nil {
		return 0, err
	}
	if err := os.Rename(part, path); err != nil {
		return 0, err
	}
	return info.Size(), durable.SyncDir(filepath.Dir(path))
}

// program runs one of PostgreSQL's. Its words are part of the error: they name tables and hosts, and no password.
func program(ctx context.Context, out io.Writer, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	var said bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), env...), out, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.Join(strings.Fields(said.String()), " "))
	}
	return nil
}

// passwordIn finds a password in a connection string of keys and values (PostgreSQL 15, §34.1.1.1).
var passwordIn = regexp.MustCompile(`(?i)(^|\s)password\s*=\s*('(?:[^'\\]|\\.)*'|\S*)`)

// reached is how pg_dump is told of a connection: without its password, which is in its environment, where nobody else reads it.
func reached(connection string) (args, env []string, err error) {
	cfg, err := pgx.ParseConfig(connection)
	if err != nil {
		return nil, nil, errors.New("the connection string database.owner cannot be read") // the cause would print it
	}
	bare := passwordIn.ReplaceAllString(connection, "$1")
	if u, err := url.Parse(connection); err == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql") {
		q := u.Query()
		q.Del("password")
		u.RawQuery = q.Encode()
		if u.User != nil {
			u.User = url.User(u.User.Username())
		}
		bare = u.String()
	}
	if cfg.Password != "" {
		env = []string{"PGPASSWORD=" + cfg.Password}
	}
	return []string{"--dbname=" + bare}, env, nil
}

// removeOldest leaves the newest copies of ours in a directory, and whatever else is there; a copy that a power cut has left half written goes
// after a day.
func removeOldest(dir string, keep int) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var ours []string
	for _, f := range files {
		if at, err := time.Parse(backupName+".part", f.Name()); err == nil && time.Since(at) > 24*time.Hour {
			if err := os.Remove(filepath.Join(dir, f.Name())); err != nil {
				return err
			}
		}
		if _, err := time.Parse(backupName, f.Name()); err == nil && f.Type().IsRegular() {
			ours = append(ours, f.Name())
		}
	}
	slices.Sort(ours)
	var failed error
	for _, name := range ours[:max(len(ours)-keep, 0)] {
		failed = errors.Join(failed, os.Remove(filepath.Join(dir, name)))
	}
	return failed
}
