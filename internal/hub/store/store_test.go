package store_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"parvis/internal/hub/pgtest"
	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
	"parvis/internal/hublink/wire"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

const epoch = "00000000000000aa"

var now = time.Date(2026, 11, 24, 14, 30, 0, 0, time.UTC)

// hourAt is the number of an hour of a day in November 2026, in UTC.
func hourAt(day, hour int) int64 {
	return time.Date(2026, 11, day, hour, 0, 0, 0, time.UTC).Unix() / 3600
}

func hour(at, seq int64, sessions uint64) wire.Hour {
	return wire.Hour{
		At: at, Seq: seq, Measured: 3_600_000, Peak: int(sessions), Line: wire.Quality{Asked: 6, Down: 1, Questions: 18, Latency: 400},
		Counts: []wire.Count{{What: "sessions", Word: "visite", N: sessions}, {What: "time", Word: "visite", N: sessions * 60_000}},
	}
}

func batch(seq int64, hours ...wire.Hour) wire.Batch {
	return wire.Batch{
		Epoch: epoch, Seq: seq, Sent: now.Unix() + seq, Now: wire.Now{Version: "1.0", Clock: "synchronised", Place: "open", Line: wire.Line{Up: true}},
		Hours: hours,
	}
}

func take(t testing.TB, h *store.Hub, tenant, site string, b wire.Batch) (taken store.Taken) {
	t.Helper()
	if err := b.Check(); err != nil {
		t.Fatal(err)
	}
	storetest.In(t, h, tenant, func(ctx context.Context, tt *store.Tenant) (err error) {
		taken, err = tt.Take(ctx, site, b, now)
		return err
	})
	return taken
}

// sessions is what a site's day, month and hours say of one counter.
func sessions(t testing.TB, h *store.Hub, tenant, site string, day int) (inDay, inMonth, inHours uint64) {
	t.Helper()
	storetest.In(t, h, tenant, func(ctx context.Context, tt *store.Tenant) error {
		days, err := tt.Days(ctx, site, day, day)
		if err != nil {
			return err
		}
		for _, d := range days {
			inDay += d.Use.Sum("sessions")
		}
		months, err := tt.Months(ctx, site, day/100, day/100)
		if err != nil {
			return err
		}
		for _, m := range months {
			inMonth += m.Use.Sum("sessions")
		}
		hours, err := tt.Hours(ctx, site, day, day)
		for _, h := range hours {
			inHours += h.Use.Sum("sessions")
		}
		return err
	})
	return inDay, inMonth, inHours
}

func TestABatchIsCounted(t *testing.T) {
	h, _ := storetest.New(t)
	a := storetest.Commune(t, h, "a")
	s := storetest.Site(t, h, a, "Médiathèque")
	b := batch(3, hour(hourAt(23, 22), 1, 5), hour(hourAt(23, 23), 2, 7), hour(hourAt(24, 0), 3, 11))
	b.Left = 4
	b.Days = []wire.Day{{Day: 20261124, Part: 0, Run: epoch, N: 9, Seq: 3}}
	if got := take(t, h, a, s.ID, b); got.Hours != 3 || got.LeftOut != 0 {
		t.Fatalf("%+v", got)
	}
	// 23 o'clock of UTC is the next day in Paris.
	if d, m, hs := sessions(t, h, a, s.ID, 20261124); d != 18 || m != 23 || hs != 18 {
		t.Errorf("the day has %d, the month %d, its hours %d; expected 18, 23, 18", d, m, hs)
	}
	storetest.In(t, h, a, func(ctx context.Context, tt *store.Tenant) error {
		days, err := tt.Days(ctx, "", 20261123, 20261124)
		if err != nil {
			return err
		}
		want := []store.SiteDay{
			{s.ID, store.Day{20261123, time.Hour, 1, 5, wire.Quality{Asked: 6, Down: 1, Questions: 18, Latency: 400}, store.Use{"sessions": {"visite": 5}, "time": {"visite": 300_000}}}},
			{s.ID, store.Day{20261124, 2 * time.Hour, 2, 11, wire.Quality{Asked: 12, Down: 2, Questions: 36, Latency: 800}, store.Use{"sessions": {"visite": 18}, "time": {"visite": 1_080_000}}}},
		}
		if d := cmp.Diff(want, days); d != "" {
			t.Error(d)
		}
		devices, err := tt.Devices(ctx, s.ID, 20261124, 20261124)
		if d := cmp.Diff([]store.Devices{{20261124, 0, 9}}, devices); d != "" {
			t.Error(d)
		}
		if err != nil {
			return err
		}
		got, err := tt.Site(ctx, s.ID)
		if err != nil {
			return err
		}
		if c := got.Contact; c == nil || !c.At.Equal(now) || c.Waiting != 4 || !c.Now.Line.Up || got.Version != "1.0" {
			t.Errorf("%+v", got)
		}
		return nil
	})
}

