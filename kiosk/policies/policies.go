// Package policies writes what makes a browser of an ordinary Linux machine a terminal's: managed policies for Firefox ESR and
// for Chromium, with the proxy, homepage and limits that a Porteus Kiosk terminal has.
//
// The browser is told here what it may do with the machine. What it may reach is the gate's to say: these machines are on the
// terminals' network, which is forwarded nowhere.
package policies

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
)

// Where the two browsers look for what Firefox and Chromium return.
const (
	FirefoxPath  = "/etc/firefox/policies/policies.json"
	ChromiumPath = "/etc/chromium/policies/managed/parvis.json"
)

// Settings are what a place's configuration says.
type Settings struct {
	Address    netip.Addr // ours, IPv4, on the terminals' network
	PortalName string     // DNS name of the portal
	Prints     bool
	// USB lets files be chosen to be sent, and be saved: on these machines both ways, on a key or wherever the session can write.
	USB bool
}

const gatePort = 3128 // the name gate's: docs/adr/0001-names.md

var errAddress = errors.New("policies: an IPv4 address and a name are required")

// Homepage is where a terminal's browser begins.
func Homepage(s Settings) string { return "http://" + s.Address.String() + "/kiosk/" }

func (s Settings) proxy() string { return fmt.Sprintf("%s:%d", s.Address, gatePort) }

type object = map[string]any

// Firefox returns FirefoxPath's content, for Firefox ESR 128 and later (mozilla.github.io/policy-templates). The same settings
// give the same bytes.
func Firefox(s Settings) ([]byte, error) {
	locked := func(v any) object { return object{"Value": v, "Status": "locked"} }
	refused := object{"BlockNewRequests": true, "Locked": true}
	return write(s, object{"policies": object{
		"Proxy": object{
			"Mode": "manual", "Locked": true, "HTTPProxy": s.proxy(), "UseHTTPProxyForAllProtocols": true,
			"Passthrough": "127.0.0.1, " + s.Address.String() + ", " + s.PortalName,
		},
		"Homepage":                object{"URL": Homepage(s), "Locked": true, "StartPage": "homepage-locked"},
		"OverrideFirstRunPage":    "",
		"OverridePostUpdatePage":  "",
		"NewTabPage":              false,
		"DisableProfileImport":    true,
		"DontCheckDefaultBrowser": true,

		// Nothing of one person is there for the next.
		"SanitizeOnShutdown":        true,
		"DisableFormHistory":        true,
		"OfferToSaveLogins":         false,
		"PasswordManagerEnabled":    false,
		"AutofillAddressEnabled":    false,
		"AutofillCreditCardEnabled": false,
		"DisableFirefoxAccounts":    true,
		"DisableFirefoxScreenshots": true,
		"DisableTelemetry":          true,
		"DisableFirefoxStudies":     true,
		"DisableFeedbackCommands":   true,
		"SearchSuggestEnabled":      false,
		"FirefoxSuggest":            object{"WebSuggestions": false, "SponsoredSuggestions": false, "ImproveSuggest": false, "Locked": true},
		"UserMessaging":             object{"ExtensionRecommendations": false, "FeatureRecommendations": false, "SkipOnboarding": true, "MoreFromMozilla": false, "Locked": true},

		// Nothing goes around the proxy.
		"DNSOverHTTPS":      object{"Enabled": false, "Locked": true},
		"NetworkPrediction": false,
		"CaptivePortal":     false,

		// The browser stays what it is.
		"BlockAboutConfig":            true,
		"BlockAboutProfiles":          true,
		"BlockAboutAddons":            true,
		"DisableDeveloperTools":       true,
		"DisableSafeMode":             true,
		"DisableProfileRefresh":       true,
		"DisableSetDesktopBackground": true,
		"DisableSecurityBypass":       object{"InvalidCertificate": true},
		"DisableAppUpdate":            true, // the machine's own updates do that, where there is a network for them
		"DisableSystemAddonUpdate":    true,
		"ExtensionUpdate":             false,
		"InstallAddonsPermission":     object{"Default": false},
		"ExtensionSettings":           object{"*": object{"installation_mode": "blocked"}},
		"WebsiteFilter":               object{"Block": []string{"file:///*"}},
		"PopupBlocking":               object{"Default": false, "Locked": true}, // services open in a window of their own
		"Permissions":                 object{"Camera": refused, "Microphone": refused, "Location": refused, "Notifications": refused, "VirtualReality": refused, "ScreenShare": refused},

		"PrintingEnabled":               s.Prints,
		"StartDownloadsInTempDirectory": true,
		"PromptForDownloadLocation":     s.USB,
		"AllowFileSelectionDialogs":     s.USB,

		"Preferences": object{
			"browser.privatebrowsing.autostart":      locked(true),
			"dom.allow_scripts_to_close_windows":     locked(true), // our page may end the browser, which begins anew
			"media.peerconnection.ice.proxy_only":    locked(true), // WebRTC: no UDP that the proxy does not carry
			"network.http.http3.enable":              locked(false),
			"network.proxy.failover_direct":          locked(false),
			"network.connectivity-service.enabled":   locked(false),
			"network.prefetch-next":                  locked(false),
			"browser.sessionstore.resume_from_crash": locked(false),
			"browser.tabs.warnOnClose":               locked(false),
		},
	}})
}

