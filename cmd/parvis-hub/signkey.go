package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"parvis/internal/lang"
)

// readSignKey reads the key by which bundles are signed. Whoever has it can configure every site: a file that others may read is refused.
func readSignKey(path string) (ed25519.PrivateKey, error) {
	no := func(cause any) error {
		return fail(exitNotRight, lang.Text{
			EN: "%s: %v; expected the Ed25519 key that parvis-hub migrate has made, readable by its owner alone (0600). A key that is lost is restored from the backup: with another one, sites must be enrolled again",
			FR: "%s : %v ; la clé Ed25519 créée par parvis-hub migrate est attendue, lisible par son seul propriétaire (0600). Une clé perdue se reprend dans la sauvegarde : avec une autre, il faut inscrire les lieux à nouveau",
		}, path, cause)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, no(errors.Unwrap(err))
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, no(info.Mode().Perm())
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, no(errors.Unwrap(err))
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, no(lang.Text{EN: "no PEM", FR: "pas de PEM"})
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, no(lang.Text{EN: "another key", FR: "une autre clé"})
	}
	return key, nil
}

// makeSignKey makes one unless there is a file; made reports it. The directory's owner gets the file, so that root can make it for
// the account that serves.
func makeSignKey(path string) (made bool, err error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	dir := filepath.Dir(path)
	owner, err := os.Stat(dir)
	if err != nil {
		return false, fmt.Errorf("sign key: %w; make this directory for the account that serves the hub", err)
	}
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return false, fmt.Errorf("sign key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return false, fmt.Errorf("sign key: %w", err)
	}
	err = replace(path, func(f *os.File) error {
		if st, ok := owner.Sys().(*syscall.Stat_t); ok && os.Getuid() == 0 {
			if err := f.Chown(int(st.Uid), int(st.Gid)); err != nil {
				return err
			}
		}
		return pem.Encode(f, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
	})
	return err == nil, err
}

// replace puts a file in place whole and for its owner alone, or not at all.
func replace(path string, write func(*os.File) error) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(tmp.Name())
		}
	}()
	err = write(tmp)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	if err = os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
