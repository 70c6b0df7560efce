package segment

import (
	"crypto/ed25519"
	"crypto/hpke"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"parvis/internal/durable"
)

// File is what a segment is written to. Write is whole or an error; Sync is fdatasync(2).
type File interface {
	io.Writer
	Sync() error
	Close() error
}

// Opening says how a segment begins.
type Opening struct {
	Site   string
	Store  string
	KeyID  string
	Public hpke.PublicKey
	Device ed25519.PrivateKey
	First  int64
	Before *Sum // of the segment before; nil: this is the store's first
	Now    Moment
	Boot   uint32
}

// Moment is a moment by both clocks.
type Moment struct {
	At   time.Time
	Sure bool          // a time daemon holds the civil clock
	Up   time.Duration // since the machine started
}

// Writer writes one segment. It is for one goroutine. After an error it takes nothing more: what is on the disk is known only up to
// the last entry that was written, and another segment goes on from there.
type Writer struct {
	file    File
	device  ed25519.PrivateKey
	sender  *hpke.Sender
	key     []byte // of the next code
	sum     Sum
	first   int64
	entries int64
	size    int64
	failed  error
}

// Create makes a segment's file in dir and begins it. It fails when there is one already.
func Create(dir string, o Opening) (*Writer, error) {
	path := filepath.Join(dir, Name(o.Store, o.First))
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("segment: begin: %w", err)
	}
	w, err := Begin(f, o)
	if err == nil {
		if err = durable.SyncDir(dir); err != nil {
			err = fmt.Errorf("segment: begin %s: %w", path, err)
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return w, nil
}

// Begin writes a segment's header and the sealed beginning of its codes, durably.
func Begin(f File, o Opening) (*Writer, error) {
	if !storeName.MatchString(o.Store) || o.First < 1 || o.Public.KEM().ID() != KEM().ID() {
		return nil, fmt.Errorf("segment: begin: store %q, first entry %d, key of %#x", o.Store, o.First, o.Public.KEM().ID())
	}
	_, kdf, aead := suite()
	enc, sender, err := hpke.NewSender(o.Public, kdf, aead, []byte(sealInfo))
	if err != nil {
		return nil, fmt.Errorf("segment: begin: %w", err)
	}
	h := Header{
		Site: o.Site, Store: o.Store, Key: o.KeyID, Device: o.Device.Public().(ed25519.PublicKey), First: o.First,
		Began: o.Now.At.UTC(), Sure: o.Now.Sure, Boot: o.Boot, Up: o.Now.Up.Milliseconds(), Enc: enc,
	}
	if o.Before != nil {
		h.Before = o.Before[:]
	}
	body, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("segment: begin: %w", err)
	}
	w := &Writer{file: f, device: o.Device, sender: sender, first: o.First, sum: start(), key: make([]byte, secretSize)}
	rand.Read(w.key) // never fails since Go 1.24
	if _, err := f.Write([]byte(magic)); err != nil {
		return nil, fmt.Errorf("segment: begin: %w", err)
	}
	w.size = int64(len(magic))
	if err := w.put(frame(kindHeader, body)); err != nil {
		return nil, err
	}
	if err := w.seal(kindSecret, w.key, false); err != nil {
		return nil, err
	}
	return w, w.sync()
}

// seal writes a sealed frame. A secret has no code: its key is what is in it.
func (w *Writer) seal(kind byte, plain []byte, coded bool) error {
	sealed, err := w.sender.Seal(w.sum[:], plain)
	if err != nil {
		return w.fail(err)
	}
	if !coded {
		return w.put(frame(kind, sealed))
	}
	return w.code(kind, sealed)
}

// code writes a frame with its code, and turns the key.
func (w *Writer) code(kind byte, body []byte) error {
	f := frame(kind, append(body, make([]byte, codeSize)...))
	at := len(f) - codeSize
	copy(f[at:], code(w.key, w.sum, f[:at]))
	old := w.key
	w.key = turn(old)
	clear(old)
	return w.put(f)
}

func (w *Writer) put(f []byte) error {
	if w.failed != nil {
		return w.failed
	}
	w.sum = next(w.sum, f)
	n, err := w.file.Write(append(f, w.sum[:]...))
	w.size += int64(n)
	if err != nil {
		return w.fail(err)
	}
	return nil
}

func (w *Writer) sync() error {
	if err := w.file.Sync(); err != nil {
		return w.fail(err)
	}
	return nil
}

// fail makes the writer useless: after a failed write or fsync nobody knows what the disk has.
func (w *Writer) fail(err error) error {
	if w.failed == nil {
		w.failed = fmt.Errorf("segment: write: %w", err)
	}
	return w.failed
}

// Append seals and writes a record, and returns its number once it is durable.
func (w *Writer) Append(record []byte) (int64, error) {
	if err := w.seal(kindRecord, record, true); err != nil {
		return 0, err
	}
	return w.entered()
}

// Tell writes a gap, and returns its number once it is durable.
func (w *Writer) Tell(g Gap) (int64, error) {
	g.From, g.To = g.From.UTC(), g.To.UTC()
	body, err := json.Marshal(g)
	if err != nil {
		return 0, w.fail(err)
	}
	if err := w.code(kindGap, body); err != nil {
		return 0, err
	}
	return w.entered()
}

func (w *Writer) entered() (int64, error) {
	if err := w.sync(); err != nil {
		return 0, err
	}
	w.entries++
	return w.first + w.entries - 1, nil
}

// Sum is the chain's last link: what a checkpoint outside remembers.
func (w *Writer) Sum() Sum { return w.sum }

// Next is the number that the next entry will have.
func (w *Writer) Next() int64 { return w.first + w.entries }

// Size is how many bytes the file has.
func (w *Writer) Size() int64 { return w.size }

// Close ends the segment in order: signs, writes, closes. A writer that has failed only closes its file.
func (w *Writer) Close(now Moment) error {
	if w.failed == nil {
		end := End{Entries: w.entries, At: now.At.UTC(), Sure: now.Sure, Up: now.Up.Milliseconds(), Signature: ed25519.Sign(w.device, append([]byte(signedPrefix), w.sum[:]...))}
		body, err := json.Marshal(end)
		if err != nil {
			return w.fail(err)
		}
		if w.code(kindEnd, body) == nil {
			w.sync()
		}
	}
	clear(w.key)
	err := errors.Join(w.failed, w.file.Close())
	w.fail(os.ErrClosed)
	return err
}
