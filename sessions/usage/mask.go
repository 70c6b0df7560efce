package usage

import "parvis/internal/figure"

// How a number may be shown (internal/figure).
type (
	Shown  = figure.Shown
	Figure = figure.Figure
)

// The ways in which a number may be shown.
const (
	Plain   = figure.Plain
	Few     = figure.Few
	Hidden  = figure.Hidden
	Missing = figure.Missing

	// Least is the smallest number that is shown as it is.
	Least = figure.Least
)
