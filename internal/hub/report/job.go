package report

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"parvis/internal/clock"
	"parvis/internal/hub/store"
)

// Job drops each month's report of communes into their folders: a provisional one soon after the month's end and once a day, until the
// definitive one is there. `[report.COMMUNE]` of parvis-hub.toml has a commune's folder.
type Job struct {
	Hub       *store.Hub
	Folders   map[string]Folder // by commune
	Clock     clock.Clock
	Transport http.RoundTripper
	Log       *slog.Logger
}

const (
	jobEvery = time.Hour
	oneDay   = 24 * time.Hour
	jobBack  = 3 // months that may still be provisional
)

// Check says what is wrong with the folders.
func (j *Job) Check() error {
	for tenant, f := range j.Folders {
		if _, err := f.base(); err != nil {
			return fmt.Errorf("commune %s: %w", tenant, err)
		}
	}
	return nil
}

// Run looks every hour until ctx ends. What goes wrong is logged and tried again.
func (j *Job) Run(ctx context.Context) error {
	for {
		timer, stop := j.Clock.At(j.Clock.Boot().Add(jobEvery))
		if err := j.Round(ctx); err != nil && ctx.Err() == nil {
			j.Log.Error("report: drop", "error", err)
		}
		select {
		case <-ctx.Done():
			stop()
			return nil
		case <-timer:
		}
	}
}

// Round drops what is to be dropped, where no other hub does it at the moment.
func (j *Job) Round(ctx context.Context) error {
	_, err := j.Hub.Once(ctx, "reports", func(ctx context.Context) error {
		var failed []error
		for tenant := range j.Folders {
			for back := 1; back <= jobBack; back++ {
				if err := j.round(ctx, tenant, back); err != nil && !errors.Is(err, ErrEmpty) {
					failed = append(failed, fmt.Errorf("commune %s: %w", tenant, err))
				}
			}
		}
		return errors.Join(failed...)
	})
	return err
}

func (j *Job) round(ctx context.Context, tenant string, back int) error {
	now := j.Clock.Wall().Time
	r, last, err := j.read(ctx, tenant, MonthOf(now).Add(-back), now)
	switch {
	case errors.Is(err, ErrNotOver): // it is still that month where the commune is
		return nil
	case err != nil:
		return err
	case r.Count == 0, last.Definitive, last.Month != 0 && r.Provisional && now.Sub(last.At) < oneDay:
		return nil
	}
	return j.drop(ctx, tenant, r, now)
}

// Drop drops a month's report at once, whatever was dropped before.
func (j *Job) Drop(ctx context.Context, tenant string, m Month) error {
	now := j.Clock.Wall().Time
	r, _, err := j.read(ctx, tenant, m, now)
	if err != nil {
		return err
	}
	return j.drop(ctx, tenant, r, now)
}

// ErrNoFolder: the commune's reports are dropped nowhere.
var ErrNoFolder = errors.New("report: the commune has no folder; expected [report.COMMUNE] in parvis-hub.toml")

func (j *Job) read(ctx context.Context, tenant string, m Month, now time.Time) (r Report, last store.Dropped, err error) {
	err = j.Hub.Tenant(ctx, tenant, func(t *store.Tenant) error {
		all, err := t.Reports(ctx)
		if err != nil {
			return err
		}
		for _, d := range all {
			if d.Month == m.number() {
				last = d
			}
		}
		in, err := Read(ctx, t, m, now)
		if err != nil {
			return err
		}
		r, err = in.CommuneReport()
		return err
	})
	return r, last, err
}

func (j *Job) drop(ctx context.Context, tenant string, r Report, now time.Time) error {
	folder, ok := j.Folders[tenant]
	if !ok {
		return ErrNoFolder
	}
	files, err := r.Files()
	if err != nil {
		return err
	}
	if err := folder.Drop(ctx, j.Transport, files); err != nil {
		return err
	}
	return j.Hub.Tenant(ctx, tenant, func(t *store.Tenant) error {
		return t.SetReport(ctx, store.Dropped{Month: r.Month.number(), Definitive: !r.Provisional, At: now})
	})
}
