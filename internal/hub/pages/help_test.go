package pages_test

import (
	"parvis/internal/hublink/wire"
)

func enrolment(code string) wire.Enrolment {
	return wire.Enrolment{Code: code, Version: "1.0", Model: "banc", SealKey: make([]byte, 32)}
}
