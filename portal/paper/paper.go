// Package paper makes what a place prints about its Wi-Fi: tickets on A4 sheets or one by one, the wall poster and the
// entrance's pictogram, as PDF and as print pages (HTML) with the same content; and the page that stands outside, on the
// town's web site, for who opens a ticket's address over mobile data.
//
// The PDF is for the printer: its text is in reading order and has a language, but it is not tagged, which the PDF writer
// cannot do. The print page is the accessible version (RGAA 13.3). Nothing here is kept or logged: codes come in, pages
// go out. Tickets are given and never sold: no paper has a price.
package paper

import (
	"errors"
	"time"
)

// Place is what every paper says of the place.
type Place struct {
	Name   string // of the place
	Desk   string // the place's word for its desk, with its article: l'accueil
	Portal string // DNS name of the portal
	WiFi   WiFi   // without a name, tickets have only the code's QR code and there is no poster
	ByDesk bool   // the desk opens each session: there is no button that does
}

// Ticket is one code on its way to paper.
type Ticket struct {
	Code          string // in its groups, as people type it
	Sheet, Number int    // from 1; Number within its sheet
}

// Lot is tickets that share their rules.
type Lot struct {
	Place   Place
	Title   string        // the staff's word for it, on the margin of sheets; may be empty
	Length  time.Duration // online, of one ticket
	Devices int           // that one ticket opens; 0 means 1
	// From and Until bound the validity, in the place's time zone; zero: unbounded.
	From, Until time.Time
	Tickets     []Ticket
}

// Format is the paper that tickets go on.
type Format string

// The formats.
const (
	Sheet  Format = "planche" // A4, 3 × 8 tickets to cut
	Single Format = "a4"      // one large ticket a page
	Roll58 Format = "58"      // ticket printers: pages of 58 and 80 mm
	Roll80 Format = "80"
)

// Formats are all of them, with the words that people choose by.
var Formats = []struct {
	Format Format
	Words  string
}{
	{Sheet, "Planche A4 de 24 tickets à découper"},
	{Single, "Une page A4 par ticket, en gros"},
	{Roll80, "Imprimante à tickets, 80 mm"},
	{Roll58, "Imprimante à tickets, 58 mm"},
}

// PerSheet is how many tickets an A4 sheet has.
const PerSheet = columns * rows

// Errors that a page can say something about.
var (
	ErrFormat = errors.New("paper: no such format")
	ErrNoWiFi = errors.New("paper: the Wi-Fi has no name")
	ErrRoom   = errors.New("paper: a QR code does not fit")
)

func (l Lot) devices() int { return max(l.Devices, 1) }

// Address is where a ticket's code is typed in. The code stands behind the # and not in the query: a fragment is never
// sent (RFC 9110, 4.2.5), so no server's log has it, neither ours nor that of the page outside.
func (p Place) Address(code string) string { return "http://" + p.Portal + "/code#" + code }
