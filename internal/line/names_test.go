package line

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"
)

var router = netip.MustParseAddr("10.77.0.1")

func asked(t testing.TB, name string, typ dnsmessage.Type) []byte {
	t.Helper()
	q := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 7, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: typ, Class: dnsmessage.ClassINET}},
	}
	b, err := q.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTheLastResortAnswersItsNamesOnlyWhileNobodyElseDoes(t *testing.T) {
	for _, tt := range []struct {
		name   string
		ask    string
		typ    dnsmessage.Type
		silent bool
		code   dnsmessage.RCode
		addrs  int
	}{
		{"in normal times it refuses", "captive.apple.com.", dnsmessage.TypeA, false, dnsmessage.RCodeRefused, 0},
		{"else it answers", "captive.apple.com.", dnsmessage.TypeA, true, dnsmessage.RCodeSuccess, 1},
		{"however it is written", "CAPTIVE.apple.COM.", dnsmessage.TypeA, true, dnsmessage.RCodeSuccess, 1},
		{"there is no IPv6", "captive.apple.com.", dnsmessage.TypeAAAA, true, dnsmessage.RCodeSuccess, 0},
		{"nor anything else", "captive.apple.com.", dnsmessage.TypeHTTPS, true, dnsmessage.RCodeSuccess, 0},
		{"other names are nobody's", "www.service-public.fr.", dnsmessage.TypeA, true, dnsmessage.RCodeRefused, 0},
		{"names below too", "x.captive.apple.com.", dnsmessage.TypeA, true, dnsmessage.RCodeRefused, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := NewLastResort([]string{"captive.apple.com"}, router, func() bool { return tt.silent })
			var m dnsmessage.Message
			if err := m.Unpack(l.reply(asked(t, tt.ask, tt.typ))); err != nil {
				t.Fatal(err)
			}
			if m.ID != 7 || !m.Response || !m.RecursionAvailable || m.RCode != tt.code || len(m.Answers) != tt.addrs || len(m.Questions) != 1 {
				t.Fatalf("%+v", m)
			}
			for _, a := range m.Answers {
				if a.Body.(*dnsmessage.AResource).A != router.As4() || a.Header.TTL > 5 {
					t.Errorf("%+v", a)
				}
			}
		})
	}
}

func TestTheLastResortServesUntilItIsEnded(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	l := NewLastResort([]string{"captive.apple.com"}, router, func() bool { return true })
	go func() { done <- l.Serve(ctx, pc) }()
	ask, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	m, _, err := exchange(ask, netip.MustParseAddrPort(pc.LocalAddr().String()), "captive.apple.com.")
	if err != nil || len(m.Answers) != 1 {
		t.Errorf("%+v, %v", m, err)
	}
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it does not end")
	}
}

// What is not a question gets no answer, and whatever is answered is a packet that a resolver can read.
func FuzzLastResort(f *testing.F) {
	f.Add(asked(f, "captive.apple.com.", dnsmessage.TypeA))
	f.Add([]byte{0, 1, 0x80, 0, 0, 1})
	l := NewLastResort([]string{"captive.apple.com"}, router, func() bool { return true })
	f.Fuzz(func(t *testing.T, in []byte) {
		out := l.reply(in)
		if out == nil {
			return
		}
		var m dnsmessage.Message
		if err := m.Unpack(out); err != nil || !m.Response || len(m.Questions) != 1 || len(m.Answers) > 1 || len(out) > 512 {
			t.Fatalf("%+v, %v", m, err)
		}
		if m.RCode == dnsmessage.RCodeSuccess && m.Questions[0].Name.Length != uint8(len("captive.apple.com.")) {
			t.Fatalf("answered %v", m.Questions[0].Name)
		}
	})
}

// A box that answers by itself, with its own address, is no proof of the line.
func TestAnAnswerThatABoxCouldMakeUpProvesNothing(t *testing.T) {
	pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	go func() {
		_ = NewLastResort([]string{"box.arpa"}, netip.MustParseAddr("192.168.1.1"), func() bool { return true }).Serve(ctx, pc)
	}()
	for _, name := range []string{"box.arpa.", "refused.arpa."} {
		if err := proves(ctx, netip.MustParseAddrPort(pc.LocalAddr().String()), name); err == nil {
			t.Errorf("%s is proof", name)
		}
	}
}
