package hw_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parvis/hw"
)

// tree makes a root of files. The trees are written after the kernel's documents; docs/boards.md says which boards were tried.
func tree(t *testing.T, files map[string]string) hw.Root {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return hw.Root(root)
}

func TestABoardIsCalledByTheFirstThatSaysSo(t *testing.T) {
	for about, tc := range map[string]struct {
		files map[string]string
		want  hw.Board
		err   error
	}{
		"nothing says": {nil, hw.Board{}, hw.ErrAbsent},
		"device tree": {map[string]string{
			"proc/device-tree/model":      "Raspberry Pi 4 Model B Rev 1.4\x00",
			"proc/device-tree/compatible": "raspberrypi,4-model-b\x00brcm,bcm2711\x00",
		}, hw.Board{Model: "Raspberry Pi 4 Model B Rev 1.4", ID: "raspberrypi,4-model-b"}, nil},
		"OpenWrt knows better than the tree": {map[string]string{
			"tmp/sysinfo/model":           "Linksys E8450 (UBI)\n",
			"proc/device-tree/model":      "Linksys E8450\x00",
			"proc/device-tree/compatible": "linksys,e8450-ubi\x00",
		}, hw.Board{Model: "Linksys E8450 (UBI)", ID: "linksys,e8450-ubi"}, nil},
		"a PC": {map[string]string{
			"sys/class/dmi/id/sys_vendor": "PC Engines\n", "sys/class/dmi/id/product_name": "apu2\n",
		}, hw.Board{Model: "PC Engines apu2"}, nil},
		"a PC that names its maker twice": {map[string]string{
			"sys/class/dmi/id/sys_vendor": "HP\n", "sys/class/dmi/id/product_name": "HP t630 Thin Client\n",
		}, hw.Board{Model: "HP t630 Thin Client"}, nil},
		"a PC whose maker left its form empty": {map[string]string{
			"sys/class/dmi/id/sys_vendor": "To Be Filled By O.E.M.\n", "sys/class/dmi/id/product_name": "Default string\n",
		}, hw.Board{}, hw.ErrAbsent},
		"letters that a terminal or a label must not get": {map[string]string{
			"tmp/sysinfo/model": "Board® N°2 \x1b[31m\"{rev 1}\n",
		}, hw.Board{Model: "Board N2 31mrev 1"}, nil},
		"a name without end": {map[string]string{"tmp/sysinfo/model": strings.Repeat("x", 5000)}, hw.Board{Model: strings.Repeat("x", 64)}, nil},
	} {
		t.Run(about, func(t *testing.T) {
			b, err := tree(t, tc.files).Board()
			if !errors.Is(err, tc.err) || b != tc.want {
				t.Errorf("%+v, %v; expected %+v, %v", b, err, tc.want, tc.err)
			}
		})
	}
}

