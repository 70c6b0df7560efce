package support

import (
	"archive/tar"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"parvis/internal/lang"
)

// Part is one file of a bundle.
type Part struct {
	Name string // status.json
	What lang.Text
	Text string
}

// mostPart is how much of one part goes in, in bytes: its end, where a log is about now.
const mostPart = 2 << 20

var (
	titleText = lang.Text{EN: "What this file holds, for a support ticket.", FR: "Ce que contient ce dossier, pour une demande d'assistance."}
	takenText = lang.Text{
		EN: "Taken out and replaced by stand-ins (<mac-1>, <ip-2> …), the same one for the same thing:",
		FR: "Retirés et remplacés par des repères (<mac-1>, <ip-2>…), le même pour la même chose :",
	}
	nothingText = lang.Text{EN: "nothing", FR: "rien"}
	settings    = lang.Text{
		EN: "Remarks, contacts, accounts and secrets of the configuration are left out. The router's own addresses stand. Read it before you send it.",
		FR: "Les remarques, les contacts, les comptes et les secrets de la configuration sont laissés de côté. Les adresses du routeur lui-même y sont. Relisez-le avant de l'envoyer.",
	}
)

// Write writes the parts, redacted, as a tar.gz below one folder, with a first file that says what is in it. It returns that file's text.
func Write(w io.Writer, folder string, made time.Time, r *Redactor, parts []Part, l lang.Lang) (readme string, err error) {
	var b strings.Builder
	b.WriteString(titleText.In(l) + "\n\n")
	for i := range parts {
		t := parts[i].Text
		if len(t) > mostPart {
			t = t[len(t)-mostPart:]
		}
		if !utf8.ValidString(t) {
			t = strings.ToValidUTF8(t, "?")
		}
		parts[i].Text = r.Text(t)
		fmt.Fprintf(&b, "  %-14s %s (%d)\n", parts[i].Name, parts[i].What.In(l), len(parts[i].Text))
	}
	b.WriteString("\n" + takenText.In(l))
	counts := r.Counts()
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&b, " %s: %d;", kind, counts[kind])
	}
	if len(counts) == 0 {
		b.WriteString(" " + nothingText.In(l))
	}
	b.WriteString("\n" + settings.In(l) + "\n")
	readme = b.String()

	z := gzip.NewWriter(w)
	t := tar.NewWriter(z)
	for _, p := range append([]Part{{Name: "LISEZMOI.txt", Text: readme}}, parts...) {
		head := &tar.Header{Name: folder + "/" + p.Name, Mode: 0o600, Size: int64(len(p.Text)), ModTime: made}
		if err := t.WriteHeader(head); err != nil {
			return "", fmt.Errorf("support: write %s: %w", p.Name, err)
		}
		if _, err := io.WriteString(t, p.Text); err != nil {
			return "", fmt.Errorf("support: write %s: %w", p.Name, err)
		}
	}
	if err := t.Close(); err != nil {
		return "", fmt.Errorf("support: write: %w", err)
	}
	if err := z.Close(); err != nil {
		return "", fmt.Errorf("support: write: %w", err)
	}
	return readme, nil
}
