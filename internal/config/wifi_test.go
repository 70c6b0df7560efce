package config_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parvis/internal/config"
	"parvis/internal/lang"
)

func TestTheWiFisNameIsOneThatABeaconHasRoomFor(t *testing.T) {
	for _, c := range []struct {
		about, value, want, says string
	}{
		{"a name", `"Parvis-Public"`, "Parvis-Public", ""},
		{"32 bytes", `"` + strings.Repeat("x", 32) + `"`, strings.Repeat("x", 32), ""},
		{"33 bytes", `"` + strings.Repeat("x", 33) + `"`, "", "33 bytes"},
		{"32 letters of 33 bytes", `"` + strings.Repeat("x", 31) + `é"`, "", "33 bytes"},
		{"accents are told", `"Médiathèque"`, "Médiathèque", "some phones read them wrongly"},
		{"no text", `7`, "", "a number was found"},
	} {
		t.Run(c.about, func(t *testing.T) {
			src := strings.Replace(least, "[portal]", "ssid = "+c.value+"\n[portal]", 1)
			cfg, ps := config.Parse("parvis.toml", []byte(src))
			if said := say(ps, lang.EN); c.says == "" && said != "" || !strings.Contains(said, c.says) {
				t.Errorf("said %q, want %q", said, c.says)
			}
			if c.want != "" && (cfg == nil || cfg.Guests.SSID != c.want) {
				t.Errorf("%+v", cfg)
			}
		})
	}
}

func TestThePassphraseIsReadFromItsFile(t *testing.T) {
	for _, c := range []struct {
		about, text, want string
		err               error
	}{
		{"with its line's end", "douze lettres\n", "douze lettres", nil},
		{"of 8", "12345678", "12345678", nil},
		{"of 63", strings.Repeat("p", 63) + "\r\n", strings.Repeat("p", 63), nil},
		{"too short", "1234567\n", "", config.ErrPassphrase},
		{"too long", strings.Repeat("p", 64), "", config.ErrPassphrase},
		{"two lines", "12345678\n12345678\n", "", config.ErrPassphrase},
		{"with an accent", "médiathèque", "", config.ErrPassphrase},
		{"endless", strings.Repeat("p", 1<<20), "", config.ErrPassphrase},
	} {
		t.Run(c.about, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "wifi")
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := config.Guests{PassphraseFile: file}.Passphrase()
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("%q %v, want %q %v", got, err, c.want, c.err)
			}
			if text := strings.TrimSpace(c.text); err != nil && strings.Contains(err.Error(), text) {
				t.Errorf("the error tells the passphrase: %v", err)
			}
		})
	}
	if got, err := (config.Guests{}).Passphrase(); got != "" || err != nil {
		t.Errorf("without a file: %q %v", got, err)
	}
	if _, err := (config.Guests{PassphraseFile: filepath.Join(t.TempDir(), "none")}).Passphrase(); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