// Chromium returns ChromiumPath's content (chromeenterprise.google/policies). The same settings give the same bytes.
func Chromium(s Settings) ([]byte, error) {
	const (
		block    = 2 // of Default…Setting
		allowed  = 1
		noPrompt = false
	)
	restrict := 3 // every download
	if s.USB {
		restrict = 0
	}
	return write(s, object{
		"ProxySettings": object{
			"ProxyMode": "fixed_servers", "ProxyServer": s.proxy(), "ProxyBypassList": s.Address.String() + ";" + s.PortalName,
		},
		"HomepageLocation":     Homepage(s),
		"HomepageIsNewTabPage": false,
		"NewTabPageLocation":   Homepage(s),
		"RestoreOnStartup":     4, // these addresses
		"RestoreOnStartupURLs": []string{Homepage(s)},
		"ShowHomeButton":       true,

		"IncognitoModeAvailability":               block, // 2: incognito alone
		"BrowserSignin":                           0,
		"SyncDisabled":                            true,
		"SavingBrowserHistoryDisabled":            true,
		"PasswordManagerEnabled":                  false,
		"AutofillAddressEnabled":                  false,
		"AutofillCreditCardEnabled":               false,
		"SearchSuggestEnabled":                    false,
		"MetricsReportingEnabled":                 false,
		"UrlKeyedAnonymizedDataCollectionEnabled": false,
		"SpellCheckServiceEnabled":                false,
		"TranslateEnabled":                        false,
		"BackgroundModeEnabled":                   false,
		"AlternateErrorPagesEnabled":              false,

		"DnsOverHttpsMode":         "off",
		"BuiltInDnsClientEnabled":  false,
		"QuicAllowed":              false,
		"WebRtcIPHandling":         "disable_non_proxied_udp",
		"NetworkPredictionOptions": block, // 2: never

		"DeveloperToolsAvailability":      2, // never
		"ExtensionInstallBlocklist":       []string{"*"},
		"URLBlocklist":                    []string{"file://*", "view-source:*", "chrome://flags/*", "chrome://settings/*", "chrome://net-internals/*", "chrome://inspect/*"},
		"SSLErrorOverrideAllowed":         false,
		"EditBookmarksEnabled":            false,
		"BookmarkBarEnabled":              false,
		"BrowserAddPersonEnabled":         false,
		"BrowserGuestModeEnabled":         false,
		"DefaultBrowserSettingEnabled":    noPrompt,
		"PromotionsEnabled":               false,
		"ComponentUpdatesEnabled":         false,
		"AllowDinosaurEasterEgg":          false,
		"DefaultPopupsSetting":            allowed, // services open in a window of their own
		"DefaultNotificationsSetting":     block,
		"DefaultGeolocationSetting":       block,
		"DefaultSerialGuardSetting":       block,
		"DefaultWebUsbGuardSetting":       block,
		"DefaultWebBluetoothGuardSetting": block,
		"DefaultWebHidGuardSetting":       block,
		"AudioCaptureAllowed":             false,
		"VideoCaptureAllowed":             false,
		"ScreenCaptureAllowed":            false,

		"PrintingEnabled":           s.Prints,
		"DownloadRestrictions":      restrict,
		"PromptForDownloadLocation": s.USB,
		"AllowFileSelectionDialogs": s.USB,
	})
}

// write encodes; encoding/json sorts the keys.
func write(s Settings, v object) ([]byte, error) {
	if !s.Address.Is4() || s.PortalName == "" {
		return nil, errAddress
	}
	b, err := json.MarshalIndent(v, "", "  ")
	return append(b, '\n'), err
}
