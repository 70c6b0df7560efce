package support

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// withheld are the settings that name a person or an account of one; what else looks like a secret is withheld too.
var withheld = []string{"site.contact", "monitor.mail-from", "monitor.mail-to", "monitor.smtp-user", "staff.client"}

var secretKey = regexp.MustCompile(`(?i)passw|passphrase|secret|token|key|clef|mot-de-passe`)

// Config returns a configuration without its remarks, in which people write what they like, and without what is withheld. What the
// Redactor finds is for the caller to take out.
func Config(source []byte) (string, error) {
	var tree map[string]any
	if err := toml.Unmarshal(source, &tree); err != nil {
		return "", fmt.Errorf("support: configuration: %w", err)
	}
	for section, v := range tree {
		withhold(section, v)
	}
	var b bytes.Buffer
	e := toml.NewEncoder(&b)
	e.Indent = ""
	if err := e.Encode(tree); err != nil {
		return "", fmt.Errorf("support: configuration: %w", err)
	}
	return b.String(), nil
}

func withhold(section string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			path, isPath := value.(string)
			isPath = isPath && strings.HasPrefix(path, "/")
			if slices.Contains(withheld, section+"."+key) || secretKey.MatchString(key) && !isPath {
				v[key] = "<withheld>"
			}
		}
	case []map[string]any:
		for _, one := range v {
			withhold(section, one)
		}
	}
}
