package usage

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parvis/internal/figure"
	"parvis/internal/golden"
)

func TestTheDraftSpeaksTheCoopsWords(t *testing.T) {
	day := time.Date(2026, 11, 24, 13, 0, 0, 0, time.UTC)
	heads := 11
	h := HalfDay{
		Place: "Maison des habitants", Day: day, Part: Afternoon, Measured: Partly, Devices: rough(23),
		Workshops: []Workshop{
			{Title: "Premiers pas", Began: day.Add(time.Hour), Length: 90 * time.Minute, Heads: &heads, Devices: 12},
			{Title: "=Photos", Began: day.Add(3 * time.Hour), Length: time.Hour, Devices: 3},
		},
	}
	golden.Check(t, "halfday.txt.golden", h.Text())
	golden.Check(t, "halfday.csv.golden", string(h.CSV()))
}

func TestARoughNumberIsARange(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 1: "moins de 5", 4: "moins de 5", 5: "de 5 à 9", 9: "de 5 à 9", 10: "de 10 à 19", 499: "de 200 à 499", 500: "500 ou plus", 9999: "500 ou plus"} {
		if got := rough(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func TestAReportSurvivesJSON(t *testing.T) {
	want := Report{
		Sessions: figure.Of(12), Minutes: Figure{How: Hidden}, Bytes: Figure{How: Few}, Peak: Figure{How: Missing},
		Rows: []Row{{Sessions: figure.Of(0), Peak: Figure{How: Few}, Devices: Figure{How: Missing}}},
	}
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Report
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s\n%s", diff, b)
	}
}
