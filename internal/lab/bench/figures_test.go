package bench

import (
	"encoding/json"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

func someFigures() *Figures {
	f := &Figures{Backend: "nft", Results: map[string]float64{}, Missing: map[string]string{}, out: io.Discard}
	f.part = "forward"
	f.note(Figure{Name: "forward_pps_ratio_1", Iptables: "nft", Unit: "ratio", Value: 0.81, With: 81, Without: 100, Of: "frames/s", Rounds: 9, Low: 0.7, High: 0.9})
	f.note(Figure{Name: "forward_pps_ratio_1", Iptables: "legacy", Unit: "ratio", Value: 0.85})
	f.part = "idle"
	f.value("rss_mb_100", "MB", 33.5)
	f.miss("repair_ms_ipset_flush", "not repaired within 5 s")
	return f
}

func TestResultsNameTheBackendAndKeepTheMachinesOwnUnderTheBareName(t *testing.T) {
	want := map[string]float64{
		"forward_pps_ratio_1": 0.81, "forward_pps_ratio_1_nft": 0.81, "forward_pps_ratio_1_legacy": 0.85, "rss_mb_100": 33.5,
	}
	got := someFigures().Results
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s is %v, want %v", k, got[k], v)
		}
	}
	if len(got) != len(want) {
		t.Errorf("results %v", got)
	}
}

func TestFiguresAreReadBackFromTheirFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "latest.json")
	f := someFigures()
	if err := f.Write(path); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got Figures
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Figures) != 3 || got.Figures[0] != f.Figures[0] || got.Missing["repair_ms_ipset_flush"] == "" {
		t.Errorf("read back %+v", got)
	}
}

func TestMarkdownReplacesTheMarkedSectionAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "performance.md")
	page := "# Performance\n\n" + beginMark + "\nold\n" + endMark + "\n\nafter\n"
	if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second writes over the first
		if err := someFigures().WriteMarkdown(path); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := string(b)
	if !strings.HasPrefix(got, "# Performance\n\n"+beginMark+"\n") || !strings.HasSuffix(got, endMark+"\n\nafter\n") || strings.Contains(got, "old") {
		t.Errorf("page is\n%s", got)
	}
	for _, want := range []string{
		"| `forward_pps_ratio_1` | nft | 0.81 | ≥ 0.82, **missed** | 81.00 frames/s | 100.0 frames/s | 9, 0.70 to 0.90 |",
		"| `forward_pps_ratio_1` | legacy | 0.85 | ≥ 0.82, met |  |  |  |",
		"| `rss_mb_100` |  | 33.50 MB |  |",
		"- `repair_ms_ipset_flush`: not repaired within 5 s",
	} {
		if strings.Count(got, want) != 1 {
			t.Errorf("not once %q in\n%s", want, got)
		}
	}
}

func TestMarkdownNeedsItsMarks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "performance.md")
	if err := os.WriteFile(path, []byte("# Performance\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := someFigures().WriteMarkdown(path); err == nil || !strings.Contains(err.Error(), beginMark) {
		t.Errorf("error %v does not say which mark is missing", err)
	}
}

func TestAFrameIsSixtyFourBytesOnTheWireAndWellFormed(t *testing.T) {
	m := []byte{2, 0, 0, 0, 0, 1}
	b, err := frame(m, netip.MustParseAddr("10.77.1.1"), 40000, shortest)
	if err != nil || len(b) != 60 {
		t.Fatalf("%d bytes, %v; want 60 and the check sequence of 4 that the wire adds", len(b), err)
	}
	p := gopacket.NewPacket(b, layers.LayerTypeEthernet, gopacket.Default)
	udp, ok := p.Layer(layers.LayerTypeUDP).(*layers.UDP)
	if !ok || udp.SrcPort != 40000 || p.ErrorLayer() != nil {
		t.Errorf("frame reads as %v", p)
	}
}
