package main

import (
	"os/exec"
	"strings"
	"testing"
)

// What each package must not know: docs/adr and the table in docs/architecture. A line "a ! b" reads "a and what is below
// it depends, however far, on nothing at or below b".
var mustNotKnow = map[string][]string{
	"sessions": {"parvis/portal", "parvis/firewall", "parvis/kiosk", "parvis/hw", "net/http", "github.com/gin-gonic/gin", "github.com/coreos/go-iptables", "github.com/vishvananda/netlink"},
	"firewall": {"parvis/portal", "parvis/sessions", "parvis/kiosk", "parvis/hw", "net/http", "database/sql", "github.com/gin-gonic/gin"},
	"portal":   {"parvis/firewall", "parvis/hw", "parvis/sessions/sqlite", "parvis/portal/staff/sqlite", "database/sql", "github.com/coreos/go-iptables", "github.com/vishvananda/netlink"},
	"kiosk":    {"parvis/portal", "parvis/sessions", "parvis/firewall", "parvis/hw", "database/sql", "github.com/gin-gonic/gin", "github.com/coreos/go-iptables", "github.com/vishvananda/netlink"},
	"hw":       {"parvis/portal", "parvis/sessions", "parvis/firewall", "parvis/kiosk", "parvis/internal/config", "parvis/internal/control", "net/http", "database/sql"},
	"internal": {"parvis/cmd"},
}

func TestImportsKeepTheRooms(t *testing.T) {
	for pkg, forbidden := range mustNotKnow {
		t.Run(pkg, func(t *testing.T) {
			for _, p := range golist(t, "-f", "{{.ImportPath}}", "parvis/"+pkg+"/...") {
				if p == "parvis/portal/staff/sqlite" || p == "parvis/kiosk/sqlite" {
					continue // a store knows SQL, and only cmd knows a store
				}
				deps := golist(t, "-deps", "-f", "{{.ImportPath}}", p)
				if len(deps) == 0 {
					t.Fatalf("go list names no dependency of %s", p)
				}
				for _, d := range deps {
					for _, f := range forbidden {
						if d == f || strings.HasPrefix(d, f+"/") {
							t.Errorf("%s depends on %s", p, d)
						}
					}
				}
			}
		})
	}
}

func golist(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list", "-tags", "nomsgpack"}, args...)...).Output()
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	return strings.Fields(string(out))
}
