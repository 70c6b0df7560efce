package portal

import (
	"io"
	"log/slog"
)

// AcceptErrors is what net/http's own log goes through.
func AcceptErrors(log *slog.Logger) io.Writer { return acceptErrors{log} }
