package usage

import (
	"context"
	"crypto/sha256"

	"parvis/internal/mac"
)

func (u *Usage) Begin()                          { u.begin() }
func (u *Usage) Sample()                         { u.sample() }
func (u *Usage) Write(ctx context.Context) error { return u.write(ctx) }

// Salt is the memory that holds the salt of the day.
func (u *Usage) Salt() []byte { return u.day.salt[:] }

// Hash is what a device is counted as.
func (u *Usage) Hash(a mac.Addr) []byte {
	sum := sha256.Sum256(append(u.Salt(), a[:]...))
	return sum[:8]
}
