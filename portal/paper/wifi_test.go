package paper

import (
	"strings"
	"testing"
)

func TestPhonesAreToldTheNetworkAndItsPassword(t *testing.T) {
	for _, c := range []struct {
		about, name, passphrase, want string
	}{
		{"an open network", "Parvis-Public", "", `WIFI:T:nopass;S:Parvis-Public;;`},
		{"a network with a password", "Parvis", "douze lettres", `WIFI:T:WPA;S:Parvis;P:douze lettres;;`},
		{"characters that have a meaning", `a;b,c:d"e\f`, `;;`, `WIFI:T:WPA;S:a\;b\,c\:d\"e\\f;P:\;\;;;`},
		{"letters with accents stay as they are", "Médiathèque", "", `WIFI:T:nopass;S:Médiathèque;;`},
	} {
		t.Run(c.about, func(t *testing.T) {
			if got := (WiFi{c.name, c.passphrase}).URI(); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// read is how phones read the format: fields end at a semicolon that no backslash stands before (ZXing,
// ResultParser.matchPrefixedField and unescapeBackslash).
func read(uri string) (fields map[string]string, whole bool) {
	rest, ok := strings.CutPrefix(uri, "WIFI:")
	if !ok {
		return nil, false
	}
	fields = map[string]string{}
	for rest != ";" {
		key, after, ok := strings.Cut(rest, ":")
		if !ok {
			return nil, false
		}
		var value strings.Builder
		i := 0
		for ; i < len(after) && after[i] != ';'; i++ {
			if after[i] == '\\' && i+1 < len(after) {
				i++
			}
			value.WriteByte(after[i])
		}
		if i == len(after) {
			return nil, false
		}
		fields[key], rest = value.String(), after[i+1:]
	}
	return fields, true
}

func FuzzWiFi(f *testing.F) {
	f.Add("Parvis-Public", "")
	f.Add(`;S:\`, `P:";,;`)
	f.Add(`\\\`, `T:nopass`)
	f.Fuzz(func(t *testing.T, name, passphrase string) {
		uri := (WiFi{name, passphrase}).URI()
		got, whole := read(uri)
		kind := "WPA"
		if passphrase == "" {
			kind = "nopass"
		}
		if !whole || got["S"] != name || got["P"] != passphrase || got["T"] != kind {
			t.Errorf("%q %q: %q is read as %v", name, passphrase, uri, got)
		}
	})
}
