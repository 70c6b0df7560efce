package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// maxSSID is what a beacon has room for, in bytes (IEEE 802.11-2020, 9.4.2.2).
const maxSSID = 32

// ssid reads the Wi-Fi's name as phones show it.
func (t *table) ssid(key string) string {
	s, ok := t.text(key, false)
	if !ok {
		return ""
	}
	if len(s) > maxSSID {
		t.bad(key, Say("guests.ssid has %d bytes (an accented letter counts for two or more)", "guests.ssid fait %d octets (une lettre accentuée compte pour deux ou plus)", len(s)),
			Say("at most %d", "%d au plus", maxSSID), Say("write the name exactly as the access points announce it", "écrivez le nom exactement comme les bornes l'annoncent"))
		return ""
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) {
		t.warn(key, Say("guests.ssid has letters outside of ASCII: some phones read them wrongly from a QR code and do not find the network",
			"guests.ssid a des lettres accentuées ou spéciales : certains téléphones les lisent mal dans un QR code et ne trouvent pas le réseau"), Message{},
			Say("if you can, rename the network on the access points", "si vous le pouvez, renommez le réseau sur les bornes"))
	}
	return s
}

// ErrPassphrase is a file that holds no WPA passphrase.
var ErrPassphrase = errors.New("config: no WPA passphrase: expected one line of 8 to 63 characters without accents")

// Passphrase reads the Wi-Fi's, "" for an open network. It is read when it is wanted, so that a changed one holds at once;
// no error tells what was in the file.
func (g Guests) Passphrase() (string, error) {
	if g.PassphraseFile == "" {
		return "", nil
	}
	f, err := os.Open(g.PassphraseFile)
	if err != nil {
		return "", fmt.Errorf("config: read guests.passphrase-file: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 256))
	if err != nil {
		return "", fmt.Errorf("config: read guests.passphrase-file: %w", err)
	}
	s := strings.TrimRight(string(b), "\r\n")
	// IEEE 802.11-2020, J.4.1: 8 to 63 characters, each from 32 to 126.
	if len(s) < 8 || len(s) > 63 || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", fmt.Errorf("%w: %s", ErrPassphrase, g.PassphraseFile)
	}
	return s, nil
}
