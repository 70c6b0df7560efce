package machine

import (
	"os"
	"strings"
	"testing"
)

func FuzzParseSocket(f *testing.F) {
	for _, s := range []string{
		"", "sl", "0: 0101A8C0:0035 00000000:0000 0A 00000000:00000000 00:00000000 00000000 111 0 2001 1",
		"1: 00000000000000000000000001000000:20FB x 0A a b c d e 7", "1: 0:0 x 0A a b c d e 7", "1: 0101A8C:35 x 0A a b c d e 7", "1: zz:FFFFF x 0A a b c d e 7",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		local, state, inode, err := parseSocket(line)
		if err == nil && (!local.IsValid() || state == "" || inode == "") {
			t.Errorf("%q: %v %q %q", line, local, state, inode)
		}
	})
}

func FuzzDnsmasqSettings(f *testing.F) {
	for _, s := range []string{"", "dnsmasq", "dnsmasq\x00-i\x00eth1", "dnsmasq\x00--interface", "dnsmasq\x00-", "dnsmasq\x00-C\x00/f", "d\x00-7\x00/,*.x", "d\x00--=x"} {
		f.Add(s, "interface=eth1\n#\n=\nconf-file=/etc/dnsmasq.conf\nconf-dir=/\nexcept-interface=*")
	}
	root := Root(f.TempDir())
	f.Fuzz(func(t *testing.T, args, file string) {
		if err := os.WriteFile(root.Path("/f"), []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		p := Program{Args: strings.Split(args, "\x00")}
		root.dnsmasq(&p)
		p.Except = append(p.Except, "eth1")
		if p.Serves("eth1") {
			t.Error("serves what is left out")
		}
	})
}

func FuzzSSHConnection(f *testing.F) {
	for _, s := range []string{"", "a b c d", "192.168.1.20 51234 192.168.1.1 22", "fe80::2%eth1 1 fe80::1%eth1 22", "::ffff:1.2.3.4 1 ::ffff:1.2.3.4 22"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, s string) { sshInterface(s, []Interface{{Name: "eth0"}}) })
}
