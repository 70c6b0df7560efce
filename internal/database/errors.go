package database

import (
	"errors"
	"fmt"

	sqlite3 "github.com/mattn/go-sqlite3"
	"golang.org/x/sys/unix"

	"parvis/internal/lang"
)

// What a database can have against being used. On none of them is anything deleted or overwritten.
var (
	ErrCorrupt  = errors.New("database: the database is damaged")
	ErrReadOnly = errors.New("database: the database cannot be written")
	ErrNewer    = errors.New("database: the database is of a newer Parvis")
	ErrFull     = errors.New("database: the disk is full")
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
func (e *Error) Error() string { return "database: " + e.In(lang.EN) }

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
		EN: "%s: the database is damaged (%v); expected a sound database of Parvis; set it aside, Parvis then begins an empty one and %s: %s",
		FR: "%s : la base est abîmée (%v) ; une base de Parvis intacte est attendue ; mettez-la de côté, Parvis en commence une vide et %s : %s",
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
)

// Corrupt says that the file is damaged.
func (d *DB) Corrupt(cause error) error {
	return d.Fail(ErrCorrupt, cause, corruptText, d.o.Path, cause, d.o.Loss, d.Aside())
}

func (d *DB) readOnly(cause error) error {
	return d.Fail(ErrReadOnly, cause, readOnlyText, d.o.Path, cause, d.dir, d.dir, d.o.Path)
}

func (d *DB) newer(version, known int) error {
	return d.Fail(ErrNewer, nil, newerText, d.o.Path, version, known, d.Aside())
}

func (d *DB) full(cause error) error {
	return d.Fail(ErrFull, cause, fullText, d.o.Path, cause, d.dir)
}

// Fail says in both languages what an owner has against the file; kind is a sentinel, cause may be nil.
func (d *DB) Fail(kind, cause error, text lang.Text, args ...any) error {
	return &Error{Kind: kind, Path: d.o.Path, Cause: cause, text: text, args: args}
}

// Path is where the file is.
func (d *DB) Path() string { return d.o.Path }

// Aside is the command that sets the database aside. The write-ahead log goes with it: beside another database it would
// be wrong.
func (d *DB) Aside() string {
	return fmt.Sprintf("mv %[1]s %[1]s.corrupt-%[2]s; mv %[1]s-wal %[1]s.corrupt-%[2]s-wal", d.o.Path, d.o.BootID)
}

// Explain turns what SQLite says into one of our errors (https://www.sqlite.org/rescode.html); doing is what was
// being done, for what we have no better words for.
func (d *DB) Explain(doing string, err error) error {
	var known *Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	var e sqlite3.Error
	if errors.As(err, &e) {
		switch {
		case e.Code == sqlite3.ErrFull, e.SystemErrno == unix.ENOSPC, e.SystemErrno == unix.EDQUOT:
			return d.full(err)
		case e.Code == sqlite3.ErrReadonly, e.SystemErrno == unix.EROFS:
			return d.readOnly(err)
		case e.Code == sqlite3.ErrCorrupt, e.Code == sqlite3.ErrNotADB, e.ExtendedCode == sqlite3.ErrIoErrShortRead:
			return d.Corrupt(err)
		}
	}
	return fmt.Errorf("database: %s %s: %w", doing, d.o.Path, err)
}
