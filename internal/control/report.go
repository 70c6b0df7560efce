package control

import (
	"context"
	"net/http"

	"parvis/sessions/usage"
)

// ReportRequest asks for what may be shown of a month (2026-11) or of a day (2026-11-24); "" is the last month that is over.
type ReportRequest struct {
	Of string `json:"of"`
}

func reportVerb(mux *http.ServeMux, d Daemon) {
	mux.HandleFunc("POST /v1/site/report", func(w http.ResponseWriter, r *http.Request) {
		var req ReportRequest
		if read(w, r, &req) {
			report, err := d.Report(r.Context(), req)
			answer(w, report, err)
		}
	})
}

// Report asks for what may be shown of a month or of a day.
func (c *Client) Report(ctx context.Context, r ReportRequest) (report usage.Report, err error) {
	err = c.do(ctx, http.MethodPost, "/v1/site/report", r, &report)
	return report, err
}
