package releases

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"parvis/internal/durable"
	"parvis/internal/hublink/wire"
	"parvis/internal/upgrade"
)

// fetch reads the file from where it was left, and asks for the upgrade once it is whole.
func (k *Keeper) fetch(ctx context.Context, hub Hub, s state) error {
	if s.Why != "" {
		return nil
	}
	refuse := func(why string) error {
		k.o.Log.Error("the version that the hub wants here is not tried", "version", s.Version, "why", why)
		s.Why = why
		return errors.Join(k.remove(s), k.keep(s))
	}
	f, err := os.OpenFile(k.part(s), os.O_CREATE|os.O_RDWR, 0o700) // it is a program
	if err != nil {
		return fmt.Errorf("releases: %w", err)
	}
	defer f.Close()
	sum := sha256.New()
	before, err := io.Copy(sum, f)
	if err == nil && before > s.File.Size {
		before, sum = 0, sha256.New()
		err = errors.Join(f.Truncate(0), seek(f))
	}
	if err != nil {
		return fmt.Errorf("releases: %w", err)
	}
	have := before
	free, err := k.o.Free(k.dir)
	if err != nil {
		return fmt.Errorf("releases: %w", err)
	}
	if need := s.File.Size - have + s.File.Size + spare; free < uint64(need) { // here, and where upgrade places it
		return refuse(upgrade.WhySpace)
	}
	for have < s.File.Size {
		piece, err := hub.Piece(ctx, s.File.SHA256, have, min(wire.MaxPiece, s.File.Size-have))
		if err != nil {
			return err
		}
		sum.Write(piece)
		if _, err := f.Write(piece); err != nil {
			return fmt.Errorf("releases: %w", err)
		}
		have += int64(len(piece))
	}
	if have != s.File.Size || hex.EncodeToString(sum.Sum(nil)) != s.File.SHA256 {
		if before > 0 { // a power cut may have left a part that is none
			return errors.Join(fmt.Errorf("releases: the part of %s that was here is not of this file; it is read anew", s.Version), k.remove(s))
		}
		return refuse(upgrade.WhyDigest)
	}
	if err := durable.Rename(k.part(s), k.file(s)); err != nil {
		return fmt.Errorf("releases: %w", err)
	}
	err = upgrade.Ask(k.o.State, upgrade.Wanted{Number: s.Number, Version: s.Version, File: k.file(s), SHA256: s.File.SHA256, Force: s.Force})
	if err != nil {
		return fmt.Errorf("releases: %w", err)
	}
	k.o.Log.Info("the hub wants another version here: it is asked for", "version", s.Version)
	s.Asked = true
	return k.keep(s)
}

func seek(f *os.File) error {
	_, err := f.Seek(0, io.SeekStart)
	return err
}
