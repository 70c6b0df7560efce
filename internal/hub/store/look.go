package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Look is how the pages of a commune's sites look; its zero value is Parvis' own look.
type Look struct {
	Town         string // the commune's name as it stands on pages; "" none
	Main, Accent string // #rrggbb; "" Parvis' own
	Logo         string // hash of an attachment; "" none
	By           string
	Made         time.Time
}

// Look is the commune's.
func (t *Tenant) Look(ctx context.Context) (l Look, err error) {
	err = t.tx.QueryRow(ctx, "SELECT town, main, accent, logo, by, made FROM look WHERE tenant = $1", t.id).Scan(&l.Town, &l.Main, &l.Accent, &l.Logo, &l.By, &l.Made)
	if errors.Is(err, pgx.ErrNoRows) {
		return Look{}, nil
	}
	if err != nil {
		return Look{}, fmt.Errorf("store: look: %w", err)
	}
	return l, nil
}

// SetLook puts another one in force for what is published from now on. It has been checked; Made of l is not looked at.
func (t *Tenant) SetLook(ctx context.Context, l Look) error {
	_, err := t.tx.Exec(ctx, `INSERT INTO look (tenant, town, main, accent, logo, by) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (tenant) DO UPDATE SET town = excluded.town, main = excluded.main, accent = excluded.accent, logo = excluded.logo, by = excluded.by, made = now()`,
		t.id, l.Town, l.Main, l.Accent, l.Logo, l.By)
	if err != nil {
		return fmt.Errorf("store: look: %w", err)
	}
	return nil
}

// HashOf is the name of an attachment; "" of none.
func HashOf(content []byte) string {
	if len(content) == 0 {
		return ""
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// Attach keeps what goes out beside a configuration, at most 256 kB, and returns its name. The same twice is kept once.
func (t *Tenant) Attach(ctx context.Context, content []byte) (hash string, err error) {
	if hash = HashOf(content); hash == "" {
		return "", nil
	}
	if _, err := t.tx.Exec(ctx, "INSERT INTO attachment (tenant, hash, content) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", t.id, hash, content); err != nil {
		return "", fmt.Errorf("store: attachment: %w", err)
	}
	return hash, nil
}

// Attachment is the one of that name, nil of ""; ErrUnknown: the commune has none of that name.
func (t *Tenant) Attachment(ctx context.Context, hash string) (content []byte, err error) {
	if hash == "" {
		return nil, nil
	}
	err = one(t.tx.QueryRow(ctx, "SELECT content FROM attachment WHERE tenant = $1 AND hash = $2", t.id, hash).Scan(&content))
	if err != nil && !errors.Is(err, ErrUnknown) {
		err = fmt.Errorf("store: attachment: %w", err)
	}
	return content, err
}
