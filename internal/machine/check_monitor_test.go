package machine_test

import (
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parvis/internal/config"
	"parvis/internal/lang"
	"parvis/internal/machine"
)

func TestWhereAndHowThePlaceIsWatchedIsLookedAt(t *testing.T) {
	const more = `[monitor]
listen = "192.168.1.9:9100"
smtp = "smtp.ville.example:587"
mail-from = "parvis@ville.example"
mail-to = ["informatique@ville.example"]
smtp-user = "parvis"
smtp-password-file = "/etc/parvis/smtp-password"
[[profile]]`
	cfg, ps := config.Parse("parvis.toml", []byte(strings.Replace(source, "[[profile]]", more, 1)))
	if cfg == nil {
		t.Fatal(ps)
	}
	here := func(f *machine.Facts, name string) {
		for i := range f.Interfaces {
			if f.Interfaces[i].Name == name {
				f.Interfaces[i].Addresses = append(f.Interfaces[i].Addresses, netip.MustParsePrefix("192.168.1.9/24"))
				return
			}
		}
		f.Interfaces = append(f.Interfaces, machine.Interface{Name: name, Up: true, Carrier: true, Addresses: []netip.Prefix{netip.MustParsePrefix("192.168.1.9/24")}})
	}
	for name, c := range map[string]struct {
		change func(*machine.Facts)
		says   string // "": nothing is wrong
		error  bool
	}{
		"on a network of its own": {func(f *machine.Facts) { here(f, "br-lan") }, "", false},
		"on none":                 {func(*machine.Facts) {}, "does not have the address", false},
		"on the guests'":          {func(f *machine.Facts) { here(f, cfg.Guests.Interface) }, "where guests or terminals are", true},
		"on the line":             {func(f *machine.Facts) { here(f, cfg.WAN.Interface) }, "towards the internet", false},
		"without the password":    {func(f *machine.Facts) { here(f, "br-lan"); f.SMTPPassword = fs.ErrNotExist }, "no e-mail is sent", false},
	} {
		t.Run(name, func(t *testing.T) {
			f := router()
			c.change(&f)
			var text string
			for _, p := range machine.Check(cfg, f, nil) {
				text += p.In(lang.EN) + "\n" + p.In(lang.FR) + "\n"
				if (p.Severity == config.Error) != c.error {
					t.Errorf("severity of %s", p.In(lang.EN))
				}
			}
			if c.says == "" && text != "" || !strings.Contains(text, c.says) || strings.Contains(text, "%!") {
				t.Errorf("want %q:\n%s", c.says, text)
			}
		})
	}
}

func TestAPasswordThatOthersMayReadIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "password")
	for mode, ok := range map[fs.FileMode]bool{0o600: true, 0o644: false, 0o640: false} {
		if err := os.WriteFile(path, []byte("secret"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if err := machine.SecretFile("/", path); (err == nil) != ok {
			t.Errorf("mode %v: %v", mode, err)
		}
	}
	if err := machine.SecretFile("/", path+".none"); err == nil {
		t.Error("one that is missing is taken")
	}
}
