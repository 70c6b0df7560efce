package scenes

import (
	"strings"
	"testing"
	"time"

	"parvis/internal/lab"
)

// Behind a router that lets everything pass, what the scenes see refused elsewhere is seen to pass.
func TestOpenRouterIsSeenToBeOpen(t *testing.T) {
	lab.NeedsLab(t)
	town, err := lab.NewTown(t.TempDir(), lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer town.Close()
	if err := town.PlainRouter(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	g, err := town.AddGuest(lab.GuestOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.DHCP(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := &Resident{Guest: g, town: town}
	if err := r.Online(t.Context()); err != nil {
		t.Error(err)
	}
	err = r.Offline(t.Context())
	if err == nil {
		t.Fatal("nothing is seen to pass")
	}
	echo4, echo6 := lab.Echo()
	want := []string{
		"over tcp to " + echo4.String(), "over udp to " + echo4.String(),
		"over tcp to " + echo6.String(), "over udp to " + echo6.String(),
		":443", "the internet has seen tcp", "the internet has seen udp",
	}
	for _, a := range lab.InnerHosts {
		want = append(want, a.String())
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q is not seen to pass:\n%v", w, err)
		}
	}

	d, err := r.Download(t.Context(), 200_000)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.StoppedBy(t.Context(), time.Now()); err == nil {
		t.Error("a download that goes on is not seen")
	}
}
