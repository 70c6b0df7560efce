package terminal

// pictures are the pictograms of the sentences that stand in a row with one; headings, buttons, hints and the law's own words have
// none. Shared sentences have the picture that they have on the pages of the guest network.
var pictures = map[string]string{
	"locked.go": "desk", "locked.say": "people", "locked.prints": "printer", "locked.noprint": "noprinter",
	"locked.usb": "key", "locked.usbread": "key", "locked.nosave": "nokey", "locked.nousb": "nokey",
	"hello.sites": "house", "hello.tab": "tabs", "hello.erased": "broom", "opened.until": "clock",
	"before.franceconnect": "mask", "before.mailbox": "letter", "before.phone": "phone", "before.card": "card", "before.papers": "sheet",
	"before.nothing": "yes", "before.stays": "tabs",
	"site.show":   "desk",
	"done.papers": "sheet", "done.key": "key", "done.card": "card", "done.erased": "broom", "cleaning.then": "yes",
	"outage.fine": "yes", "outage.go": "desk", "paused.kept": "clock", "shut.next": "clock", "closed.ask": "desk",
	"update.until": "clock", "update.wait": "clock",
	"newpost.wait": "clock", "newpost.number": "tag", "newpost.tell": "tools",
	"help.sent": "bell", "help.gone": "bell", "help.seen": "yes", "help.nobody": "desk", "help.crowd": "people", "help.desk": "desk", "phelp.press": "finger",
	"data.unknown": "mask", "data.sites": "noeye", "legal.contact": "letter",
	"access.state": "access", "access.keyboard": "keys", "access.zoom": "zoom", "access.contact": "letter",
}
