package scenes

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"parvis/internal/lab"
)

// demoBinary, set, makes this test program the demonstration of that binary.
const demoBinary = "PARVIS_TEST_DEMO"

// Of the lab's own loopback.
const (
	demoListen = "127.0.0.1:18088"
	demoCentre = "127.0.0.1:18440"
)

func TestMain(m *testing.M) {
	if file := os.Getenv(demoBinary); file != "" {
		os.Exit(Main(PlayDemo, Options{Out: os.Stdout, Binary: file, Listen: demoListen, Centre: demoCentre}))
	}
	lab.Main(m.Run)
}

// binary builds the real parvis once, and parvis-hub beside it.
var binary = sync.OnceValues(func() (string, error) {
	file := filepath.Join(lab.SharedDir(), "parvis")
	cmd := exec.Command("go", "build", "-tags", "nomsgpack", "-o", lab.SharedDir(), "parvis/cmd/parvis", "parvis/cmd/parvis-hub")
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = errors.Join(err, errors.New(string(out)))
	}
	return file, err
})

func options(t *testing.T, out *bytes.Buffer) Options {
	t.Helper()
	lab.NeedsLab(t)
	file, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return Options{Out: out, Binary: file, Artefacts: t.TempDir()}
}

func TestCheckPlaysToItsEnd(t *testing.T) {
	var out bytes.Buffer
	o := options(t, &out)
	if err := Check(t.Context(), o); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	if got := strings.Count(out.String(), "ok  "); got != 13 {
		t.Errorf("%d steps, expected 13:\n%s", got, &out)
	}
	for _, shot := range []string{"1-accueil", "2-ouvert", "3-service-public", "4-ma-connexion"} {
		if found, _ := filepath.Glob(filepath.Join(o.Artefacts, shot+".png")); len(found) != 1 {
			t.Errorf("no screenshot %s", shot)
		}
	}
}

// A day is some hundreds of gestures in three real browsers, on machines that may be busy with something else. A day that fails is
// told and played once more: what is wrong with Parvis fails again.
func TestDayPlaysToItsEnd(t *testing.T) {
	var out bytes.Buffer
	err := Day(t.Context(), options(t, &out))
	if err != nil {
		t.Logf("a first day: %v\n%s", err, &out)
		out.Reset()
		err = Day(t.Context(), options(t, &out))
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, scene := range Scenes {
		if !strings.Contains(out.String(), scene.Sentence) {
			t.Errorf("the day does not tell: %s\n%s", scene.Sentence, &out)
		}
	}
}

func TestStepsStopAtTheFirstThatFails(t *testing.T) {
	var out bytes.Buffer
	broken := errors.New("cassé")
	err := playSteps(t.Context(), &out, []step{
		{"un", func(context.Context) error { return nil }},
		{"deux", func(context.Context) error { return broken }},
		{"trois", func(context.Context) error { t.Error("the third step is played"); return nil }},
	})
	if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "échec à l'étape 2 : deux") {
		t.Errorf("error %v", err)
	}
	if got, want := out.String(), "ok   1  un\n"; got != want {
		t.Errorf("printed %q, expected %q", got, want)
	}
}
