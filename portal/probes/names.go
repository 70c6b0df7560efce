package probes

import (
	"net/url"
	"slices"
)

// others are names that systems ask beside those of All, for the same purpose and no other.
var others = []string{"netcts.cdn-apple.com", "networkcheck.kde.org", "connectivity-check.ubuntu.com"}

// visited are names that people open themselves while their systems have another one to ask: whoever opens them is better
// served by "no such name" than by a warning of a certificate that is not theirs.
var visited = []string{"www.google.com"}

// Names are the DNS names that systems ask to find out whether they are online, sorted; without those that people visit.
func Names() []string {
	names := slices.Clone(others)
	for _, p := range All {
		u, err := url.Parse(p.URL)
		if err != nil {
			panic(err) // the table above is wrong: a test reads it
		}
		if h := u.Hostname(); !slices.Contains(visited, h) {
			names = append(names, h)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
