package mac_test

import (
	"testing"

	"parvis/internal/mac"
)

func TestParse(t *testing.T) {
	tests := []struct {
		in, want string
		ok       bool
	}{
		{"3c:22:fb:00:00:01", "3c:22:fb:00:00:01", true},
		{"3C-22-FB-00-00-01", "3c:22:fb:00:00:01", true},
		{"ff:ff:ff:ff:ff:ff", "", false},       // everybody
		{"01:00:5e:00:00:01", "", false},       // a group
		{"00:00:00:00:00:00", "", false},       // nobody
		{"3c:22:fb:00:00:01:00:00", "", false}, // EUI-64
		{"", "", false},
		{"10.77.0.1", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			a, err := mac.Parse(tt.in)
			if (err == nil) != tt.ok {
				t.Fatalf("error %v, expected success %v", err, tt.ok)
			}
			if tt.ok && a.String() != tt.want {
				t.Errorf("got %s, want %s", a, tt.want)
			}
		})
	}
}

func TestPrivate(t *testing.T) {
	for in, want := range map[string]bool{"3c:22:fb:00:00:01": false, "da:a1:19:00:00:01": true} {
		a, err := mac.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if a.Private() != want {
			t.Errorf("%s private: got %v", in, a.Private())
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("3c:22:fb:00:00:01")
	f.Add("3c22.fb00.0001")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := mac.Parse(s)
		if err != nil {
			return
		}
		b, err := mac.Parse(a.String())
		if err != nil || a != b {
			t.Errorf("%q is read as %s, which is read as %s, %v", s, a, b, err)
		}
	})
}
