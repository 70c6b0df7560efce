package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"parvis/internal/control"
	"parvis/internal/lab/kiosk"
)

const printerURI = "ipp://127.0.0.1:8631/ipp/print"

// printer starts Debian's ippeveprinter on the router, where only Parvis reaches it.
func (p *place) printer() {
	p.t.Helper()
	dir := p.t.TempDir()
	bus := filepath.Join(dir, "bus") // it wants one, to announce itself; nobody listens there
	run := func(env string, name string, args ...string) {
		p.t.Helper()
		if _, err := exec.LookPath(name); err != nil {
			p.t.Fatal(err) // the lab is there, and so is what .ci/packages lists
		}
		cmd, err := p.RouterCommand(name, args...)
		if err != nil {
			p.t.Fatal(err)
		}
		cmd.Env = append(cmd.Env, env)
		if _, err := p.StartRouterProgram(cmd); err != nil {
			p.t.Fatal(err)
		}
	}
	run("", "dbus-daemon", "--session", "--nofork", "--nopidfile", "--address=unix:path="+bus)
	p.until("have a bus", func() bool { _, err := os.Stat(bus); return err == nil })
	run("DBUS_SYSTEM_BUS_ADDRESS=unix:path="+bus, "ippeveprinter", "-r", "off", "-n", "localhost", "-p", "8631", "-d", dir, "-c", "/bin/true",
		"-f", "application/pdf,text/plain,image/pwg-raster", "essai")
	p.until("have a printer", func() bool { return p.printerSays("get-printer-attributes.test") == nil })
}

// printerSays runs one of CUPS' tests, or a file of ours, against the printer itself.
func (p *place) printerSays(test string) error {
	out, err := p.RouterOutput(ctx(p.t), "ipptool", "-tv", "-T", "10", printerURI, test)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// job is an error unless the printer has its first job in one of these states: "3,4".
func (p *place) job(states string) error {
	p.t.Helper()
	test := filepath.Join(p.t.TempDir(), "state.test")
	write(p.t, test, `{
	NAME "its state"
	OPERATION Get-Job-Attributes
	GROUP operation-attributes-tag
	ATTR charset attributes-charset utf-8
	ATTR language attributes-natural-language en
	ATTR uri printer-uri $uri
	ATTR integer job-id 1
	STATUS successful-ok
	EXPECT job-state OF-TYPE enum WITH-VALUE "`+states+`"
}
`)
	return p.printerSays(test)
}

// A daemon that is killed while a job waits in the printer finds it again: it stays while its person does, and goes with them.
func TestAWaitingJobIsDroppedAtTheEndThoughTheDaemonWasKilled(t *testing.T) {
	for name, endBefore := range map[string]bool{"its session ends after the restart": false, "its session ends, and the daemon is killed before it has said so": true} {
		t.Run(name, func(t *testing.T) {
			p := withTerminals(t, `printer = "`+printerURI+`"`)
			k, err := kiosk.New(ctx(t), p.Town, "un", "ABCD1234")
			if err != nil {
				t.Fatal(err)
			}
			p.printer()
			p.boot(k)
			id, yes := p.register(k), true
			p.do(control.TerminalRequest{Do: control.TerminalChange, Which: id, Prints: &yes})
			p.home(k)
			p.do(control.TerminalRequest{Do: control.TerminalOpen, Which: id, For: 30 * time.Minute})
			const createJob = 0x05 // without its document yet: so one waits in this printer
			if got := p.ipp(k, createJob); got != 0 {
				t.Fatalf("Create-Job: %#x", got)
			}
			end := func() { p.do(control.TerminalRequest{Do: control.TerminalEnd, Which: id}) }
			if endBefore {
				end()
			}
			if err := p.daemon.Kill(); err != nil {
				t.Fatal(err)
			}
			if !endBefore {
				if err := p.job("3,4"); err != nil {
					t.Fatalf("the job does not wait: %v", err)
				}
			}
			p.serve()
			if !endBefore {
				if got := p.ipp(k, 0x0a); got != 0 { // Get-Jobs: it is served, under the same session
					t.Errorf("Get-Jobs after the restart: %#x", got)
				}
				if err := p.job("3,4"); err != nil {
					t.Errorf("its person is still there, and the job is gone: %v", err)
				}
				end()
			}
			p.until("drop the job", func() bool { return p.job("7") == nil })
		})
	}
}