// Whatever happens on the way: each hour counts as its highest number says, once.
func TestEachHourCountsOnce(t *testing.T) {
	h, _ := storetest.New(t)
	a := storetest.Commune(t, h, "a")
	for _, tc := range []struct {
		name string
		all  []wire.Batch
		want uint64
	}{
		{"twice", []wire.Batch{batch(1, hour(hourAt(24, 10), 1, 5)), batch(1, hour(hourAt(24, 10), 1, 5))}, 5},
		{"grown", []wire.Batch{batch(1, hour(hourAt(24, 10), 1, 5)), batch(2, hour(hourAt(24, 10), 2, 8))}, 8},
		{"the older one last", []wire.Batch{batch(2, hour(hourAt(24, 10), 2, 8)), batch(1, hour(hourAt(24, 10), 1, 5))}, 8},
		{"twice in one batch", []wire.Batch{batch(2, hour(hourAt(24, 10), 2, 8), hour(hourAt(24, 10), 1, 5))}, 8},
		{"of two boxes", []wire.Batch{batch(1, hour(hourAt(24, 10), 1, 5)), func() wire.Batch {
			b := batch(1, hour(hourAt(24, 10), 1, 6))
			b.Epoch = "00000000000000bb"
			return b
		}()}, 11},
		{"too old, and yet to come", []wire.Batch{batch(3, hour(hourAt(24, 10), 1, 5), hour(0, 2, 7), hour(hourAt(28, 10), 3, 7))}, 5},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := storetest.Site(t, h, a, tc.name)
			for _, b := range tc.all {
				take(t, h, a, s.ID, b)
			}
			if d, m, hs := sessions(t, h, a, s.ID, 20261124); d != tc.want || m != tc.want || hs != tc.want {
				t.Errorf("the day has %d, the month %d, its hours %d; expected %d", d, m, hs, tc.want)
			}
		})
	}
}

