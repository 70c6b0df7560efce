package gate_test

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"

	"parvis/kiosk/gate"
)

// records cuts a hello's one record into several (RFC 8446 §5.1).
func records(b []byte, size int) (all []byte) {
	for rest := b[5:]; len(rest) > 0; {
		n := min(size, len(rest))
		all = append(append(all, b[0], b[1], b[2], byte(n>>8), byte(n)), rest[:n]...)
		rest = rest[n:]
	}
	return all
}

func TestAHelloIsReadWholeAndNothingIsLost(t *testing.T) {
	whole := hello(t, "www.caf.fr")
	for what, b := range map[string][]byte{
		"one record": whole, "records of 100 bytes": records(whole, 100), "records of one byte": records(whole, 1),
		"with what comes after it": append(bytes.Clone(whole), "\x14\x03\x03\x00\x01\x01 and more"...),
	} {
		for how, r := range map[string]io.Reader{"at once": bytes.NewReader(b), "byte by byte": iotest.OneByteReader(bytes.NewReader(b))} {
			name, taken, err := gate.ReadHello(r)
			rest, _ := io.ReadAll(r)
			if err != nil || name != "www.caf.fr" || !bytes.Equal(append(taken, rest...), b) {
				t.Errorf("%s, %s: %q, %d of %d bytes, %v", what, how, name, len(taken)+len(rest), len(b), err)
			}
		}
	}
}

func FuzzHello(f *testing.F) {
	t := new(testing.T)
	whole := hello(t, "www.caf.fr")
	for _, b := range [][]byte{whole, records(whole, 300), hello(t, ""), []byte("GET / HTTP/1.1\r\n\r\n"), whole[:40], {22, 3, 1, 0xff, 0xff}} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		name, taken, err := gate.ReadHello(bytes.NewReader(b))
		slow, takenSlow, errSlow := gate.ReadHello(iotest.OneByteReader(bytes.NewReader(b)))
		if name != slow || (err == nil) != (errSlow == nil) {
			t.Fatalf("%q, %v at once and %q, %v byte by byte", name, err, slow, errSlow)
		}
		if (err == nil) != (name != "") {
			t.Fatalf("%q, %v", name, err)
		}
		if !bytes.HasPrefix(b, taken) || !bytes.HasPrefix(b, takenSlow) || err == nil && !bytes.Contains(taken, []byte(name)) {
			t.Fatalf("%q was taken of %q", taken, b)
		}
	})
}
