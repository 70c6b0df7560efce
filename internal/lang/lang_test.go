package lang_test

import (
	"testing"

	"parvis/internal/lang"
)

func TestFromEnvFollowsSetlocale(t *testing.T) {
	tests := []struct {
		name string
		env  map[string]string
		want lang.Lang
	}{
		{"nothing", nil, lang.EN},
		{"LANG", map[string]string{"LANG": "fr_FR.UTF-8"}, lang.FR},
		{"LC_ALL before LANG", map[string]string{"LC_ALL": "C", "LANG": "fr_FR.UTF-8"}, lang.EN},
		{"LC_MESSAGES before LANG", map[string]string{"LC_MESSAGES": "fr_CH", "LANG": "de_DE"}, lang.FR},
		{"another language", map[string]string{"LANG": "de_DE.UTF-8"}, lang.EN},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := lang.FromEnv(func(k string) string { return tt.env[k] }); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestInPutsNestedTextsInTheSameLanguage(t *testing.T) {
	text := lang.Text{EN: "the %s is missing", FR: "il manque %s"}
	key := lang.Text{EN: "key", FR: "la clé"}
	if got := text.In(lang.FR, key); got != "il manque la clé" {
		t.Errorf("got %q", got)
	}
	if got := text.In(lang.EN, key); got != "the key is missing" {
		t.Errorf("got %q", got)
	}
}
