package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	nl "github.com/vishvananda/netlink"
	netlink "github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// The generic netlink family of simulated radios (drivers/net/wireless/mac80211_hwsim.h of the kernel).
const (
	hwsimFamily    = "MAC80211_HWSIM"
	hwsimVersion   = 1
	hwsimNewRadio  = 4
	hwsimRadioName = 17
	hwsimNoVIF     = 18
)

// radios counts them: one goes some time after the town that it was of, and no two have one name.
var radios atomic.Int32

// radio makes a simulated radio and gives it to a machine, where it is the interface dev. All are made by the router, since only
// radios that are of one network's making hear each other.
func (t *Town) radio(ctx context.Context, to *NS, dev string) (net.HardwareAddr, error) {
	name := fmt.Sprintf("radio%d", radios.Add(1))
	err := t.Router.Do(func() error {
		family, err := nl.GenlFamilyGet(hwsimFamily)
		if err != nil {
			return fmt.Errorf("%s: %w; expected the module mac80211_hwsim", hwsimFamily, err)
		}
		req := netlink.NewNetlinkRequest(int(family.ID), unix.NLM_F_ACK)
		req.AddData(&netlink.Genlmsg{Command: hwsimNewRadio, Version: hwsimVersion})
		req.AddData(netlink.NewRtAttr(hwsimRadioName, []byte(name))) // its length is checked: no zero at the end
		req.AddData(netlink.NewRtAttr(hwsimNoVIF, nil))
		_, err = req.Execute(unix.NETLINK_GENERIC, 0)
		// The kernel's acknowledgement is the radio's number in place of 0, which reads as an error with its sign turned.
		if number := unix.Errno(0); errors.As(err, &number) && int(number) < 0 {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("lab: make radio %s: %w", name, err)
	}
	if to != t.Router {
		if _, err := t.Router.Output(ctx, "iw", "phy", name, "set", "netns", "name", to.Name); err != nil {
			return nil, err
		}
	}
	if _, err := to.Output(ctx, "iw", "phy", name, "interface", "add", dev, "type", "managed"); err != nil {
		return nil, err
	}
	var mac net.HardwareAddr
	err = to.Do(func() error {
		link, err := nl.LinkByName(dev)
		if err == nil {
			mac = link.Attrs().HardwareAddr
		}
		return err
	})
	return mac, err
}

const hostapdControl = "/run/hostapd"

// AccessPoint is a radio of the router with the real hostapd: one port of the guest bridge, whoever is associated.
type AccessPoint struct {
	BSSID string
	Port  string
}

// AddAccessPoint starts one. isolated keeps its devices apart from each other (ap_isolate of hostapd.conf).
func (t *Town) AddAccessPoint(ctx context.Context, port string, isolated bool) (*AccessPoint, error) {
	mac, err := t.radio(ctx, t.Router, port)
	if err != nil {
		return nil, err
	}
	conf := fmt.Sprintf("interface=%s\nbridge=%s\ndriver=nl80211\nssid=%s\nhw_mode=g\nchannel=1\nctrl_interface=%s\n", port, GuestBridge, SSID, hostapdControl)
	if isolated {
		conf += "ap_isolate=1\n"
	}
	file := filepath.Join(t.Dir, port+".hostapd.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	p, err := t.StartRouterProgram(exec.Command("hostapd", file))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, Patient(time.Minute))
	defer cancel()
	return &AccessPoint{BSSID: mac.String(), Port: port}, p.until(ctx, "serve", func(ctx context.Context) error {
		out, err := t.Router.Output(ctx, "hostapd_cli", "-p", hostapdControl, "-i", port, "status")
		if err == nil && !strings.Contains(out, "state=ENABLED") {
			err = errors.New(out)
		}
		return err
	})
}

// antenna gives the device a radio in place of a cable, and the real wpa_supplicant, which associates with the strongest access point.
func (g *Guest) antenna(ctx context.Context) (err error) {
	if g.MAC, err = g.town.radio(ctx, g.NS, "eth0"); err != nil {
		return err
	}
	conf := fmt.Sprintf("ctrl_interface=%s\nnetwork={\n\tssid=%q\n\tkey_mgmt=NONE\n\tscan_freq=2412\n}\n", g.control(), SSID)
	file := filepath.Join(g.town.Dir, "guests", g.Name+".wpa.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	p, err := g.NS.Spawn(exec.Command("wpa_supplicant", "-i", "eth0", "-D", "nl80211", "-c", file))
	if err != nil {
		return err
	}
	g.town.mu.Lock()
	g.town.beyond = append(g.town.beyond, p)
	g.town.mu.Unlock()
	return g.associated(ctx, "")
}

func (g *Guest) control() string { return "/run/wpa-" + g.Name }

// Associated returns the BSSID of the access point that the device is at; "" none.
func (g *Guest) Associated(ctx context.Context) (string, error) {
	out, err := g.NS.Output(ctx, "wpa_cli", "-p", g.control(), "-i", "eth0", "status")
	if err != nil {
		return "", err
	}
	var bssid string
	for line := range strings.Lines(out) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch {
		case name == "bssid":
			bssid = value
		case name == "wpa_state" && value != "COMPLETED":
			return "", nil
		}
	}
	return bssid, nil
}

// associated waits until the device is at an access point: that one, or any when bssid is "".
func (g *Guest) associated(ctx context.Context, bssid string) error {
	ctx, cancel := context.WithTimeout(ctx, Patient(time.Minute))
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		at, err := g.Associated(ctx)
		if err == nil && at != "" && (bssid == "" || at == bssid) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("lab: guest %s is at %q, not at an access point %s: %w (last: %v)", g.Name, at, bssid, ctx.Err(), err)
		}
	}
}

// RoamTo makes a device with a radio change to another access point of the same network, as it would when walking.
func (g *Guest) RoamTo(ctx context.Context, a *AccessPoint) error {
	if _, err := g.NS.Output(ctx, "wpa_cli", "-p", g.control(), "-i", "eth0", "scan"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, Patient(time.Minute))
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for { // it is refused until the scan has found the other one
		out, err := g.NS.Output(ctx, "wpa_cli", "-p", g.control(), "-i", "eth0", "roam", a.BSSID)
		if err == nil && strings.Contains(out, "OK") {
			return g.associated(ctx, a.BSSID)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("lab: guest %s does not roam to %s: %w (last: %q, %v)", g.Name, a.BSSID, ctx.Err(), out, err)
		}
	}
}
