package sessionstest

import "sync"

// faults makes calls fail on demand and counts them.
type faults struct {
	mu     sync.Mutex
	before map[string]error
	after  map[string]error
	calls  map[string]int
}

// Fail makes a call fail with err without any effect, until it is told again with nil.
func (f *faults) Fail(call string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.before == nil {
		f.before = map[string]error{}
	}
	f.before[call] = err
}

// FailAfter makes a call take effect and then fail with err, as when the answer is lost, until it is told again with nil.
func (f *faults) FailAfter(call string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.after == nil {
		f.after = map[string]error{}
	}
	f.after[call] = err
}

// Calls returns how often a call was made.
func (f *faults) Calls(call string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[call]
}

func (f *faults) call(name string, do func() error) error {
	f.mu.Lock()
	if f.calls == nil {
		f.calls = map[string]int{}
	}
	f.calls[name]++
	before, after := f.before[name], f.after[name]
	f.mu.Unlock()
	if before != nil {
		return before
	}
	if err := do(); err != nil {
		return err
	}
	return after
}
