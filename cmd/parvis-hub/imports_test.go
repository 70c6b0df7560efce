package main

import (
	"os/exec"
	"strings"
	"testing"
)

// The hub has nothing of a router in it, and a router nothing of a database server.
func TestTheTwoProgramsDoNotKnowEachOther(t *testing.T) {
	for _, tc := range []struct {
		pkg, tags string
		forbidden []string
	}{
		{"parvis/cmd/parvis-hub", "nomsgpack", []string{
			"parvis/firewall", "parvis/sessions", "parvis/kiosk", "parvis/portal", "parvis/internal/lab", "parvis/internal/machine", "parvis/internal/hub/pgtest",
			"testing", "github.com/gin-gonic/gin", "github.com/mattn/go-sqlite3", "github.com/coreos/go-iptables", "github.com/vishvananda/netlink",
		}},
		{"parvis/cmd/parvis", "nomsgpack nolab", []string{"parvis/internal/hub", "github.com/jackc/pgx", "github.com/pressly/goose"}},
	} {
		t.Run(tc.pkg, func(t *testing.T) {
			out, err := exec.Command("go", "list", "-deps", "-tags", tc.tags, "-f", "{{.ImportPath}}", tc.pkg).Output()
			deps := strings.Fields(string(out))
			if err != nil || len(deps) < 50 {
				t.Fatalf("go list: %d packages, %v", len(deps), err)
			}
			for _, d := range deps {
				for _, f := range tc.forbidden {
					if (d == f || strings.HasPrefix(d, f+"/")) && !pure[d] {
						t.Errorf("%s depends on %s", tc.pkg, d)
					}
				}
			}
		})
	}
}

// pure are packages of a router that know nothing but values.
var pure = map[string]bool{"parvis/sessions/hours": true, "parvis/kiosk/names": true, "parvis/kiosk/catalogue": true, "parvis/portal/paper/fonts": true}