// A site's history arrives twice, in any order, through two hubs at once.
func TestTwoHubsCountOnce(t *testing.T) {
	h, db := storetest.New(t)
	other, err := store.Open(context.Background(), db.Program)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	a := storetest.Commune(t, h, "a")
	s := storetest.Site(t, h, a, "Médiathèque")
	var all []wire.Batch
	var want uint64
	for i := range 72 {
		at := hourAt(1, 0) + int64(i)*5
		n := uint64(i % 7)
		want += n
		all = append(all, batch(int64(2*i+1), hour(at, int64(2*i+1), n/2)), batch(int64(2*i+2), hour(at, int64(2*i+2), n)))
	}
	var both sync.WaitGroup
	for i, hub := range []*store.Hub{h, other} {
		order := rand.New(rand.NewPCG(uint64(i), 1)).Perm(len(all))
		both.Go(func() {
			for _, j := range order {
				err := hub.Tenant(context.Background(), a, func(tt *store.Tenant) error {
					_, err := tt.Take(context.Background(), s.ID, all[j], now)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	both.Wait()
	if _, m, _ := sessions(t, h, a, s.ID, 20261115); m != want {
		t.Errorf("the month has %d; expected %d", m, want)
	}
	storetest.In(t, h, a, func(ctx context.Context, tt *store.Tenant) error {
		got, err := tt.Site(ctx, s.ID)
		if got.Contact == nil || got.Contact.Sent.Unix() != now.Unix()+144 {
			t.Errorf("the last sign of life is %+v", got.Contact)
		}
		return err
	})
}

func TestABatchThatFailsLeavesNothing(t *testing.T) {
	h, _ := storetest.New(t)
	a := storetest.Commune(t, h, "a")
	s := storetest.Site(t, h, a, "Médiathèque")
	stop := errors.New("the hub falls")
	err := h.Tenant(context.Background(), a, func(tt *store.Tenant) error {
		if _, err := tt.Take(context.Background(), s.ID, batch(1, hour(hourAt(24, 10), 1, 5)), now); err != nil {
			return err
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	if d, m, hs := sessions(t, h, a, s.ID, 20261124); d+m+hs != 0 {
		t.Errorf("%d, %d, %d are left", d, m, hs)
	}
}

func TestACodeEnrolsOneBoxOnce(t *testing.T) {
	h, _ := storetest.New(t)
	ctx := context.Background()
	a := storetest.Commune(t, h, "a")
	s := storetest.Site(t, h, a, "Médiathèque")
	code := func(ttl time.Duration) (c string) {
		storetest.In(t, h, a, func(ctx context.Context, tt *store.Tenant) (err error) {
			c, _, err = tt.Code(ctx, s.ID, ttl)
			return err
		})
		return c
	}
	enrol := func(c string) (string, error) {
		ref, name, token, err := h.Enrol(ctx, wire.Enrolment{Code: c, Version: "1.0", Model: "lab", SealKey: []byte("key")})
		if err == nil && (ref != store.Ref{a, s.ID} || name != "Médiathèque") {
			t.Errorf("enrolled as %v, %q", ref, name)
		}
		return token, err
	}
	first, old := code(time.Hour), code(time.Hour)
	if _, err := enrol(first); !errors.Is(err, store.ErrUnknown) {
		t.Errorf("a code that another one has replaced: %v", err)
	}
	token, err := enrol(strings.ToLower(strings.ReplaceAll(old, "-", " ")))
	if err != nil {
		t.Fatal(err)
	}
	if ref, err := h.SiteOf(ctx, token); err != nil || ref.Site != s.ID {
		t.Errorf("%v, %v", ref, err)
	}
	for name, c := range map[string]string{"used": old, "over": code(-time.Second), "none": "AAAA-AAAA-AAAA-AAAA"} {
		if _, err := enrol(c); !errors.Is(err, store.ErrUnknown) {
			t.Errorf("a code that is %s: %v", name, err)
		}
	}
	second, err := enrol(code(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.SiteOf(ctx, token); !errors.Is(err, store.ErrUnknown) {
		t.Errorf("the old box's token: %v", err)
	}
	if _, err := h.SiteOf(ctx, second); err != nil {
		t.Error(err)
	}
}

// Every query of a commune, asked by another one about its things. A method without a case fails.
func TestACommuneSeesNothingOfAnother(t *testing.T) {
	h, _ := storetest.New(t)
	ctx := context.Background()
	a, b := storetest.Commune(t, h, "a"), storetest.Commune(t, h, "b")
	theirs := storetest.Site(t, h, a, "Secret-Place")
	full := batch(1, hour(hourAt(24, 10), 1, 5))
	full.Days = []wire.Day{{Day: 20261124, Run: epoch, N: 9, Seq: 1}}
	take(t, h, a, theirs.ID, full)
	type verdict struct {
		got any
		err error
	}
	cases := map[string]func(*store.Tenant) verdict{
		"AddSite":    func(t *store.Tenant) verdict { return verdict{} }, // of its own commune alone: it is given no other
		"ID":         func(t *store.Tenant) verdict { return verdict{} },
		"RenameSite": func(t *store.Tenant) verdict { return verdict{nil, t.RenameSite(ctx, theirs.ID, "x")} },
		"RemoveSite": func(t *store.Tenant) verdict { return verdict{nil, t.RemoveSite(ctx, theirs.ID)} },
		"Code":       func(t *store.Tenant) verdict { c, _, err := t.Code(ctx, theirs.ID, time.Hour); return verdict{c, err} },
		"Take":       func(t *store.Tenant) verdict { _, err := t.Take(ctx, theirs.ID, full, now); return verdict{nil, err} },
		"Site":       func(t *store.Tenant) verdict { s, err := t.Site(ctx, theirs.ID); return verdict{s.Name, err} },
		"Sites":      func(t *store.Tenant) verdict { s, err := t.Sites(ctx); return verdict{s, err} },
		"Days":       func(t *store.Tenant) verdict { d, err := t.Days(ctx, theirs.ID, 0, 99999999); return verdict{d, err} },
		"Tallies":    func(t *store.Tenant) verdict { d, err := t.Tallies(ctx, 0, 99999999); return verdict{d, err} },
		"Purge": func(t *store.Tenant) verdict {
			p, err := t.Purge(ctx, store.Terms{}, now.AddDate(20, 0, 0))
			return verdict{p, err}
		},
		"Months": func(t *store.Tenant) verdict { d, err := t.Months(ctx, "", 0, 999999); return verdict{d, err} },
		"Hours": func(t *store.Tenant) verdict {
			d, err := t.Hours(ctx, theirs.ID, 20200101, 20300101)
			return verdict{d, err}
		},
		"Devices": func(t *store.Tenant) verdict {
			d, err := t.Devices(ctx, theirs.ID, 0, 99999999)
			return verdict{d, err}
		},
		"Card": func(t *store.Tenant) verdict {
			c, err := t.Card(ctx)
			return verdict{strings.Contains(c.Name, "a"), err}
		},
		"Export": func(t *store.Tenant) verdict {
			var out bytes.Buffer
			err := t.Export(ctx, &out)
			return verdict{strings.Contains(archived(out.Bytes()), theirs.ID), err}
		},
	}
	for name, more := range isolation {
		cases[name] = func(t *store.Tenant) verdict { got, err := more(ctx, t, theirs.ID); return verdict{got, err} }
	}
	typ := reflect.TypeFor[*store.Tenant]()
	for i := range typ.NumMethod() {
		name := typ.Method(i).Name
		t.Run(name, func(t *testing.T) {
			try, ok := cases[name]
			if !ok {
				t.Fatalf("Tenant.%s has no case here: what does it show of another commune?", name)
			}
			err := h.Tenant(ctx, b, func(tt *store.Tenant) error {
				v := try(tt)
				if v.err != nil && !errors.Is(v.err, store.ErrUnknown) {
					t.Errorf("%v; expected nothing or ErrUnknown", v.err)
				}
				if v.err == nil && v.got != nil && !reflect.ValueOf(v.got).IsZero() && !(reflect.ValueOf(v.got).Kind() == reflect.Slice && reflect.ValueOf(v.got).Len() == 0) {
					t.Errorf("it gives %v", v.got)
				}
				return errors.New("undone")
			})
			if err == nil || err.Error() != "undone" {
				t.Error(err)
			}
		})
	}
	storetest.In(t, h, a, func(ctx context.Context, tt *store.Tenant) error {
		s, err := tt.Site(ctx, theirs.ID)
		if s.Name != "Secret-Place" {
			t.Error("another commune has changed it")
		}
		return err
	})
}

// isolation has the cases of other files' queries, each added by its file's test: what it gives of a site of another commune.
var isolation = map[string]func(ctx context.Context, t *store.Tenant, site string) (any, error){}

// archived is every file of a ZIP archive in one text.
func archived(b []byte) string {
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return err.Error()
	}
	var all strings.Builder
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			return err.Error()
		}
		all.WriteString(f.Name + "\n")
		io.Copy(&all, r)
	}
	return all.String()
}

// Without a commune there is no row, and the program can neither say that it is another role's table nor look past the rule.
func TestTheDatabaseItselfKeepsCommunesApart(t *testing.T) {
	h, db := storetest.New(t)
	ctx := context.Background()
	a := storetest.Commune(t, h, "a")
	s := storetest.Site(t, h, a, "Secret-Place")
	take(t, h, a, s.ID, batch(1, hour(hourAt(24, 10), 1, 5)))
	c, err := pgx.Connect(ctx, db.Program)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	rows, err := c.Query(ctx, `SELECT c.relname::text, c.relrowsecurity, c.relkind = 'p' OR NOT c.relispartition FROM pg_class c
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'goose_db_version'`)
	if err != nil {
		t.Fatal(err)
	}
	type table struct {
		Name       string
		Safe, Root bool
	}
	tables, err := pgx.CollectRows(rows, pgx.RowToStructByPos[table])
	if err != nil || len(tables) < 8 {
		t.Fatal(tables, err)
	}
	for _, tab := range tables {
		var n int
		err := c.QueryRow(ctx, "SELECT count(*) FROM "+pgx.Identifier{tab.Name}.Sanitize()).Scan(&n)
		var pg *pgconn.PgError
		switch closed := errors.As(err, &pg) && pg.Code == "42501"; { // insufficient_privilege
		case closed: // nobody reads it but by a function
		case tab.Root && (!tab.Safe || err != nil || n != 0):
			t.Errorf("%s: row-level security %v, %d rows without a commune, %v", tab.Name, tab.Safe, n, err)
		case !tab.Root && err == nil:
			t.Errorf("%s, a partition, can be read past the table's rule", tab.Name)
		}
		for _, sql := range []string{"ALTER TABLE %s DISABLE ROW LEVEL SECURITY", "DROP TABLE %s", "TRUNCATE %s"} {
			if _, err := c.Exec(ctx, strings.ReplaceAll(sql, "%s", pgx.Identifier{tab.Name}.Sanitize())); err == nil {
				t.Errorf("the program may: "+sql, tab.Name)
			}
		}
	}
	var bypass bool
	if err := c.QueryRow(ctx, "SELECT rolbypassrls OR rolsuper FROM pg_roles WHERE rolname = current_user").Scan(&bypass); err != nil || bypass {
		t.Errorf("the program's role looks past the rule: %v, %v", bypass, err)
	}
}

func TestACommuneIsExportedAndLeaves(t *testing.T) {
	h, db := storetest.New(t)
	ctx := context.Background()
	a, b := storetest.Commune(t, h, "a"), storetest.Commune(t, h, "b")
	ours, theirs := storetest.Site(t, h, a, "Leaving-Place"), storetest.Site(t, h, b, "Staying-Place")
	take(t, h, a, ours.ID, batch(1, hour(hourAt(24, 10), 1, 5)))
	take(t, h, b, theirs.ID, batch(1, hour(hourAt(24, 10), 1, 6)))
	var out bytes.Buffer
	storetest.In(t, h, a, func(ctx context.Context, tt *store.Tenant) error { return tt.Export(ctx, &out) })
	text := archived(out.Bytes())
	for _, want := range []string{"tenant.csv", "site.csv", "hour.csv", "day.csv", "month.csv", "devices.csv", "contact.csv", "Leaving-Place", `"{""time visite"": 300000, ""sessions visite"": 5}"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the archive has no %s:\n%s", want, text)
		}
	}
	if strings.Contains(text, "Staying-Place") {
		t.Error("the archive has something of another commune")
	}
	if err := h.RemoveTenant(ctx, a); err != nil {
		t.Fatal(err)
	}
	if err := h.RemoveTenant(ctx, a); !errors.Is(err, store.ErrUnknown) {
		t.Errorf("again: %v", err)
	}
	c, err := pgx.Connect(ctx, db.Owner)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	for _, table := range []string{"site", "hour", "day", "month", "devices", "contact", "code"} {
		var n int
		if err := c.QueryRow(ctx, "SELECT count(*) FROM "+table+" WHERE tenant = 'a'").Scan(&n); err != nil || n != 0 {
			t.Errorf("%s has %d rows left: %v", table, n, err)
		}
	}
	if d, _, _ := sessions(t, h, b, theirs.ID, 20261124); d != 6 {
		t.Errorf("the other commune has %d; expected 6", d)
	}
}

func TestWhoRunsTheHubSeesHealthAndTotals(t *testing.T) {
	h, _ := storetest.New(t)
	a := storetest.Commune(t, h, "a")
	s := storetest.Site(t, h, a, "Médiathèque")
	at := time.Now().Unix() / 3600
	take2 := batch(1, hour(at, 1, 5))
	storetest.In(t, h, a, func(ctx context.Context, tt *store.Tenant) error {
		_, err := tt.Take(ctx, s.ID, take2, time.Now())
		return err
	})
	all, err := h.Glances(context.Background())
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	if g := all[0]; g.Tenant != a || g.Name != "Médiathèque" || g.Contact == nil || g.LineUp == nil || !*g.LineUp || g.Sessions != 5 {
		t.Errorf("%+v", g)
	}
	var fields []string
	for f := range reflect.TypeFor[store.Glance]().Fields() {
		fields = append(fields, f.Name)
	}
	// Whoever adds one says here that a commune may be seen so.
	if d := cmp.Diff("Tenant TenantName Site Name Version Model Contact Waiting LineUp Problems Sessions", strings.Join(fields, " ")); d != "" {
		t.Error(d)
	}
}

func TestOnlyOneHubDoesWhatIsDoneOnce(t *testing.T) {
	h, db := storetest.New(t)
	other, err := store.Open(context.Background(), db.Program)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	ctx := context.Background()
	ran, err := h.Once(ctx, "alerts", func(ctx context.Context) error {
		if ran, err := other.Once(ctx, "alerts", func(context.Context) error { return nil }); ran || err != nil {
			t.Errorf("both at once: %v, %v", ran, err)
		}
		if ran, err := other.Once(ctx, "reports", func(context.Context) error { return nil }); !ran || err != nil {
			t.Errorf("something else: %v, %v", ran, err)
		}
		return nil
	})
	if !ran || err != nil {
		t.Fatal(ran, err)
	}
	if ran, err := other.Once(ctx, "alerts", func(context.Context) error { return nil }); !ran || err != nil {
		t.Errorf("afterwards: %v, %v", ran, err)
	}
}
