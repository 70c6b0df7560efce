package snapshot

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"filippo.io/age"
)

// ErrKeyText: what was given is no recovery key. Its last characters check the others, so that a wrong letter is seen.
var ErrKeyText = errors.New("snapshot: not a recovery key")

// NewKey makes a recovery key: the text of the file that the town keeps, and the public part that routers are given.
func NewKey(now time.Time) (text, public string, err error) {
	k, err := age.GenerateX25519Identity()
	if err != nil {
		return "", "", fmt.Errorf("snapshot: new key: %w", err)
	}
	public = k.Recipient().String()
	text = fmt.Sprintf(`# Parvis : clé de secours des copies (recovery key of the copies). %s
# À garder au coffre, sur 2 supports, jamais sur un routeur. Qui l'a peut lire les copies de vos lieux.
# Sans elle, aucune copie ne sert plus. Dans parvis.toml : [copy] key = "%s"
%s
`, now.Format(time.DateOnly), public, k)
	return text, public, nil
}

// ReadKey reads a recovery key: the file that NewKey has made, or its one line. Nothing of it is in an error.
func ReadKey(r io.Reader) (age.Identity, error) {
	b, err := io.ReadAll(io.LimitReader(r, 16<<10))
	if err != nil {
		return nil, fmt.Errorf("snapshot: read key: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		k, err := age.ParseX25519Identity(strings.ToUpper(strings.ReplaceAll(line, " ", "")))
		if err != nil {
			return nil, ErrKeyText
		}
		return k, nil
	}
	return nil, ErrKeyText
}

// Recipient reads the public part, as the configuration has it.
func Recipient(public string) (age.Recipient, error) {
	r, err := age.ParseX25519Recipient(public)
	if err != nil {
		return nil, fmt.Errorf("%w: expected age1 and 58 letters and digits", ErrKeyText)
	}
	return r, nil
}
