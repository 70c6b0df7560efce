package porteus

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"parvis/internal/order"
)

// Change is one parameter that a terminal would read otherwise.
type Change struct {
	PCID string `json:"pcid"` // "" every terminal that the file does not name
	Key  string `json:"key"`
	Old  string `json:"old"` // "" it was not there
	New  string `json:"new"` // "" it is no longer there
}

// Diff returns what terminals would read otherwise, by PCID and parameter: of those that either file names, and of the others
// under "". Comments and the order of lines are no change.
func Diff(old, new []byte) (changes []Change) {
	before, after := lines(old), lines(new)
	ids := append(append([]string{""}, pcids(before)...), pcids(after)...)
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		was, is := For(old, id), For(new, id)
		keys := maps.Clone(was)
		maps.Copy(keys, is)
		for key := range keys {
			if was[key] != is[key] {
				changes = append(changes, Change{PCID: id, Key: key, Old: was[key], New: is[key]})
			}
		}
	}
	order.Func(changes, func(a, b Change) int { return cmp.Or(cmp.Compare(a.PCID, b.PCID), cmp.Compare(a.Key, b.Key)) })
	return changes
}

// Reburns says whether a terminal that has old makes its image anew when it is served new: any byte of its part counts.
func Reburns(old, new []byte, pcid string) bool {
	return !bytes.Equal(Extract(old, pcid), Extract(new, pcid))
}
