// Package carry takes what happens while a new version is on trial over to the version before it, where the new one does not work: that
// one's database is put back as it was, and whoever has opened, ended or redeemed something meanwhile must not lose it, nor have it twice.
//
// The daemon on trial writes every change that it makes durable into a list beside its database, in words that do not depend on the
// database's form (docs/adr/0022-upgrade.md). Replay makes the same changes in the old database. What stands in the kernel and in no row,
// because the new version did not come so far, is adopted: Adopt.
package carry

import (
	"bufio"
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync"

	"parvis/sessions"
)

// Max is the most bytes of a list; a trial is short. What would be more is not taken up.
const Max = 8 << 20

// bound says what was sealed: nothing else that is under the site's key is taken for a line of a list.
const bound = "parvis sessions: meanwhile 1"

// sealing keeps the addresses in a list unreadable, as those in the database are (docs/adr/0004-store.md).
func sealing(key [32]byte) (cipher.AEAD, error) {
	k, err := hkdf.Key(sha256.New, key[:], nil, bound, 32)
	if err != nil {
		return nil, fmt.Errorf("carry: derive key: %w", err)
	}
	block, err := aes.NewCipher(k)
	if err != nil {
		return nil, fmt.Errorf("carry: derive key: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// List is a store whose changes are listed too while trying says so. Once it does not, they never are again.
type List struct {
	sessions.Store
	path   string
	seal   cipher.AEAD
	trying func() bool
	log    *slog.Logger

	mu   sync.Mutex
	on   bool
	size int64
}

// Over returns the store with a list at path.
func Over(store sessions.Store, path string, key [32]byte, trying func() bool, log *slog.Logger) (*List, error) {
	seal, err := sealing(key)
	if err != nil {
		return nil, err
	}
	return &List{Store: store, path: path, seal: seal, trying: trying, log: log}, nil
}

// Begin is called once sessions go on: what a version makes of what it finds at its start is its own, and what people do from now on counts.
func (l *List) Begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.on = l.trying()
	if info, err := os.Stat(l.path); err == nil {
		l.size = info.Size()
	}
}

// Save implements sessions.Store. A list that cannot be written keeps nothing from being saved.
func (l *List) Save(ctx context.Context, c sessions.Change) error {
	if err := l.Store.Save(ctx, c); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.on {
		return nil
	}
	if l.on = l.trying(); !l.on {
		return nil
	}
	if err := l.append(c); err != nil {
		l.log.Warn("what happens during the trial is not all listed", "error", err)
	}
	return nil
}

func (l *List) append(c sessions.Change) (err error) {
	plain, err := json.Marshal(c)
	if err != nil {
		return err
	}
	line := base64.StdEncoding.AppendEncode(nil, l.seal.Seal(nil, nil, plain, []byte(bound)))
	line = append(line, '\n')
	if l.size+int64(len(line)) > Max {
		return fmt.Errorf("the list is full: %d bytes", l.size)
	}
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	n, err := f.Write(line)
	l.size += int64(n)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// Replay makes the changes of the list at path in a store that is as the trial has found it, and returns how many it made. What cannot be
// read, or what the store refuses, is left out and told: the end of the list may have been cut off with the power. No list is no error.
func Replay(ctx context.Context, path string, key [32]byte, store sessions.Store) (made int, err error) {
	seal, err := sealing(key)
	if err != nil {
		return 0, err
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("carry: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, Max))
	lines.Buffer(nil, Max)
	var left []error
	for n := 1; lines.Scan(); n++ {
		c, err := read(seal, lines.Bytes())
		if err == nil {
			err = store.Save(ctx, c)
		}
		if err != nil {
			left = append(left, fmt.Errorf("carry: line %d: %w", n, err))
			continue
		}
		made++
	}
	return made, errors.Join(append(left, lines.Err())...)
}

func read(seal cipher.AEAD, line []byte) (c sessions.Change, err error) {
	sealed, err := base64.StdEncoding.AppendDecode(nil, bytes.TrimSpace(line))
	if err != nil {
		return c, err
	}
	plain, err := seal.Open(nil, nil, sealed, []byte(bound))
	if err != nil {
		return c, errors.New("it does not open")
	}
	return c, json.Unmarshal(plain, &c) // a newer version may list what we do not know
}
