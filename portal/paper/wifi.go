package paper

import "strings"

// WiFi is how a phone joins the place's network.
type WiFi struct {
	Name       string // SSID, 1 to 32 bytes
	Passphrase string // WPA2/WPA3, 8 to 63 printable ASCII characters; empty: an open network
}

// URI is the text of the QR code that phones join by. The format is ZXing's ("Barcode Contents", Wi-Fi Network config),
// which Android and iOS read; a backslash stands before each character that has a meaning in it.
func (w WiFi) URI() string {
	if w.Passphrase == "" {
		return "WIFI:T:nopass;S:" + escape.Replace(w.Name) + ";;"
	}
	return "WIFI:T:WPA;S:" + escape.Replace(w.Name) + ";P:" + escape.Replace(w.Passphrase) + ";;"
}

var escape = strings.NewReplacer(`\`, `\\`, `;`, `\;`, `,`, `\,`, `"`, `\"`, `:`, `\:`)
