package button

import (
	"encoding/binary"
	"time"
	"unsafe"
)

// event is struct input_event (linux/input.h): two longs of time, two u16, one s32, in the machine's own order.
type event struct {
	at    time.Duration // by the device's clock
	typ   uint16
	code  uint16
	value int32
}

// eventSize is 24 where a long has 8 bytes and 16 where it has 4.
const eventSize = 2*int(unsafe.Sizeof(uintptr(0))) + 8

// Types, codes and values of events.
const (
	evSyn      = 0x00
	evKey      = 0x01
	synDropped = 3 // the kernel's buffer ran over: what follows may miss something
	released   = 0
	pressed    = 1 // 2 is its repetition
)

// decode reads whole events; what is left over at the end is passed over.
func decode(b []byte, size int) (all []event) {
	order := binary.NativeEndian
	for ; len(b) >= size; b = b[size:] {
		var sec, usec uint64
		if size == 24 {
			sec, usec = order.Uint64(b), order.Uint64(b[8:])
		} else {
			sec, usec = uint64(order.Uint32(b)), uint64(order.Uint32(b[4:]))
		}
		rest := b[size-8:]
		all = append(all, event{
			at:  time.Duration(sec)*time.Second + time.Duration(usec)*time.Microsecond,
			typ: order.Uint16(rest), code: order.Uint16(rest[2:]), value: int32(order.Uint32(rest[4:])),
		})
	}
	return all
}

// What a press is, by how long the key was down.
const (
	bounce  = 20 * time.Millisecond // less is none
	long    = 2 * time.Second       // from here on it is a long one
	tooLong = 20 * time.Second      // from here on something lies on the key
)

// watch makes presses of events.
type watch struct {
	down map[Key]time.Duration // since when
}

// event takes one in, and says which press it has ended.
func (w *watch) event(e event) (Press, bool) {
	switch {
	case e.typ == evSyn && e.code == synDropped:
		clear(w.down) // a release may be lost: no press is better than a wrong one
	case e.typ != evKey:
	case e.value == pressed:
		if _, already := w.down[Key(e.code)]; !already {
			w.down[Key(e.code)] = e.at
		}
	case e.value == released:
		since, was := w.down[Key(e.code)]
		delete(w.down, Key(e.code))
		if held := e.at - since; was && held >= bounce && held < tooLong {
			return Press{Key: Key(e.code), Long: held >= long}, true
		}
	}
	return Press{}, false
}