func TestTemperaturesAreThoseOfZonesAndMonitors(t *testing.T) {
	for about, tc := range map[string]struct {
		files map[string]string
		want  []hw.Temperature
		fault string // in the error; "" none or absence
	}{
		"none": {nil, nil, ""},
		"zones, in the order of their numbers": {map[string]string{
			"sys/class/thermal/thermal_zone0/type": "cpu-thermal\n", "sys/class/thermal/thermal_zone0/temp": "48200\n",
			"sys/class/thermal/thermal_zone10/type": "wifi\n", "sys/class/thermal/thermal_zone10/temp": "61000\n",
			"sys/class/thermal/thermal_zone2/type": "ddr\n", "sys/class/thermal/thermal_zone2/temp": "-5000\n",
			"sys/class/thermal/cooling_device0/type": "fan\n",
		}, []hw.Temperature{{"cpu-thermal", 48.2}, {"ddr", -5}, {"wifi", 61}}, ""},
		"a zone that is a monitor too is said once": {map[string]string{
			"sys/class/thermal/thermal_zone0/type": "cpu-thermal\n", "sys/class/thermal/thermal_zone0/temp": "48200\n",
			"sys/class/hwmon/hwmon0/name": "cpu_thermal\n", "sys/class/hwmon/hwmon0/temp1_input": "48200\n",
			"sys/class/hwmon/hwmon1/name": "nvme\n", "sys/class/hwmon/hwmon1/temp1_input": "39850\n", "sys/class/hwmon/hwmon1/temp1_label": "Composite\n",
		}, []hw.Temperature{{"cpu-thermal", 48.2}, {"nvme Composite", 39.85}}, ""},
		"sensors of one name have numbers": {map[string]string{
			"sys/class/thermal/thermal_zone0/type": "soc\n", "sys/class/thermal/thermal_zone0/temp": "40000\n",
			"sys/class/thermal/thermal_zone1/type": "soc\n", "sys/class/thermal/thermal_zone1/temp": "41000\n",
		}, []hw.Temperature{{"soc", 40}, {"soc 2", 41}}, ""},
		"what no sensor can mean is left out": {map[string]string{
			"sys/class/thermal/thermal_zone0/type": "a\n", "sys/class/thermal/thermal_zone0/temp": "-273150\n",
			"sys/class/thermal/thermal_zone1/type": "b\n", "sys/class/thermal/thermal_zone1/temp": "255000\n",
			"sys/class/thermal/thermal_zone2/type": "c\n",
		}, nil, ""},
		"one that is broken does not hide another": {map[string]string{
			"sys/class/thermal/thermal_zone0/type": "a\n", "sys/class/thermal/thermal_zone0/temp": "hot\n",
			"sys/class/thermal/thermal_zone1/type": "b\n", "sys/class/thermal/thermal_zone1/temp": "50000\n",
		}, []hw.Temperature{{"b", 50}}, `thermal_zone0/temp: "hot"; expected a whole number`},
	} {
		t.Run(about, func(t *testing.T) {
			got, err := tree(t, tc.files).Temperatures()
			switch {
			case tc.fault != "" && (err == nil || !strings.Contains(err.Error(), tc.fault) || errors.Is(err, hw.ErrAbsent)):
				t.Errorf("%v; expected %s", err, tc.fault)
			case tc.fault == "" && len(tc.want) == 0 && !errors.Is(err, hw.ErrAbsent):
				t.Errorf("%v; expected absence", err)
			case tc.fault == "" && len(tc.want) > 0 && err != nil:
				t.Error(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheHottestIsTheHottest(t *testing.T) {
	if _, ok := hw.Hottest(nil); ok {
		t.Error("of none")
	}
	if h, ok := hw.Hottest([]hw.Temperature{{"a", -20}, {"b", -3}, {"c", -9}}); !ok || h.Sensor != "b" {
		t.Error(h, ok)
	}
}

func TestWearIsWhatTheFlashSays(t *testing.T) {
	mmc := func(life, eol string) map[string]string {
		return map[string]string{"sys/block/mmcblk0/device/life_time": life, "sys/block/mmcblk0/device/pre_eol_info": eol, "sys/block/mmcblk0boot0/device/life_time": "0x0b 0x0b\n"}
	}
	ubi := func(most, bad, left string) map[string]string {
		return map[string]string{
			"sys/class/ubi/ubi0/max_ec": most, "sys/class/ubi/ubi0/bad_peb_count": bad, "sys/class/ubi/ubi0/reserved_for_bad": left,
			"sys/class/ubi/ubi0_0/max_ec": "99999\n", "sys/class/ubi/version": "1\n",
		}
	}
	for about, tc := range map[string]struct {
		files map[string]string
		want  []hw.Wear
		fault string
	}{
		"none":                               {nil, nil, ""},
		"an SD card says nothing":            {map[string]string{"sys/block/mmcblk0/size": "1\n"}, nil, ""},
		"a chip that says neither":           {mmc("0x00 0x00\n", "0x00\n"), nil, ""},
		"the cells that are worn more count": {mmc("0x02 0x09\n", "0x01\n"), []hw.Wear{{Device: "mmcblk0", Used: 90}}, ""},
		"beyond its life":                    {mmc("0x0b 0x01\n", "0x02\n"), []hw.Wear{{Device: "mmcblk0", Used: 110, Spare: true}}, ""},
		"not what a chip says":               {mmc("0xff 0x01\n", "0x02\n"), nil, "expected two numbers"},
		"erasures that UBI has counted":      {ubi("25400\n", "3\n", "17\n"), []hw.Wear{{Device: "ubi0", Used: 25}}, ""},
		"no block is left to stand in":       {ubi("2540\n", "20\n", "0\n"), []hw.Wear{{Device: "ubi0", Used: 2, Spare: true}}, ""},
		"NOR has none to begin with":         {ubi("2540\n", "0\n", "0\n"), []hw.Wear{{Device: "ubi0", Used: 2}}, ""},
		"less than nothing":                  {ubi("-1\n", "0\n", "0\n"), []hw.Wear{{Device: "ubi0"}}, ""},
	} {
		t.Run(about, func(t *testing.T) {
			got, err := tree(t, tc.files).Wear()
			switch {
			case tc.fault != "" && (err == nil || !strings.Contains(err.Error(), tc.fault)):
				t.Errorf("%v; expected %s", err, tc.fault)
			case tc.fault == "" && len(tc.want) == 0 && !errors.Is(err, hw.ErrAbsent):
				t.Errorf("%v; expected absence", err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestABatteryClockIsOneThatIsSet(t *testing.T) {
	for about, tc := range map[string]struct {
		files map[string]string
		want  bool
	}{
		"none":                {nil, false},
		"its battery is flat": {map[string]string{"sys/class/rtc/rtc0/since_epoch": "946684800\n"}, false},
		"set":                 {map[string]string{"sys/class/rtc/rtc0/since_epoch": "1795955998\n"}, true},
	} {
		t.Run(about, func(t *testing.T) {
			c, err := tree(t, tc.files).Clock()
			if !errors.Is(err, hw.ErrAbsent) || c.Battery != tc.want {
				t.Errorf("%+v, %v", c, err)
			}
		})
	}
}

func TestTheClocksErrorIsTheKernels(t *testing.T) {
	for text, want := range map[string]hw.Clock{
		"0 250000": {Synchronised: true, Error: 250 * time.Millisecond}, "64 16000000": {Error: 16 * time.Second}, "8193 500": {Synchronised: true, Error: 500 * time.Microsecond},
	} {
		if c, err := tree(t, map[string]string{"adjtimex": text + "\n"}).Clock(); err != nil || c != want {
			t.Errorf("%s: %+v, %v", text, c, err)
		}
	}
	if _, err := tree(t, map[string]string{"adjtimex": "soon\n"}).Clock(); err == nil || errors.Is(err, hw.ErrAbsent) {
		t.Error(err)
	}
	if c, err := hw.Root("/").Clock(); err != nil || c.Error < 0 {
		t.Errorf("%+v, %v", c, err)
	}
}
