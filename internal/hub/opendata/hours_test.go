package opendata_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"parvis/internal/hub/opendata"
	"parvis/sessions/hours"
)

var places = []struct {
	week, holiday, exceptions []string
	want                      string
}{
	{nil, nil, nil, "24/7"},
	{nil, nil, []string{"2026-12-25 fermé"}, "24/7; 2026 Dec 25 off"},
	{[]string{"lun-ven 9:00-12:00 14:00-18:30", "sam 8h30-12h"}, nil, nil, "Mo-Fr 09:00-12:00,14:00-18:30; Sa 08:30-12:00"},
	{[]string{"mar 9:00-12:00", "jeu 9:00-12:00", "mar 14:00-17:00", "mer,ven 10:00-18:00"}, nil, nil, "Tu 09:00-12:00,14:00-17:00; We,Fr 10:00-18:00; Th 09:00-12:00"},
	{[]string{"sam,dim 10:00-18:00"}, nil, nil, "Sa,Su 10:00-18:00"},
	{[]string{"ven 18:00-2:00", "dim 0:00-24:00"}, nil, nil, "Fr 18:00-02:00; Su 00:00-24:00"},
	{
		[]string{"lun-ven 9:00-17:00"},
		nil,
		[]string{"2026-12-25 fermé", "2026-12-24 9:00-12:00", "2026-11-28 14:00-16:00"},
		"Mo-Fr 09:00-17:00; 2026 Nov 28 14:00-16:00; 2026 Dec 24 09:00-12:00; 2026 Dec 25 off",
	},
	{[]string{"lun-sam 9:00-17:00"}, []string{"mar-jeu 10:00-12:00"}, nil, "Mo-Sa 09:00-17:00; SH Mo,Fr,Sa off; SH Tu-Th 10:00-12:00"},
}

func TestHoursAreSaidAsOpenStreetMapDoes(t *testing.T) {
	for _, p := range places {
		place := opendata.Place{Week: p.week, Holiday: p.holiday, Exceptions: p.exceptions, Zone: paris}
		got, err := place.OpeningHours()
		if err != nil || got != p.want {
			t.Errorf("%q %q %q: %s, %v; expected %s", p.week, p.holiday, p.exceptions, got, err, p.want)
		}
	}
}

const script = `
const opening_hours = require(process.argv[2]);
let all = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(all.map(q => {
	const oh = new opening_hours(q.hours, null, {locale: "fr"});
	return q.at.map(t => oh.getState(new Date(t)));
})));`

// The evaluation tool of OpenStreetMap reads the hours, and finds the place open when our own calendar does: every half hour of six weeks.
// School holidays are left out: which days they are it asks of another place.
func TestOpenStreetMapsToolUnderstandsTheHours(t *testing.T) {
	tool, err := filepath.Abs("../../../.tools/npm/node_modules/opening_hours")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(tool); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err, "(.ci/deps installs it)")
	}
	type question struct {
		Hours string  `json:"hours"`
		At    []int64 `json:"at"`
	}
	var asked []question
	var want [][]bool
	for _, p := range places {
		if len(p.holiday) > 0 {
			continue
		}
		config := hours.Config{Zone: paris}
		for _, line := range p.week {
			w, err := hours.ParseWeek(line)
			if err != nil {
				t.Fatal(err)
			}
			config.Week = append(config.Week, w)
		}
		for _, line := range p.exceptions {
			e, err := hours.ParseException(line)
			if err != nil {
				t.Fatal(err)
			}
			config.Specials = append(config.Specials, e)
		}
		calendar := hours.New(config)
		q := question{Hours: p.want}
		var open []bool
		for at := time.Date(2026, 11, 20, 0, 15, 0, 0, paris); at.Before(time.Date(2027, 1, 1, 0, 0, 0, 0, paris)); at = at.Add(30 * time.Minute) {
			q.At = append(q.At, at.UnixMilli())
			o, _, _ := calendar.At(at)
			open = append(open, o)
		}
		asked, want = append(asked, q), append(want, open)
	}
	in, err := json.Marshal(asked)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	name, input := filepath.Join(dir, "ask.js"), filepath.Join(dir, "in.json")
	for n, data := range map[string][]byte{name: []byte(script), input: in} {
		if err := os.WriteFile(n, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stdin, err := os.Open(input)
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	cmd := exec.CommandContext(t.Context(), "node", name, tool)
	cmd.Env, cmd.Stdin, cmd.Stderr = append(os.Environ(), "TZ=Europe/Paris"), stdin, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got [][]bool
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	for i := range want {
		for j := range want[i] {
			if got[i][j] != want[i][j] {
				t.Errorf("%s at %s: the tool says %v, we say %v", asked[i].Hours, time.UnixMilli(asked[i].At[j]).In(paris), got[i][j], want[i][j])
				break
			}
		}
	}
}
