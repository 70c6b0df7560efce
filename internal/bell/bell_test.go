package bell_test

import (
	"testing"

	"parvis/internal/bell"
)

func heard(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestEveryListenerHearsARing(t *testing.T) {
	var b bell.Bell
	one, _ := b.Listen()
	two, _ := b.Listen()
	b.Ring()
	if !heard(one) || !heard(two) {
		t.Error("a listener heard nothing")
	}
}

func TestRingsThatNobodyHasHeardAreOne(t *testing.T) {
	var b bell.Bell
	c, _ := b.Listen()
	b.Ring()
	b.Ring()
	if !heard(c) || heard(c) {
		t.Error("two rings were not one")
	}
}

func TestWhoHasStoppedHearsNothing(t *testing.T) {
	var b bell.Bell
	c, stop := b.Listen()
	stop()
	b.Ring()
	if heard(c) {
		t.Error("it was heard")
	}
}
