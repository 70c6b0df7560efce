package kiosk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"parvis/internal/lab"
)

const (
	cupsAddress = "127.0.0.1:631" // of the terminal's own print system
	queue       = "poste"         // and its printer's name there
)

// cups is a terminal's print system, as 10-printing.xzm brings it: the real CUPS with one queue.
type cups struct {
	process *lab.Process
	dir     string // of the lab's own /run: CUPS' filters run as a user who gets into no other folder
}

// print starts the terminal's print system with a queue to the printer that its configuration names, and nothing when it names
// none. CUPS asks the printer itself what it can do, for that is what "IPP Everywhere" is.
func (t *Terminal) print(ctx context.Context) (err error) {
	printer := t.Settings["printer_connection"]
	if printer == "" || t.cups != nil {
		return nil
	}
	dir, err := os.MkdirTemp("/run", "cups-")
	if err != nil {
		return fmt.Errorf("kiosk: print system: %w", err)
	}
	t.cups = &cups{dir: dir}
	err = os.Chmod(dir, 0o755)
	for _, sub := range []string{"etc", "state", "cache", "spool", "tmp"} {
		err = errors.Join(err, os.Mkdir(filepath.Join(dir, sub), 0o755))
	}
	err = errors.Join(err, os.Chmod(filepath.Join(dir, "tmp"), 0o777),
		os.WriteFile(filepath.Join(dir, "etc", "cupsd.conf"), []byte(cupsdConf), 0o644),
		os.WriteFile(filepath.Join(dir, "etc", "cups-files.conf"), []byte(strings.ReplaceAll(cupsFilesConf, "DIR", dir)), 0o644))
	if err != nil {
		return fmt.Errorf("kiosk: print system: %w", err)
	}
	t.cups.process, err = t.Guest.NS.Spawn(exec.Command("cupsd", "-f", "-c", filepath.Join(dir, "etc", "cupsd.conf"), "-s", filepath.Join(dir, "etc", "cups-files.conf")))
	if err != nil {
		return err
	}
	if err := poll(ctx, attempt, func(ctx context.Context) error {
		c, err := t.Guest.NS.Dial(ctx, "tcp", cupsAddress)
		if err != nil {
			return errNotYet
		}
		return c.Close()
	}); err != nil {
		return fmt.Errorf("kiosk: print system: %w: %s", err, t.cups.log())
	}
	for _, args := range [][]string{
		{"lpadmin", "-h", cupsAddress, "-p", queue, "-E", "-m", "everywhere", "-v", printer},
		{"lpadmin", "-h", cupsAddress, "-d", queue},
	} {
		if _, err := t.Guest.NS.Output(ctx, args[0], args[1:]...); err != nil {
			return fmt.Errorf("%w: %s", err, t.cups.log())
		}
	}
	return nil
}

// Waiting lists what the terminal's print system has not printed, with what it says of each; "" nothing.
func (t *Terminal) Waiting(ctx context.Context) (string, error) {
	return t.Guest.NS.Output(ctx, "lpstat", "-h", cupsAddress, "-l", "-W", "not-completed", "-o", queue)
}

func (c *cups) log() string {
	b, err := os.ReadFile(filepath.Join(c.dir, "error_log"))
	return errors.Join(err, errors.New(string(b[max(len(b)-4000, 0):]))).Error()
}

func (c *cups) close() error {
	if c == nil {
		return nil
	}
	var err error
	if c.process != nil {
		err = c.process.Stop()
	}
	return errors.Join(err, os.RemoveAll(c.dir))
}

const cupsdConf = `LogLevel info
Listen ` + cupsAddress + `
Browsing No
WebInterface No
DefaultAuthType None
<Location />
  Order allow,deny
  Allow 127.0.0.1
</Location>
<Policy default>
  JobPrivateAccess all
  JobPrivateValues none
  <Limit All>
    Order allow,deny
    Allow 127.0.0.1
  </Limit>
</Policy>
`

const cupsFilesConf = `ServerRoot DIR/etc
StateDir DIR/state
CacheDir DIR/cache
RequestRoot DIR/spool
TempDir DIR/tmp
AccessLog DIR/access_log
ErrorLog DIR/error_log
PageLog DIR/page_log
Printcap
`
