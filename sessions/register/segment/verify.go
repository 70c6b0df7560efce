package segment

import (
	"bytes"
	"cmp"
	"crypto/hpke"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"time"
)

// Checkpoint is what somebody outside remembers of a store: up to which entry it went and how the chain stood.
type Checkpoint struct {
	Site  string    `json:"site"`
	Store string    `json:"store"`
	Next  int64     `json:"next"` // number of the entry that would have come
	Sum   []byte    `json:"sum"`
	At    time.Time `json:"at"`
}

// FaultKind is what is wrong with a store.
type FaultKind string

// The kinds of faults.
const (
	Broken   FaultKind = "broken"   // within a segment, from At on
	Missing  FaultKind = "missing"  // entries From … To are nowhere
	Unlinked FaultKind = "unlinked" // a segment does not go on from the one before
	Unended  FaultKind = "unended"  // it was not ended in order, and the next one does not say why
	Stranger FaultKind = "stranger" // another device's, and no gap says that the box was replaced
	Behind   FaultKind = "behind"   // a checkpoint knows of more, or of another chain
)

// Fault is one thing that is wrong.
type Fault struct {
	Kind    FaultKind `json:"kind"`
	Segment string    `json:"segment"`
	From    int64     `json:"from"` // entries
	To      int64     `json:"to"`
	Why     string    `json:"why,omitempty"`
}

// Store is what a folder has of one store.
type Store struct {
	Name     string  `json:"name"`
	Segments int     `json:"segments"`
	First    int64   `json:"first"` // entries before it were purged, or never copied
	Next     int64   `json:"next"`
	Open     bool    `json:"open"`           // the last segment is not ended: it is being written, or was when it was copied
	Gaps     []Entry `json:"gaps,omitempty"` // told by the register itself
	Faults   []Fault `json:"faults,omitempty"`
}

// Finder finds the private key of a segment; nil: it is not opened, and codes are not checked.
type Finder func(Header) hpke.PrivateKey

// Verify goes through every segment of a folder, store by store, in order. The error says that it could not be read; what is wrong
// with what is there is in the stores' faults.
func Verify(folder fs.FS, keys Finder, checkpoints []Checkpoint) ([]Store, error) {
	names, err := segments(folder)
	if err != nil {
		return nil, err
	}
	var all []Store
	var at *verifying
	for _, n := range names {
		if at == nil || at.Name != n.store {
			if at != nil {
				all = append(all, at.done(checkpoints))
			}
			at = &verifying{Store: Store{Name: n.store, First: n.first}, sums: map[int64][]Sum{}}
			for _, c := range checkpoints {
				if c.Store == n.store {
					at.sums[c.Next] = nil
				}
			}
		}
		if err := at.segment(folder, n, keys); err != nil {
			return nil, err
		}
	}
	if at != nil {
		all = append(all, at.done(checkpoints))
	}
	for _, c := range checkpoints {
		if !slices.ContainsFunc(all, func(s Store) bool { return s.Name == c.Store }) {
			all = append(all, Store{Name: c.Store, Faults: []Fault{{Behind, "", 1, c.Next - 1, "nothing of this store is there"}}})
		}
	}
	return all, nil
}

// file is a segment's file by its name.
type file struct {
	name  string
	store string
	first int64
}

func segments(folder fs.FS) ([]file, error) {
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return nil, fmt.Errorf("segment: list: %w", err)
	}
	var all []file
	for _, e := range entries {
		if m := fileName.FindStringSubmatch(e.Name()); m != nil && e.Type().IsRegular() {
			first, _ := strconv.ParseInt(m[2], 10, 64) // 12 digits
			all = append(all, file{e.Name(), m[1], first})
		}
	}
	slices.SortFunc(all, func(a, b file) int { return cmp.Or(cmp.Compare(a.store, b.store), cmp.Compare(a.first, b.first)) })
	return all, nil
}

// verifying is one store on the way.
type verifying struct {
	Store
	before *Found          // the segment before, as far as it was whole
	name   string          // of it
	sums   map[int64][]Sum // of the chain, before entries that a checkpoint names
}

func (v *verifying) fault(f Fault) { v.Faults = append(v.Faults, f) }

