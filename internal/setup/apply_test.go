package setup_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"parvis/internal/config"
	"parvis/internal/golden"
	"parvis/internal/machine"
	"parvis/internal/setup"
)

func planned(t *testing.T, force bool) setup.Plan {
	t.Helper()
	a := answers
	a.Force = force
	plan, ps := setup.Make(facts(iface("eth1")), a)
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	return plan
}

func content(t *testing.T, root machine.Root, path string) string {
	t.Helper()
	b, err := os.ReadFile(root.Path(path))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// alone checks that no temporary file stays behind.
func alone(t *testing.T, root machine.Root, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(root.Path("/etc/parvis"))
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, e := range entries {
		have = append(have, e.Name())
	}
	if len(have) != len(want) {
		t.Errorf("files %v, want %v", have, want)
	}
}

func TestAFirstInitWritesAConfigurationThatLoadsAndASecret(t *testing.T) {
	root := machine.Root(t.TempDir())
	plan := planned(t, false)
	if err := setup.Apply(plan, root); err != nil {
		t.Fatal(err)
	}
	cfg, ps := config.Load(root.Path(config.Path))
	if cfg == nil || len(ps) > 0 {
		t.Errorf("loading: %v", ps)
	}
	key, err := machine.ReadSiteKey(root.Path(machine.SiteKeyPath))
	if err != nil || len(key) != machine.SiteKeyLen {
		t.Errorf("%d bytes, %v", len(key), err)
	}
	for path, mode := range map[string]os.FileMode{config.Path: 0o644, machine.SiteKeyPath: 0o600} {
		if fi, err := os.Stat(root.Path(path)); err != nil || fi.Mode() != mode {
			t.Errorf("%s: %v %v", path, fi.Mode(), err)
		}
	}
	golden.Check(t, "written.fr.toml", content(t, root, config.Path))
	alone(t, root, "parvis.toml", "site.key")
}

func TestTwoSitesHaveTwoSecrets(t *testing.T) {
	one, other := machine.Root(t.TempDir()), machine.Root(t.TempDir())
	for _, root := range []machine.Root{one, other} {
		if err := setup.Apply(planned(t, false), root); err != nil {
			t.Fatal(err)
		}
	}
	if content(t, one, machine.SiteKeyPath) == content(t, other, machine.SiteKeyPath) {
		t.Error("the same secret twice")
	}
}

func TestAnExistingConfigurationIsReplacedOnlyByForceAndKept(t *testing.T) {
	root := machine.Root(t.TempDir())
	if err := setup.Apply(planned(t, false), root); err != nil {
		t.Fatal(err)
	}
	const mine = "# mine\n"
	if err := os.WriteFile(root.Path(config.Path), []byte(mine), 0o600); err != nil {
		t.Fatal(err)
	}
	secret := content(t, root, machine.SiteKeyPath)

	if err := setup.Apply(planned(t, false), root); !errors.Is(err, setup.ErrExists) {
		t.Errorf("without force: %v", err)
	}
	if got := content(t, root, config.Path); got != mine {
		t.Errorf("it was changed: %q", got)
	}
	alone(t, root, "parvis.toml", "site.key")

	if err := setup.Apply(planned(t, true), root); err != nil {
		t.Fatal(err)
	}
	if got := content(t, root, config.Path+".bak"); got != mine {
		t.Errorf("kept: %q", got)
	}
	if cfg, _ := config.Load(root.Path(config.Path)); cfg == nil {
		t.Error("the new one does not load")
	}
	if content(t, root, machine.SiteKeyPath) != secret {
		t.Error("the secret was changed")
	}
	alone(t, root, "parvis.toml", "parvis.toml.bak", "site.key")
}

func TestADamagedSecretIsNeverOverwritten(t *testing.T) {
	root := machine.Root(t.TempDir())
	if err := os.MkdirAll(filepath.Dir(root.Path(machine.SiteKeyPath)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(root.Path(machine.SiteKeyPath), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := setup.Apply(planned(t, true), root); err != nil {
		t.Fatal(err)
	}
	if got := content(t, root, machine.SiteKeyPath); got != "half" {
		t.Errorf("%q", got)
	}
}

func TestARefusedPlanWritesNothing(t *testing.T) {
	root := machine.Root(t.TempDir())
	plan, _ := setup.Make(facts(), answers)
	if err := setup.Apply(plan, root); !errors.Is(err, setup.ErrRefused) {
		t.Errorf("%v", err)
	}
	if entries, _ := os.ReadDir(string(root)); len(entries) > 0 {
		t.Errorf("%v", entries)
	}
}

func TestADirectoryThatCannotBeMadeIsAnError(t *testing.T) {
	root := machine.Root(t.TempDir())
	if err := os.WriteFile(root.Path("/etc"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := setup.Apply(planned(t, false), root); err == nil {
		t.Error("no error")
	}
}
