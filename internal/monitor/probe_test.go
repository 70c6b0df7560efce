package monitor

import (
	"regexp"
	"strings"
	"testing"

	"parvis/internal/control"
	"parvis/internal/hublink/wire"
	"parvis/internal/lang"
	"parvis/internal/plugin"
)

// calm is a place where all is well.
func calm() control.Condition {
	c := busy()
	c.Line = wire.Line{Up: true, Latency: 23, Loss: 1, Down: 10, Upload: 1}
	c.Hardware.Wear[1].Spare = false
	c.Problems, c.Terminals, c.Expires = nil, []wire.Terminal{{ID: "poste-1", State: "open"}}, map[string]int{"portal": 60}
	return c
}

func TestAPluginJudges(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*control.Condition)
		state  plugin.State
		says   string
	}{
		"all is well":              {func(*control.Condition) {}, plugin.OK, "12 of 240 sessions"},
		"the line is down":         {func(c *control.Condition) { c.Line.Up = false }, plugin.Critical, "the line is down"},
		"nothing can be written":   {func(c *control.Condition) { c.Problems = []wire.Problem{{Code: "store"}} }, plugin.Critical, "the database takes no writes"},
		"the clock is not set":     {func(c *control.Condition) { c.Problems = []wire.Problem{{Code: "clock"}} }, plugin.Warning, "the clock is not set"},
		"nearly full":              {func(c *control.Condition) { c.Open = 216 }, plugin.Warning, "90 % of the places are taken"},
		"full":                     {func(c *control.Condition) { c.Open = 240 }, plugin.Critical, "100 % of the places are taken"},
		"slow":                     {func(c *control.Condition) { c.Line.Latency = 300 }, plugin.Warning, "after 300 ms"},
		"lossy":                    {func(c *control.Condition) { c.Line.Loss = 50 }, plugin.Critical, "50 % of the questions"},
		"disk":                     {func(c *control.Condition) { c.Disk.Free = c.Disk.Size / 12 }, plugin.Warning, "full to 92 %"},
		"certificate ends soon":    {func(c *control.Condition) { c.Expires["portal"] = 20 }, plugin.Warning, "in 20 days"},
		"certificate has ended":    {func(c *control.Condition) { c.Expires["portal"] = -1 }, plugin.Critical, "has ended"},
		"a silent terminal":        {func(c *control.Condition) { c.Terminals[0].State = "silent" }, plugin.Warning, "1 terminals are silent"},
		"the hub is silent":        {func(c *control.Condition) { *c.HubSilent = 7200 }, plugin.Critical, "for 7200 s"},
		"hot":                      {func(c *control.Condition) { c.Hardware.Temperatures[1].Celsius = 86 }, plugin.Warning, "the box has 86 °C"},
		"very hot":                 {func(c *control.Condition) { c.Hardware.Temperatures[0].Celsius = 104 }, plugin.Critical, "the box has 104 °C"},
		"worn":                     {func(c *control.Condition) { c.Hardware.Wear[0].Used = 90 }, plugin.Warning, "used up to 90 %"},
		"no spare block is left":   {func(c *control.Condition) { c.Hardware.Wear[1].Spare = true }, plugin.Critical, "used up to 100 %"},
		"a box that says nothing":  {func(c *control.Condition) { c.Hardware = control.Hardware{} }, plugin.OK, "12 of 240 sessions"},
		"the worst is what counts": {func(c *control.Condition) { c.Line.Up, c.Problems = false, []wire.Problem{{Code: "clock"}} }, plugin.Critical, "the line is down, the clock is not set"},
		"a problem of the future":  {func(c *control.Condition) { c.Problems = []wire.Problem{{Code: "fan"}} }, plugin.Warning, "fan"},
	} {
		t.Run(name, func(t *testing.T) {
			x := calm()
			c.change(&x)
			state, line := Judge(x, DefaultWarn, DefaultCrit, lang.EN)
			if state != c.state || !strings.HasPrefix(line, "PARVIS "+c.state.String()+" - ") || !strings.Contains(line, c.says) {
				t.Errorf("%v: %s", state, line)
			}
		})
	}
}

// What Centreon reads: 'label'=value[UOM];[warn];[crit];[min];[max], one line.
func TestPerformanceDataIsOfTheGuidelinesShape(t *testing.T) {
	one := regexp.MustCompile(`^[a-z_]+=-?[0-9.]+(s|%)?(;[0-9.]*:?){0,4}$`)
	_, line := Judge(busy(), DefaultWarn, DefaultCrit, lang.FR)
	if strings.ContainsAny(line, "\n\r") || strings.Count(line, "|") != 1 {
		t.Fatalf("%q", line)
	}
	_, data, _ := strings.Cut(line, " | ")
	for _, d := range strings.Fields(data) {
		if !one.MatchString(d) {
			t.Errorf("%q", d)
		}
	}
	want := "sessions=12;216;240;0;240 waiting=2;;;0 latency=0.023s;0.3;1;0 loss=4%;10;50;0;100 disk=75%;90;97;0;100 silent_terminals=2;1;;0;3 " +
		"certificate_console=-1;21:;7: certificate_portal=60;21:;7: hub_silent=75s;900;7200;0 temperature=61.5;85;100;0 worn=100%;80;100;0 uptime=3600s"
	if data != want {
		t.Errorf("\n got %s\nwant %s", data, want)
	}
}

func TestLimitsCanBeChangedAndNothingElse(t *testing.T) {
	warn, err := DefaultWarn.With(map[string]float64{"loss": 5})
	if err != nil || warn["loss"] != 5 || warn["disk"] != 90 || DefaultWarn["loss"] != 10 {
		t.Errorf("%v, %v", warn, err)
	}
	for _, bad := range []map[string]float64{{"lost": 1}, {"loss": -1}} {
		if _, err := DefaultWarn.With(bad); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
	c := calm()
	c.Open = 240
	never, _ := DefaultCrit.With(map[string]float64{"sessions": 0})
	if state, line := Judge(c, DefaultWarn, never, lang.EN); state != plugin.Warning {
		t.Errorf("a limit of 0 judges: %s", line)
	}
}
