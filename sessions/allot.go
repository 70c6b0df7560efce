package sessions

import (
	"container/list"
	"crypto/rand"
	"math/big"
	"sync"
	"time"

	"parvis/internal/clock"
	"parvis/internal/mac"
)

// codesMost bounds the devices without a session whose codes are remembered, and codeKeep for how long.
const (
	codesMost = 1024
	codeKeep  = 12 * time.Hour
)

// codes allots codes to devices: one each, unique among those that are remembered. It has a lock of its own, because pages
// ask for codes while the manager waits for the disk.
type codes struct {
	mu       sync.Mutex
	byDevice map[mac.Addr]*codeHolder
	byCode   map[string]mac.Addr
	waiting  *list.List // of *codeHolder without an open session, who asked last in front
}

type codeHolder struct {
	device mac.Addr
	code   string
	asked  clock.Boot
	at     *list.Element // nil while its session is open
}

func newCodes() *codes {
	return &codes{byDevice: map[mac.Addr]*codeHolder{}, byCode: map[string]mac.Addr{}, waiting: list.New()}
}

// of returns the device's code. One that has none is given wish, when that is free, or a random one; "" when
// none is left.
func (c *codes) of(d mac.Addr, wish string, now clock.Boot) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.holder(d, wish, now).code
}

// open returns the device's code as of does, and keeps it until closed.
func (c *codes) open(d mac.Addr, wish string, now clock.Boot) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.holder(d, wish, now)
	if h.at != nil {
		c.waiting.Remove(h.at)
		h.at = nil
	}
	return h.code
}

// closed leaves the device its code for as long as it is remembered among those that wait.
func (c *codes) closed(d mac.Addr, now clock.Boot) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h := c.byDevice[d]; h != nil && h.at == nil {
		h.asked, h.at = now, c.waiting.PushFront(h)
		c.prune(now)
	}
}

// moved gives the code of one device, whose session is open, to another.
func (c *codes) moved(from, to mac.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.byDevice[from]
	if h == nil || from == to {
		return
	}
	if other := c.byDevice[to]; other != nil {
		c.drop(other)
	}
	delete(c.byDevice, from)
	h.device = to
	c.byDevice[to] = h
	if h.code != "" {
		c.byCode[h.code] = to
	}
}

// device returns who has a code.
func (c *codes) device(code string) (d mac.Addr, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d, ok = c.byCode[code]
	return d, ok
}

func (c *codes) holder(d mac.Addr, wish string, now clock.Boot) *codeHolder {
	h := c.byDevice[d]
	if h == nil {
		c.prune(now)
		h = &codeHolder{device: d, code: c.free(wish)}
		h.at = c.waiting.PushFront(h)
		c.byDevice[d] = h
		if h.code != "" {
			c.byCode[h.code] = d
		}
	} else if h.at != nil {
		c.waiting.MoveToFront(h.at)
	}
	h.asked = now
	return h
}

// prune makes room for one more, and forgets who has not asked for long.
func (c *codes) prune(now clock.Boot) {
	for e := c.waiting.Back(); e != nil; e = c.waiting.Back() {
		h := e.Value.(*codeHolder)
		if c.waiting.Len() < codesMost && now.Sub(h.asked) < codeKeep {
			return
		}
		c.drop(h)
	}
}

func (c *codes) drop(h *codeHolder) {
	if h.at != nil {
		c.waiting.Remove(h.at)
	}
	delete(c.byDevice, h.device)
	if c.byCode[h.code] == h.device {
		delete(c.byCode, h.code)
	}
}

// free returns a code that nobody has: the one wished for, a random one that is good to say, any other one, or "".
func (c *codes) free(wish string) string {
	if code, ok := ParseCode(wish); ok && !c.taken(code) {
		return code
	}
	if code := c.from(allCodes[:codesGood]); code != "" {
		return code
	}
	return c.from(allCodes[codesGood:])
}

func (c *codes) taken(code string) bool {
	_, ok := c.byCode[code]
	return ok
}

// from returns the first that is free from a random place on: whoever sees one code does not know the next.
func (c *codes) from(all []string) string {
	n, err := rand.Int(rand.Reader, big.NewInt(int64(len(all))))
	if err != nil {
		panic("sessions: random numbers: " + err.Error()) // never happens (crypto/rand)
	}
	start := int(n.Int64())
	for i := range all {
		if code := all[(start+i)%len(all)]; !c.taken(code) {
			return code
		}
	}
	return ""
}

// CodeOf returns the device's code, the same for as long as it is remembered, whether it waits or has a session; one that has
// none is allotted one. "" when all 9,000 are taken. It never waits for the disk or the kernel.
func (m *Manager) CodeOf(d mac.Addr) string {
	now := m.clock.Boot()
	wish := ""
	m.mu.RLock()
	for _, s := range m.byMAC[d] { // the last one, or the open one
		if wish = s.Code; s.State == Open {
			break
		}
	}
	m.mu.RUnlock()
	return m.codes.of(d, wish, now)
}
