package portal

// picture is the pictogram of a text, or why it has none.
type picture struct{ Name, Why string }

// Why a text has no picture.
const (
	aTitle     = "a heading: the pictures stand by the sentences under it"
	aControl   = "the words of a button or link, which is itself the thing to see"
	aPart      = "a part of another text"
	anItem     = "an item of a list or a step, under a sentence with a picture or a number"
	unseen     = "spoken by screen readers or shown by the browser, not on the page"
	theBig     = "written large beside the disc of the time that is left"
	enough     = "a page with more than about five pictures helps less: its neighbours have one"
	theDrawing = "the drawing that goes with the code stands by it"
	theLaw     = "a notice that the law asks for, in the law's words as far as possible"
)

// pictograms says which picture goes with which text.
var pictograms = map[string]picture{
	"home.show": {Why: aControl}, "home.code": {Why: aControl},

	"waiting.title": {Why: unseen}, "waiting.show": {Why: theDrawing}, "waiting.drawing": {Why: theDrawing}, "waiting.person": {Name: "desk"},
	"waiting.leave": {Why: enough}, "waiting.turns": {Why: enough}, "waiting.code": {Why: enough},
	"waiting.rules": {Why: "the words of a link, small at the end"},

	"code.title": {Why: unseen}, "code.head": {Why: aTitle}, "code.filled": {Why: aTitle}, "code.where": {Name: "ticket"}, "code.field": {Why: aControl},
	"code.same": {Why: "the hint of a field"}, "code.go": {Why: aControl}, "code.no": {Why: aTitle}, "code.look": {Name: "ticket"}, "code.used": {Why: aTitle},
	"code.old": {Why: aTitle}, "code.early": {Why: aTitle}, "code.revoked": {Why: aTitle}, "code.full": {Why: aTitle},
	"code.notyet": {Why: aTitle}, "code.over": {Why: aTitle}, "code.wait": {Name: "clock"}, "code.before": {Why: aControl},

	"again.title": {Why: unseen}, "again.head": {Why: aTitle}, "again.changed": {Name: "address"}, "again.type": {Why: aControl},
	"again.go": {Why: aControl}, "again.forgot": {Why: aTitle}, "again.found": {Why: "the time that is left is large under it"}, "again.gone": {Name: "search"},

	"closed.title": {Why: unseen}, "closed.head": {Why: aTitle}, "closed.next": {Why: "written large, alone on its page"}, "closed.ask": {Name: "desk"}, "closed.paused": {Name: "off"},

	"down.title": {Why: unseen}, "down.head": {Why: aTitle}, "down.turns": {Why: enough},

	"mine.keep": {Why: enough}, "mine.extend": {Why: aControl}, "mine.message": {Why: aTitle}, "mine.closes": {Name: "bell"}, "mine.closesin": {Name: "bell"},
	"mine.stops": {Why: "it goes with the sentence above it"},

	"over.pause": {Why: aTitle}, "over.workshop": {Why: aTitle}, "over.moved": {Why: aTitle},

	"help.ask": {Why: aControl}, "help.sent": {Name: "bell"}, "help.gone": {Name: "bell"}, "help.stay": {Why: "it goes with the sentence above it"}, "help.seen": {Name: "yes"},
	"help.nobody": {Name: "desk"}, "help.crowd": {Name: "people"}, "help.until": {Why: enough}, "help.contact": {Why: enough},

	"data.code": {Why: anItem}, "data.message": {Why: anItem}, "data.wait": {Why: enough}, "data.language": {Why: anItem}, "data.kind": {Why: anItem},
	"data.call": {Why: anItem}, "data.soon": {Why: enough}, "data.cookie": {Why: enough}, "data.count": {Why: enough}, "data.midnight": {Why: enough},
	"data.yourcode": {Why: anItem},

	"date.today": {Why: aPart}, "date.tomorrow": {Why: aPart}, "date.on": {Why: aPart}, "date.weekdays": {Why: aPart},

	"words.skip": {Why: unseen}, "words.back": {Why: aControl}, "words.desk": {Why: aPart},
	"words.notice": {Why: enough}, "words.languages": {Why: unseen}, "words.pages": {Why: unseen},

	"nav.home": {Why: aControl}, "nav.mine": {Why: aControl}, "nav.help": {Why: aControl}, "nav.rules": {Why: aControl},
	"nav.data": {Why: aControl}, "nav.access": {Why: aControl}, "nav.plan": {Why: aControl}, "nav.legal": {Why: aControl},
	"nav.languages": {Why: aControl},

	"home.title": {Why: unseen}, "home.welcome": {Why: "the picture of the open door stands above it"},
	"home.free": {Name: "gift"}, "home.press": {Name: "finger"}, "home.go": {Why: aControl},
	"home.allowed": {Name: "clock"}, "home.left": {Name: "clock"}, "home.resume": {Why: aControl},
	"home.accept": {Why: "the words of a link, small under the button"},

	"opened.title": {Why: unseen}, "opened.head": {Why: aTitle}, "opened.until": {Name: "bell"}, "opened.go": {Why: aControl},
	"opened.later": {Name: "address"},

	"mine.title": {Why: unseen}, "mine.head": {Why: aTitle}, "mine.amount": {Name: "gauge"}, "mine.soon": {Why: theBig},
	"mine.save": {Name: "disk"}, "mine.more": {Name: "desk"}, "mine.stop": {Why: aControl}, "mine.keeps": {Name: "clock"},
	"mine.after": {Why: "it goes with the sentence above it"}, "mine.slow": {Name: "gauge"},
	"mine.turns": {Why: enough}, "mine.fix": {Why: aControl}, "mine.turn": {Why: aControl},

	"over.title": {Why: unseen}, "over.time": {Why: aTitle}, "over.volume": {Why: aTitle}, "over.operator": {Why: aTitle},
	"over.closing": {Why: aTitle}, "over.resident": {Why: aTitle}, "over.device": {Name: "off"}, "over.more": {Why: "it asks what the button under it answers"},
	"over.ask": {Why: aControl}, "over.shows": {Why: "it says what the button under it does"}, "over.opens": {Why: "it says what the button under it does"}, "over.day": {Why: aTitle}, "over.tomorrow": {Name: "sun"},

	"refused.title": {Why: unseen}, "refused.head": {Why: aTitle}, "refused.full": {Name: "people"}, "refused.device": {Name: "search"},
	"refused.lease": {Name: "mailbox"}, "refused.taken": {Name: "people"}, "refused.trouble": {Name: "tools"},
	"refused.fine": {Name: "yes"}, "refused.wifi": {Name: "wifi"}, "refused.again": {Why: aControl}, "refused.desk": {Name: "desk"},
	"refused.day":  {Name: "clock"},
	"paused.title": {Why: unseen}, "paused.head": {Why: aTitle}, "paused.why": {Name: "twins"}, "paused.happens": {Why: enough},
	"paused.kept": {Name: "clock"}, "paused.look": {Why: aControl},
	"unstopped.title": {Why: unseen}, "unstopped.head": {Why: aTitle},

	"help.title": {Why: unseen}, "help.head": {Why: aTitle}, "help.nopage": {Why: aTitle}, "help.browser": {Name: "window"},
	"help.type": {Why: anItem}, "help.fails": {Why: aTitle}, "help.wait": {Why: anItem}, "help.vpn": {Why: aTitle},
	"help.vpn1": {Why: enough}, "help.vpn2": {Why: anItem}, "help.vpn3": {Why: anItem}, "help.vpn4": {Why: anItem},
	"help.dns": {Why: aTitle}, "help.dns1": {Why: anItem}, "help.dns2": {Why: anItem}, "help.dns3": {Why: anItem},
	"help.desk": {Name: "desk"}, "help.screen": {Name: "show"}, "help.athome": {Why: aTitle}, "help.athome1": {Name: "house"},

	"rules.title": {Why: unseen}, "rules.head": {Why: aTitle}, "rules.respect": {Name: "heart"}, "rules.law": {Name: "scales"},
	"rules.copy": {Name: "nocopy"}, "rules.here": {Why: aTitle}, "rules.around": {Why: aTitle}, "rules.screens": {Name: "eye"}, "rules.children": {Why: enough},
	"rules.sound": {Name: "ears"}, "rules.safety": {Why: aTitle}, "rules.public": {Why: enough}, "rules.lock": {Name: "lock"},
	"rules.limits": {Why: aTitle}, "rules.amount": {Why: enough}, "rules.daily": {Why: enough}, "rules.dayamount": {Why: enough}, "rules.desk": {Why: enough},

	"data.title": {Why: unseen}, "data.head": {Why: aTitle}, "data.keep": {Name: "sheet"}, "data.begin": {Why: anItem},
	"data.end": {Why: anItem}, "data.number": {Why: anItem}, "data.address": {Why: anItem}, "data.amount": {Why: anItem}, "data.day": {Why: anItem},
	"data.why": {Name: "clock"}, "data.until": {Name: "bin"}, "data.erased": {Name: "bin"}, "data.unknown": {Name: "mask"},
	"data.sites": {Name: "noeye"}, "data.yours": {Why: aTitle}, "data.mac": {Why: anItem}, "data.ipv4": {Why: anItem},
	"data.began": {Why: anItem}, "data.stopped": {Why: anItem}, "data.used": {Why: anItem}, "data.rights": {Why: aTitle},
	"data.ask": {Why: enough}, "data.write": {Name: "letter"}, "data.cnil": {Why: enough},

	"languages.title": {Why: unseen}, "languages.head": {Why: aTitle},

	"access.title": {Why: unseen}, "access.head": {Why: aTitle}, "access.state": {Name: "access"}, "access.why": {Why: theLaw},
	"access.law": {Why: theLaw}, "access.done": {Why: aTitle}, "access.keyboard": {Name: "keys"}, "access.zoom": {Name: "zoom"},
	"access.plain": {Why: enough}, "access.tell": {Why: aTitle}, "access.contact": {Name: "letter"}, "access.desk": {Why: enough},
	"access.defender": {Why: aTitle}, "access.rights": {Why: theLaw}, "access.phone": {Why: theLaw}, "access.post": {Why: theLaw},

	"legal.title": {Why: unseen}, "legal.head": {Why: aTitle}, "legal.publisher": {Why: theLaw}, "legal.contact": {Name: "letter"},
	"legal.place": {Why: theLaw}, "legal.host": {Why: theLaw}, "legal.software": {Why: theLaw}, "legal.licence": {Why: theLaw},
	"legal.cookies": {Why: theLaw},

	"plan.title": {Why: unseen}, "plan.head": {Why: aTitle}, "plan.intro": {Why: "it announces a list of links"},

	"missing.title": {Why: unseen}, "missing.head": {Why: aTitle}, "missing.go": {Why: aControl},
	"problem.title": {Why: unseen}, "problem.head": {Why: aTitle}, "broken.title": {Why: unseen}, "broken.head": {Why: aTitle},

	"duration.instant": {Why: aPart}, "duration.both": {Why: aPart}, "duration.minutes": {Why: aPart},
	"duration.hours": {Why: aPart}, "duration.days": {Why: aPart}, "date.hour": {Why: aPart}, "date.sharp": {Why: aPart},
	"date.day": {Why: aPart}, "date.first": {Why: aPart}, "date.months": {Why: aPart}, "amount.little": {Why: aPart},
	"amount.mega": {Why: aPart}, "amount.giga": {Why: aPart}, "amount.comma": {Why: aPart},
}
