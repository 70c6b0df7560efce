package keys

import (
	"cmp"
	"crypto/hpke"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"parvis/sessions/register/segment"
)

// ErrRing is wrapped by what ParseRing returns.
var ErrRing = errors.New("keys: not a ring of public keys")

// Ring is the public keys that a router seals to, by store and month.
type Ring struct{ keys map[ID]hpke.PublicKey }

// entry is one of them in a file.
type entry struct {
	ID     ID     `json:"id"`
	Public []byte `json:"public"`
}

const mostKeys = 1000

// NewRing holds these keys.
func NewRing(keys map[ID]hpke.PublicKey) Ring { return Ring{keys} }

// ParseRing reads the file that Encode writes.
func ParseRing(b []byte) (Ring, error) {
	var all []entry
	if err := json.Unmarshal(b, &all); err != nil {
		return Ring{}, fmt.Errorf("%w: %w", ErrRing, err)
	}
	if len(all) == 0 || len(all) > mostKeys {
		return Ring{}, fmt.Errorf("%w: %d keys, expected 1 to %d", ErrRing, len(all), mostKeys)
	}
	r := Ring{map[ID]hpke.PublicKey{}}
	for _, e := range all {
		if e.ID.Store() == "" || r.keys[e.ID] != nil {
			return Ring{}, fmt.Errorf("%w: %q, or it is there twice", ErrRing, e.ID)
		}
		k, err := segment.KEM().NewPublicKey(e.Public)
		if err != nil {
			return Ring{}, fmt.Errorf("%w: %s: %w", ErrRing, e.ID, err)
		}
		r.keys[e.ID] = k
	}
	return r, nil
}

// Encode writes the ring, sorted.
func (r Ring) Encode() ([]byte, error) {
	var all []entry
	for id, k := range r.keys {
		all = append(all, entry{id, k.Bytes()})
	}
	slices.SortFunc(all, func(a, b entry) int { return cmp.Compare(a.ID, b.ID) })
	b, err := json.MarshalIndent(all, "", "  ")
	return append(b, '\n'), err
}

// Choice is the key to seal to now.
type Choice struct {
	ID     ID
	Public hpke.PublicKey
	Late   bool // it is of an earlier month: the ring has run out
}

// At chooses a store's key for a moment: the month's, in UTC, or the latest before when there is none for it, so that nothing is left unsealed
// and nothing unrecorded. False: there is no key of this store up to then.
func (r Ring) At(store string, t time.Time) (Choice, bool) {
	month := t.UTC().Format("2006-01")
	best := ID("")
	for id := range r.keys {
		if id.Store() == store && id.Month() <= month && id > best {
			best = id
		}
	}
	if best == "" {
		return Choice{}, false
	}
	return Choice{best, r.keys[best], best.Month() != month}, true
}

// Until is the end of the last month that a store has a key for without a break from t on; the zero time when it has none for t.
func (r Ring) Until(store string, t time.Time) time.Time {
	t = t.UTC()
	end := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	for n := 0; ; n++ {
		id, err := NewID(store, end.Format("2006-01"))
		if err != nil || r.keys[id] == nil {
			if n == 0 {
				return time.Time{}
			}
			return end
		}
		end = end.AddDate(0, 1, 0)
	}
}

// Has reports whether a key is there.
func (r Ring) Has(id ID) bool { return r.keys[id] != nil }

// Public finds a key; nil: it is not there.
func (r Ring) Public(id ID) hpke.PublicKey { return r.keys[id] }

// Add puts a key in.
func (r Ring) Add(id ID, k hpke.PublicKey) { r.keys[id] = k }

// IDs are all keys, sorted.
func (r Ring) IDs() []ID { return slices.Sorted(maps.Keys(r.keys)) }
