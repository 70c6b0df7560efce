package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// PrinterURI is the printer of the town's own network, behind the line: the router reaches it, and no terminal does.
const PrinterURI = "ipp://192.168.1.40:8631/ipp/print"

var printerV4 = netip.MustParseAddr("192.168.1.40")

// Printer is CUPS' own IPP Everywhere printer as a program, ippeveprinter. It prints on no paper: what has come whole is kept.
type Printer struct {
	process, bus *Process
	tray         string
}

// printed is what the printer runs for each document ($1): it counts the pages, tells them as a printer does, and lays the
// document into the tray under its number, at once.
const printed = `#!/bin/sh
set -e
pages=$(pdfinfo "$1" | sed -n 's/^Pages: *//p')
cp "$1" "TRAY/.$$"
mv "TRAY/.$$" "TRAY/$(ls TRAY | wc -l).pdf"
echo "ATTR: job-impressions-completed=$pages" >&2
`

// StartPrinter switches the printer on, at PrinterURI, and waits until it answers. It ends with the town.
func (t *Town) StartPrinter(ctx context.Context) (_ *Printer, err error) {
	dir := filepath.Join(t.Dir, "printer")
	p := &Printer{tray: filepath.Join(dir, "tray")}
	spool, command := filepath.Join(dir, "spool"), filepath.Join(dir, "command")
	if err := errors.Join(os.MkdirAll(p.tray, 0o755), os.MkdirAll(spool, 0o755),
		os.WriteFile(command, []byte(strings.ReplaceAll(printed, "TRAY", p.tray)), 0o755)); err != nil {
		return nil, fmt.Errorf("lab: printer: %w", err)
	}
	if err := t.Internet.addAddress("lo", netip.PrefixFrom(printerV4, 32)); err != nil {
		return nil, err
	}
	keep := func(proc *Process) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.beyond = append(t.beyond, proc)
	}
	// It wants a desktop's message bus, to announce itself; nobody listens there.
	socket := filepath.Join(dir, "bus")
	if p.bus, err = t.Internet.Spawn(exec.Command("dbus-daemon", "--session", "--nofork", "--nopidfile", "--address=unix:path="+socket)); err != nil {
		return nil, err
	}
	keep(p.bus)
	if err := p.bus.WaitReady(ctx, socket); err != nil {
		return nil, err
	}
	cmd := exec.Command("ippeveprinter", "-r", "off", "-p", "8631", "-d", spool, "-c", command, "-f", "application/pdf", "Imprimante")
	cmd.Env = append(os.Environ(), "DBUS_SYSTEM_BUS_ADDRESS=unix:path="+socket)
	if p.process, err = t.Internet.Spawn(cmd); err != nil {
		return nil, err
	}
	keep(p.process)
	return p, p.process.until(ctx, "answer", func(ctx context.Context) error {
		c, err := t.Internet.Dial(ctx, "tcp", printerV4.String()+":8631")
		if err == nil {
			c.Close()
		}
		return err
	})
}

// Documents returns what each document that has come whole says to a reader, oldest first.
func (p *Printer) Documents(ctx context.Context) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(p.tray, "*.pdf"))
	if err != nil {
		return nil, fmt.Errorf("lab: printer: %w", err)
	}
	number := func(file string) int {
		n, _ := strconv.Atoi(strings.TrimSuffix(filepath.Base(file), ".pdf"))
		return n
	}
	slices.SortFunc(files, func(a, b string) int { return number(a) - number(b) })
	var all []string
	for _, file := range files {
		text, err := exec.CommandContext(ctx, "pdftotext", file, "-").Output()
		if err != nil {
			return nil, fmt.Errorf("lab: printer: read %s: %w", filepath.Base(file), err)
		}
		all = append(all, string(text))
	}
	return all, nil
}
