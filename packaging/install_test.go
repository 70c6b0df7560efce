//go:build packages

package packaging_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// debian is a clean Debian 12, made once into .tools and copied.
func debian(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("needs root")
		}
		t.Skip("needs root")
	}
	kept, err := filepath.Abs("../.tools/debian")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(kept); err != nil {
		output(t, "debootstrap", "--variant=minbase",
			"--include=systemd,systemd-sysv,init-system-helpers,iptables,dnsmasq-base,iproute2,ca-certificates", "bookworm", kept+".new")
		if err := os.Rename(kept+".new", kept); err != nil {
			t.Fatal(err)
		}
	}
	root := filepath.Join(t.TempDir(), "debian")
	output(t, "cp", "-a", "--reflink=auto", kept, root)
	return root
}

// inside runs a command in the root, in a network of its own.
func inside(t *testing.T, root string, argv ...string) string {
	t.Helper()
	out, err := tryInside(root, argv...)
	if err != nil {
		t.Fatalf("%v: %v: %s", argv, err, out)
	}
	return out
}

func tryInside(root string, argv ...string) (string, error) {
	cmd := exec.Command("unshare", append([]string{"--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc=" + filepath.Join(root, "proc"), "chroot", root}, argv...)...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C"}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func put(t *testing.T, from, root, to string) {
	t.Helper()
	output(t, "install", "-m", "644", from, filepath.Join(root, to))
}

func there(root, path string) bool {
	_, err := os.Lstat(filepath.Join(root, path))
	return err == nil
}

func TestInstalledRemovedInstalledAgainAndPurged(t *testing.T) {
	root := debian(t)
	put(t, filepath.Join(dist(t), "parvis_1.0.0_amd64.deb"), root, "/parvis.deb")

	out := inside(t, root, "dpkg", "-i", "/parvis.deb")
	if !strings.Contains(out, "parvis init") {
		t.Errorf("what comes next is not said: %s", out)
	}
	if out := inside(t, root, "dpkg", "--verify", "parvis"); out != "" {
		t.Errorf("files that differ: %s", out)
	}
	if out := inside(t, root, "parvis", "--version"); out != "1.0.0\n" {
		t.Errorf("version %q", out)
	}
	inside(t, root, "getent", "passwd", "parvis")
	for _, link := range []string{
		"multi-user.target.wants/parvis.service", "multi-user.target.wants/parvis-deny.service", "multi-user.target.wants/parvis-dnsmasq.service",
		"multi-user.target.wants/parvis-upgrade.path", "timers.target.wants/parvis-upgrade.timer",
	} {
		if !there(root, "/etc/systemd/system/"+link) {
			t.Errorf("%s is not enabled", link)
		}
	}
	if there(root, "/etc/systemd/system/multi-user.target.wants/parvis-dnsmasq-terminals.service") {
		t.Error("the terminals' dnsmasq is enabled where there are no terminals")
	}

	// A place, so that there is something to keep and to remove.
	const config = "[site]\nname = \"Essai\"\ncontact = \"accueil@essai.test\"\n[wan]\ninterface = \"eth0\"\n[guests]\ninterface = \"eth1\"\n" +
		"address = \"10.77.0.1/16\"\n[portal]\nname = \"wifi.essai.test\"\n[[profile]]\nname = \"visite\"\nlabel = \"Visite\"\nduration = \"1h\"\n"
	for file, text := range map[string]string{"/etc/parvis/parvis.toml": config, "/etc/parvis/site.key": strings.Repeat("0f", 32) + "\n", "/var/lib/parvis/parvis.db": "of root"} {
		if err := os.WriteFile(filepath.Join(root, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	inside(t, root, "/usr/lib/parvis/prepare")
	for _, file := range []string{"/etc/parvis/site.key", "/var/lib/parvis", "/var/lib/parvis/parvis.db", "/run/parvis"} {
		if who := inside(t, root, "stat", "-c", "%U", file); who != "parvis\n" {
			t.Errorf("%s belongs to %s", file, who)
		}
	}

	out = inside(t, root, "dpkg", "-r", "parvis")
	if !strings.Contains(out, "Nothing of Parvis is left in the kernel") || !strings.Contains(out, "apt purge parvis") {
		t.Errorf("removal says: %s", out)
	}
	for _, gone := range []string{"/usr/bin/parvis", "/usr/lib/parvis", "/lib/systemd/system/parvis.service", "/run/parvis"} {
		if there(root, gone) {
			t.Errorf("%s is left", gone)
		}
	}
	for _, kept := range []string{"/etc/parvis/parvis.toml", "/etc/parvis/site.key", "/var/lib/parvis/parvis.db"} {
		if !there(root, kept) {
			t.Errorf("%s is gone", kept)
		}
	}

	if out := inside(t, root, "dpkg", "-i", "/parvis.deb"); strings.Contains(out, "parvis init") {
		t.Errorf("a place that has a configuration is told to make one: %s", out)
	}
	inside(t, root, "dpkg", "-i", "/parvis.deb") // over itself
	if out := inside(t, root, "dpkg", "-P", "parvis"); !strings.Contains(out, "removing /etc/parvis") {
		t.Errorf("purging says: %s", out)
	}
	for _, gone := range []string{"/etc/parvis", "/var/lib/parvis", "/usr/lib/parvis", "/etc/systemd/system/multi-user.target.wants/parvis.service"} {
		if there(root, gone) {
			t.Errorf("%s is left after purging", gone)
		}
	}
}

// The boot step, as the unit runs it: nobody's process, with two capabilities, in a machine whose interfaces are not there yet.
func TestTheBootStepWorksWithoutRoot(t *testing.T) {
	root := debian(t)
	put(t, filepath.Join(dist(t), "parvis_1.0.0_amd64.deb"), root, "/parvis.deb")
	inside(t, root, "dpkg", "-i", "/parvis.deb")
	for _, backend := range []string{"nft", "legacy"} {
		t.Run(backend, func(t *testing.T) {
			for _, p := range []string{"iptables", "ip6tables"} {
				inside(t, root, "update-alternatives", "--set", p, "/usr/sbin/"+p+"-"+backend)
			}
			const config = "[site]\nname = \"Essai\"\ncontact = \"accueil@essai.test\"\n[wan]\ninterface = \"eth0\"\n[guests]\ninterface = \"eth1\"\n" +
				"address = \"10.77.0.1/16\"\n[portal]\nname = \"wifi.essai.test\"\n[[profile]]\nname = \"visite\"\nlabel = \"Visite\"\nduration = \"1h\"\n"
			if err := os.WriteFile(filepath.Join(root, "/etc/parvis/parvis.toml"), []byte(config), 0o644); err != nil {
				t.Fatal(err)
			}
			script := `set -e
/usr/lib/parvis/prepare
setpriv --reuid parvis --regid parvis --groups 0 --no-new-privs --inh-caps=-all,+net_admin,+net_raw \
	--ambient-caps=-all,+net_admin,+net_raw --bounding-set=-all,+net_admin,+net_raw /usr/lib/parvis/current deny
iptables-save; ip6tables-save
parvis down
iptables-save; ip6tables-save`
			out := inside(t, root, "sh", "-c", script)
			closed, open, ok := strings.Cut(out, "Nothing of Parvis is left in the kernel")
			if !ok || strings.Count(closed, "-A FORWARD -j PARVIS-FWD") != 2 || strings.Count(closed, ":FORWARD DROP") != 2 {
				t.Errorf("%s", out)
			}
			if strings.Contains(open, "PARVIS") {
				t.Errorf("left behind: %s", open)
			}
		})
	}
}
