package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"parvis/internal/clock"
)

func TestSomebodyIsAtTheDeskWhileAPageOfTheConsoleIsOpen(t *testing.T) {
	c := clock.NewFake()
	p := presence{clock: c}
	if p.there() {
		t.Error("nobody has come yet")
	}
	during := false
	h := p.watch(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { during = p.there() }))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	if !during || !p.there() {
		t.Error("a page was asked for")
	}
	c.Advance(presenceLasts)
	if p.there() {
		t.Error("nobody has asked for two minutes", time.Duration(c.Boot()))
	}
}
