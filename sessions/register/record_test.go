package register

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parvis/internal/mac"
)

func drawStamp(t *rapid.T, name string) Stamp {
	return Stamp{
		Wall:    time.UnixMilli(rapid.Int64Range(0, 4e12).Draw(t, name)).UTC(),
		Quality: Quality(rapid.IntRange(0, 1).Draw(t, name+" quality")), Boot: rapid.Uint32().Draw(t, name+" boot"),
		Since: time.Duration(rapid.Int64Range(0, 1e11).Draw(t, name+" since")) * time.Millisecond,
	}
}

func drawAddress(t *rapid.T, name string, size int) netip.Addr {
	b := rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, name)
	r := reader{b}
	return r.address(size)
}

func drawRecord(t *rapid.T) (r Record) {
	r = Record{
		Kind: Kind(rapid.IntRange(int(Opened), int(Outside)).Draw(t, "kind")), At: drawStamp(t, "at"), Began: drawStamp(t, "began"),
		IPv4: drawAddress(t, "ipv4", 4), Public: drawAddress(t, "public", 4), IPv6: drawAddress(t, "ipv6", 16),
		First: rapid.Uint16().Draw(t, "first"), Down: rapid.Uint64().Draw(t, "down"), Up: rapid.Uint64().Draw(t, "up"),
	}
	r.Last = rapid.Uint16Range(r.First, 65535).Draw(t, "last")
	copy(r.Session[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "session"))
	copy(r.MAC[:], rapid.SliceOfN(rapid.Byte(), 6, 6).Draw(t, "mac"))
	copy(r.Ticket[:], rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "ticket"))
	return r
}

func TestARecordComesBackAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawRecord(t)
		b, err := want.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(b[:])
		if err != nil || got != want {
			t.Fatalf("%+v, %v, want %+v", got, err, want)
		}
	})
}

func TestWhatIsNoRecordIsNotWritten(t *testing.T) {
	v4, v6 := netip.MustParseAddr("10.77.0.9"), netip.MustParseAddr("2001:db8::9")
	tests := []struct {
		name string
		r    Record
	}{
		{"no kind", Record{}},
		{"a kind that is none", Record{Kind: Outside + 1}},
		{"IPv6 where IPv4 is", Record{Kind: Opened, IPv4: v6}},
		{"IPv4 where IPv6 is", Record{Kind: Address, IPv6: v4}},
		{"ports the wrong way round", Record{Kind: Opened, First: 2, Last: 1}},
		{"a clock of another quality", Record{Kind: Opened, At: Stamp{Quality: 2}}},
		{"a time before the machine's start", Record{Kind: Opened, At: Stamp{Since: -1}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := tt.r.Encode(); !errors.Is(err, ErrRecord) {
				t.Error(err)
			}
		})
	}
}

func TestADeviceThatMadeItsMACUpIsToldApart(t *testing.T) {
	if !(Record{MAC: mac.Addr{0xda}}).Random() || (Record{MAC: mac.Addr{0x00, 0x1b}}).Random() {
		t.Error("locally administered")
	}
}

func FuzzDecode(f *testing.F) {
	b, err := Record{Kind: Closed, First: 8192, Last: 8447, IPv4: netip.MustParseAddr("10.77.0.9")}.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b[:])
	f.Add(b[:20])
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Decode(b)
		if err != nil {
			if !errors.Is(err, ErrRecord) {
				t.Error(err)
			}
			return
		}
		again, err := r.Encode()
		if err != nil || string(again[:]) != string(b) {
			t.Errorf("%v: %x, %x", err, b, again)
		}
	})
}
