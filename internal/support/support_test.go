package support

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"parvis/internal/lang"
)

func redactor() *Redactor {
	return NewRedactor([]netip.Prefix{netip.MustParsePrefix("10.77.0.1/16")}, []string{"Leïla", "Leïla Ben", "poste de l'entrée", ""})
}

func TestWhatIsAPersonsIsTakenOutAndWhatIsNotStands(t *testing.T) {
	for in, want := range map[string]string{
		"dev 3c:22:fb:00:00:01 and 3C:22:FB:00:00:01, 3c-22-fb-00-00-02": "dev <mac-1> and <mac-1>, <mac-2>",
		"from 10.77.3.9 to 198.51.100.7:443 by 10.77.0.1":                "from <ip-1> to <ip-2>:443 by 10.77.0.1",
		"net 10.77.0.0/16, 192.168.4.0/24":                               "net 10.77.0.0/16, <ip-1>/24",
		"listen 0.0.0.0:80 127.0.0.53 ::1 [::]:80":                       "listen 0.0.0.0:80 127.0.0.53 ::1 [::]:80",
		"6: 2001:db8::7, [2001:DB8::7]:443, fe80::3e22:fbff:fe00:1/64.":  "6: <ip-1>, [<ip-1>]:443, <ip-2>/64.",
		"at 14:05:33 since 2026-11-24T14:05:33Z, version 1.2.3":          "at 14:05:33 since 2026-11-24T14:05:33Z, version 1.2.3",
		"session abcdefghijklmnopqrstuvwx23 ended":                       "session <token-1> ended",
		"key 0123456789abcdef0123456789abcdef":                           "key <token-1>",
		"code K7-42, ticket 4ACE-77HJ-KMNP":                              "code <code-2>, ticket <code-1>",
		"tel 04 76 00 00 00 or +33 4 76 00 00 00, a.b@ville.example":     "tel <phone-1> or <phone-2>, <mail-1>",
		"https://user:pass@proxy.example:3128/":                          "https://<secret>@proxy.example:3128/",
		"Leïla Ben and LEÏLA at the Poste de l'entrée":                   "<name-1> and <name-2> at the <name-3>",
		`slot 0x20, mark 0x200000/0xffff0000, "rates":1000`:              `slot 0x20, mark 0x200000/0xffff0000, "rates":1000`,
	} {
		if got := redactor().Text(in); got != want {
			t.Errorf("\n  in %s\n got %s\nwant %s", in, got, want)
		}
	}
}

func TestAConfigurationKeepsNoRemarkNoContactAndNoSecret(t *testing.T) {
	got, err := Config([]byte(`# clé chez Leïla
[site]
name = "Médiathèque"
contact = "Leïla, bureau 3" # the boss
[guests]
address = "10.77.0.1/16"
passphrase-file = "/etc/parvis/wifi.passphrase"
[hub]
token = "hidden"
[monitor]
mail-to = ["a@b.example"]
smtp-user = "leila"
smtp-password-file = "/etc/parvis/p"
[[profile]]
name = "visite"
secret = "hidden"
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, hidden := range []string{"Leïla", "boss", "hidden", "a@b", "leila", "#"} {
		if strings.Contains(got, hidden) {
			t.Errorf("%q stands in\n%s", hidden, got)
		}
	}
	for _, stands := range []string{`name = "Médiathèque"`, `address = "10.77.0.1/16"`, `"/etc/parvis/p"`, `"/etc/parvis/wifi.passphrase"`, "[[profile]]", `name = "visite"`} {
		if !strings.Contains(got, stands) {
			t.Errorf("%q is missing in\n%s", stands, got)
		}
	}
	if _, err := Config([]byte("[site")); err == nil {
		t.Error("what is no configuration is taken")
	}
}

func TestABundleSaysWhatIsInItAndIsRedactedWhole(t *testing.T) {
	var b bytes.Buffer
	parts := []Part{{"log.txt", lang.Text{EN: "the log", FR: "le journal"}, strings.Repeat("x ", mostPart/2) + "3c:22:fb:00:00:01\xff"}, {"a.txt", lang.Text{EN: "a", FR: "a"}, "3c:22:fb:00:00:01"}}
	readme, err := Write(&b, "parvis-support", time.Unix(0, 0), redactor(), parts, lang.FR)
	if err != nil {
		t.Fatal(err)
	}
	files, err := Files(&b)
	if err != nil {
		t.Fatal(err)
	}
	if files["LISEZMOI.txt"] != readme || !strings.Contains(readme, "le journal") || !strings.Contains(readme, "mac: 1;") {
		t.Errorf("%s", readme)
	}
	if got := files["log.txt"]; len(got) > mostPart || !strings.HasSuffix(got, "x <mac-1>?") {
		t.Errorf("the log's end is %q", got[max(0, len(got)-20):])
	}
	if files["a.txt"] != "<mac-1>" {
		t.Errorf("%q", files["a.txt"])
	}
}

// Files reads a bundle.
func Files(r io.Reader) (map[string]string, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		b, err := io.ReadAll(t)
		if err != nil {
			return nil, err
		}
		_, name, _ := strings.Cut(h.Name, "/")
		all[name] = string(b)
	}
}

func FuzzRedactedIsRedacted(f *testing.F) {
	f.Add("dev 3c:22:fb:00:00:01 fe80::1%wan 10.77.3.9:80 a@b.example")
	f.Fuzz(func(t *testing.T, s string) {
		once := redactor().Text(s)
		if hardware.MatchString(once) || mailbox.MatchString(once) {
			t.Errorf("%q became %q", s, once)
		}
	})
}