func (v *verifying) segment(folder fs.FS, n file, keys Finder) error {
	f, err := folder.Open(n.name)
	if err != nil {
		return fmt.Errorf("segment: open %s: %w", n.name, err)
	}
	defer f.Close()
	found, err := v.read(f, keys)
	switch {
	case errors.Is(err, ErrBroken):
		v.fault(Fault{Broken, n.name, found.Header.First + found.Entries, 0, err.Error()})
	case errors.Is(err, ErrKey):
		v.fault(Fault{Broken, n.name, found.Header.First, 0, err.Error()})
	case err != nil:
		return fmt.Errorf("segment: read %s: %w", n.name, err)
	}
	v.Segments++
	v.link(n, found)
	v.Gaps = append(v.Gaps, found.Gaps...)
	v.before, v.name = &found, n.name
	v.Next = max(v.Next, found.Header.First+found.Entries)
	v.note(found.Header.First+found.Entries, found.Last)
	v.Open = found.End == nil && err == nil
	return nil
}

// note remembers how the chain stood before an entry, when a checkpoint asks for it: before and behind the end of a segment it stands differently.
func (v *verifying) note(next int64, sum Sum) {
	if sums, asked := v.sums[next]; asked {
		v.sums[next] = append(sums, sum)
	}
}

// read finds the key in the header first: a key opens one month alone.
func (v *verifying) read(f fs.File, keys Finder) (Found, error) {
	found, err := Read(f, nil, func(e Entry) error {
		v.note(e.Number+1, e.Sum)
		return nil
	})
	if err != nil || keys == nil {
		return found, err
	}
	private := keys(found.Header)
	if private == nil {
		return found, nil
	}
	again, ok := f.(interface {
		Seek(offset int64, whence int) (int64, error)
	})
	if !ok {
		return found, fmt.Errorf("segment: the file cannot be read twice")
	}
	if _, err := again.Seek(0, 0); err != nil {
		return found, err
	}
	return Read(f, private, func(Entry) error { return nil })
}

// link looks how a segment goes on from the one before.
func (v *verifying) link(n file, found Found) {
	h := found.Header
	if h.First == 0 {
		return // its header is broken, which is told already
	}
	if h.First != n.first || h.Store != n.store {
		v.fault(Fault{Unlinked, n.name, h.First, h.First, "its name is not what it says of itself"})
		n.first = h.First
	}
	if v.before == nil {
		if len(h.Before) == 0 && n.first != 1 {
			v.fault(Fault{Missing, n.name, 1, n.first - 1, ""})
		}
		return
	}
	b := *v.before
	next := b.Header.First + b.Entries
	switch {
	case n.first > next:
		v.fault(Fault{Missing, n.name, next, n.first - 1, ""})
	case n.first < next:
		v.fault(Fault{Unlinked, n.name, n.first, next - 1, "its entries are in the one before too"})
	case !bytes.Equal(h.Before, b.Last[:]):
		v.fault(Fault{Unlinked, n.name, n.first, n.first, "it does not go on from " + v.name})
	}
	told := func(kinds ...GapKind) bool {
		// It is the first thing that a program tells after it has come back.
		return len(found.Gaps) > 0 && found.Gaps[0].Number == n.first && slices.Contains(kinds, found.Gaps[0].Gap.Kind)
	}
	if b.End == nil && !told(Power, Restart, Storage, Replaced, Clock, NoKey) {
		v.fault(Fault{Unended, v.name, next, next, ""})
	}
	if !bytes.Equal(h.Device, b.Header.Device) && !told(Replaced) {
		v.fault(Fault{Stranger, n.name, n.first, n.first, ""})
	}
}

// done compares with what is remembered outside.
func (v *verifying) done(checkpoints []Checkpoint) Store {
	for _, c := range checkpoints {
		if c.Store != v.Name || c.Next <= v.First {
			continue // of a time that was purged
		}
		switch {
		case c.Next > v.Next:
			v.fault(Fault{Behind, "", v.Next, c.Next - 1, "a checkpoint knows of them"})
		case !slices.ContainsFunc(v.sums[c.Next], func(s Sum) bool { return bytes.Equal(s[:], c.Sum) }):
			v.fault(Fault{Behind, "", c.Next, c.Next, "a checkpoint knows another chain"})
		}
	}
	return v.Store
}
