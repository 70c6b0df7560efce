package hwlab

import (
	"context"
	"errors"
)

// byAir are the tests that need radios.
var byAir = tested{"./cmd/parvis", "WiFi|AccessPoint", 3}

// tryWiFi runs them on simulated radios (mac80211_hwsim) with the real hostapd and wpa_supplicant: the frames, the bridge and
// the association are the kernel's; there is no air.
func tryWiFi(ctx context.Context, l *Lab) error {
	o, err := l.withTests(ctx)
	if err != nil {
		return err
	}
	b, err := l.Start(ctx, o)
	if err != nil {
		return err
	}
	if _, err := b.Output(ctx, "modprobe", "mac80211_hwsim", "radios=0"); err != nil {
		return errors.Join(err, b.Kill())
	}
	_, err = l.test(ctx, b, byAir)
	return errors.Join(err, b.Kill())
}
