package porteus

import (
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"

	"parvis/internal/mac"
)

// preferences are added to Firefox' own at each start of a terminal, outside of what it compares: they may change without a
// new image. A page may close its windows, so that the browser begins anew; what goes around the proxy is off.
const preferences = `user_pref("dom.allow_scripts_to_close_windows", true);
user_pref("network.trr.mode", 5);
user_pref("network.http.http3.enable", false);
user_pref("media.peerconnection.ice.proxy_only", true);
user_pref("network.proxy.failover_direct", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("network.dns.disablePrefetch", true);
user_pref("network.prefetch-next", false);
user_pref("browser.safebrowsing.downloads.remote.enabled", false);
user_pref("datareporting.healthreport.uploadEnabled", false);
user_pref("app.normandy.enabled", false);
`

// Handler serves what terminals fetch: /kiosk/config.txt, by HEAD and GET, and /kiosk/prefs.js. who says whose MAC is behind an
// address of the terminals' network: whom it does not know has to ask again, because another file than the last time would cost a
// terminal its image. log has no more than that something could not be served.
func Handler(r *Rollout, who func(netip.Addr) (mac.Addr, bool), log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /kiosk/config.txt", func(w http.ResponseWriter, req *http.Request) {
		label := req.URL.Query().Get("kiosk")
		if !ValidPCID(label) {
			label = ""
		}
		var file []byte
		if from, err := netip.ParseAddrPort(req.RemoteAddr); err == nil {
			if m, ok := who(from.Addr().Unmap()); ok {
				if file, err = r.File(m, label, req.Method == http.MethodGet); err != nil {
					log.Error("terminals' configuration", "err", err)
				}
			}
		}
		serve(w, req, "text/plain; charset=us-ascii", file)
	})
	mux.HandleFunc("GET /kiosk/prefs.js", func(w http.ResponseWriter, req *http.Request) {
		serve(w, req, "text/javascript; charset=us-ascii", []byte(preferences))
	})
	return mux
}

// serve answers by HEAD what it would by GET.
func serve(w http.ResponseWriter, req *http.Request, kind string, body []byte) {
	if len(body) == 0 {
		w.Header().Set("Retry-After", "5")
		http.Error(w, "not yet", http.StatusServiceUnavailable)
		return
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if req.Method != http.MethodHead {
		w.Write(body) // an error here is a client that went away: nobody to tell
	}
}
