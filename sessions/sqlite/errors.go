package sqlite

import (
	"errors"
	"fmt"

	sqlite3 "github.com/mattn/go-sqlite3"
	"golang.org/x/sys/unix"

	"parvis/internal/lang"
)

// What a database can have against being used. On none of them is anything deleted or overwritten.
var (
	ErrCorrupt  = errors.New("sqlite: the database is damaged")
	ErrReadOnly = errors.New("sqlite: the database cannot be written")
	ErrNewer    = errors.New("sqlite: the database is of a newer Parvis")
	ErrFull     = errors.New("sqlite: the disk is full")
	ErrKey      = errors.New("sqlite: the database is sealed by another key")
)

// Error says what is wrong with which file, what was expected and what to do. It wraps one of the sentinels and, where
// there is one, the cause.
type Error struct {
	Kind  error
	Path  string
	Cause error // may be nil
	text  lang.Text
	args  []any
}

// Error implements error, in English.
func (e *Error) Error() string { return "sqlite: " + e.In(lang.EN) }

// In says it in the operator's language.
func (e *Error) In(l lang.Lang) string { return e.text.In(l, e.args...) }

// Unwrap makes errors.Is find the sentinel and the cause.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Cause}
}

var (
	corruptText = lang.Text{
		EN: "%s: the database is damaged (%v); expected a sound database of Parvis; set it aside, Parvis then begins an empty one and people press the button again: %s",
		FR: "%s : la base est abîmée (%v) ; une base de Parvis intacte est attendue ; mettez-la de côté, Parvis en commence une vide et les gens appuient à nouveau sur le bouton : %s",
	}
	readOnlyText = lang.Text{
		EN: "%s: the database cannot be written (%v); expected a file and a folder that this user may write, on a disk that is not mounted read-only; see: findmnt -T %s; ls -ld %s %s",
		FR: "%s : impossible d'écrire dans la base (%v) ; le fichier et son dossier doivent être modifiables, sur un disque qui n'est pas monté en lecture seule ; voir : findmnt -T %s ; ls -ld %s %s",
	}
	newerText = lang.Text{
		EN: "%s: the database is of version %d; expected version %d or older, which this Parvis knows; install the newer Parvis again, or set the database aside and begin an empty one: %s",
		FR: "%s : la base est en version %d ; ce Parvis connaît la version %d et les précédentes ; réinstallez le Parvis plus récent, ou mettez la base de côté pour en commencer une vide : %s",
	}
	fullText = lang.Text{
		EN: "%s: the disk is full (%v); expected some free space; make room, writing then goes on by itself; see: df -h %s",
		FR: "%s : le disque est plein (%v) ; il faut de la place libre ; libérez-en, l'écriture reprend alors d'elle-même ; voir : df -h %s",
	}
	keyText = lang.Text{
		EN: "%s: the database is sealed by another key; expected the site.key that it was written with; put back your copy of site.key, or set the database aside and begin an empty one: %s",
		FR: "%s : la base est scellée par une autre clé ; le site.key qui a servi à l'écrire est attendu ; remettez votre copie de site.key, ou mettez la base de côté pour en commencer une vide : %s",
	}
)

func (s *Store) corrupt(cause error) error {
	return s.fail(ErrCorrupt, cause, corruptText, s.path, cause, s.aside())
}

func (s *Store) readOnly(cause error) error {
	return s.fail(ErrReadOnly, cause, readOnlyText, s.path, cause, s.dir, s.dir, s.path)
}

func (s *Store) newer(version, known int) error {
	return s.fail(ErrNewer, nil, newerText, s.path, version, known, s.aside())
}

func (s *Store) full(cause error) error {
	return s.fail(ErrFull, cause, fullText, s.path, cause, s.dir)
}

func (s *Store) otherKey() error { return s.fail(ErrKey, nil, keyText, s.path, s.aside()) }

func (s *Store) fail(kind, cause error, text lang.Text, args ...any) error {
	return &Error{Kind: kind, Path: s.path, Cause: cause, text: text, args: args}
}

// aside is the command that sets the database aside. The write-ahead log goes with it: beside another database it would
// be wrong.
func (s *Store) aside() string {
	return fmt.Sprintf("mv %[1]s %[1]s.corrupt-%[2]s; mv %[1]s-wal %[1]s.corrupt-%[2]s-wal", s.path, s.bootID)
}

// explain turns what SQLite says into one of our errors (https://www.sqlite.org/rescode.html); doing is what was
// being done, for what we have no better words for.
func (s *Store) explain(doing string, err error) error {
	var known *Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	var e sqlite3.Error
	if errors.As(err, &e) {
		switch {
		case e.Code == sqlite3.ErrFull, e.SystemErrno == unix.ENOSPC, e.SystemErrno == unix.EDQUOT:
			return s.full(err)
		case e.Code == sqlite3.ErrReadonly, e.SystemErrno == unix.EROFS:
			return s.readOnly(err)
		case e.Code == sqlite3.ErrCorrupt, e.Code == sqlite3.ErrNotADB, e.ExtendedCode == sqlite3.ErrIoErrShortRead:
			return s.corrupt(err)
		}
	}
	return fmt.Errorf("sqlite: %s %s: %w", doing, s.path, err)
}
