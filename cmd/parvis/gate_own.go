package main

import hosts "parvis/kiosk/names"

// browsersOwn are names that browsers ask for by themselves, in the background: settings, updates, lists of dangerous sites, whether
// there is a portal. They are refused as everything that nobody opened, and are kept from the refusals that people are shown: otherwise
// somebody whose site is closed is asked about one that they have never heard of. Porteus Kiosk may switch some of them off; what is
// seen here is what Debian's Firefox ESR and Chromium do.
var browsersOwn = hosts.List{
	".services.mozilla.com", ".cdn.mozilla.net", ".mozilla.net", ".mozilla.org", ".mozilla.com", ".firefox.com",
	"ocsp.digicert.com", "o.lencr.org", ".pki.goog",
	"clients1.google.com", "clients2.google.com", "clients4.google.com", ".clients.google.com", "update.googleapis.com",
	"safebrowsing.googleapis.com", "content-autofill.googleapis.com", "optimizationguide-pa.googleapis.com", "edgedl.me.gvt1.com",
	"redirector.gvt1.com", "connectivitycheck.gstatic.com", "android.clients.google.com", "mtalk.google.com",
}
