package config

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"

	"parvis/internal/lang"
)

// known are the keys that the sections ask for, by reading the reference.
func known(t *testing.T) (keys []string) {
	t.Helper()
	r := &reader{src: whole(lang.EN), broken: map[string]bool{}}
	r.at = scan(r.src)
	var tree map[string]any
	if _, err := toml.Decode(r.src, &tree); err != nil {
		t.Fatal(err)
	}
	for _, section := range sections {
		tb := &table{r: r, path: section}
		switch section {
		case "site":
			tb.site()
		case "wan":
			tb.wan()
		case "guests":
			tb.guests("")
		case "portal":
			tb.portal()
		case "staff":
			tb.staff(new(Config))
		case "profile":
			tb.profile(WAN{})
		case "terminals":
			tb.terminals(new(Config))
		case "gate":
			tb.gate()
		case "monitor":
			tb.monitor(new(Config))
		case "hub":
			tb.hub()
		case "hw":
			tb.hw()
		}
		for _, k := range tb.known {
			keys = append(keys, section+"."+k)
		}
	}
	slices.Sort(keys)
	return keys
}

func TestTheReferenceShowsEveryKeyAndNoOther(t *testing.T) {
	shown := slices.DeleteFunc(slices.Collect(maps.Keys(references())), func(k string) bool {
		_, key, dot := strings.Cut(k, ".")
		return !dot || strings.Trim(key, "0123456789.") == "" || strings.ContainsAny(key, ".")
	})
	slices.Sort(shown)
	if diff := cmp.Diff(known(t), shown); diff != "" {
		t.Errorf("(-read +shown)\n%s", diff)
	}
}

func TestEveryKeyIsDecidedInTheNamesPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/adr/0001-names.md")
	if err != nil {
		t.Fatal(err)
	}
	var decided []string
	for _, row := range regexp.MustCompile("(?m)^\\| (`[a-z]+\\.[a-z0-9-]+`.*?) \\|").FindAllStringSubmatch(string(page), -1) {
		for _, k := range regexp.MustCompile("`([a-z0-9.-]+)`").FindAllStringSubmatch(row[1], -1) {
			decided = append(decided, k[1])
		}
	}
	slices.Sort(decided)
	if diff := cmp.Diff(decided, known(t)); diff != "" {
		t.Errorf("(-decided +read)\n%s", diff)
	}
}
