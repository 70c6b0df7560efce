package printing

import (
	"encoding/binary"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Operations (RFC 8011, section 5.4.15). Others are refused: nothing that fetches by address (Print-URI), nothing that changes
// the printer.
const (
	printJob      = 0x0002
	validateJob   = 0x0004
	createJob     = 0x0005
	sendDocument  = 0x0006
	cancelJob     = 0x0008
	jobAttributes = 0x0009
	getJobs       = 0x000a
	printerStatus = 0x000b // Get-Printer-Attributes
)

var allowed = []uint16{printJob, validateJob, createJob, sendDocument, cancelJob, jobAttributes, getJobs, printerStatus}

// Statuses (RFC 8011, appendix B).
const (
	firstError    = 0x0100 // below it: done
	badRequest    = 0x0400
	notAuthorised = 0x0403
	notPossible   = 0x0404
	notFound      = 0x0406
	tooLarge      = 0x0408
	notSupported  = 0x0501
	unavailable   = 0x0502
	busy          = 0x0507
)

// What passes of a request's attributes. The rest is dropped: names of people and documents, notices sent elsewhere, jobs held
// for later.
var (
	operationAttributes = []string{
		"attributes-charset", "attributes-natural-language", "printer-uri", "job-id", "document-format", "compression", "last-document", "ipp-attribute-fidelity", "requested-attributes", "which-jobs",
		"job-k-octets", "job-impressions", "job-media-sheets",
	}
	templateAttributes = []string{
		"copies", "finishings", "media", "media-col", "multiple-document-handling", "number-up", "orientation-requested",
		"output-bin", "page-delivery", "page-ranges", "presentation-direction-number-up", "print-color-mode",
		"print-content-optimize", "print-quality", "print-rendering-intent", "print-scaling", "printer-resolution", "sheet-collate", "sides",
	}
	// unreachable are addresses that a print system fetches from by itself, where no terminal gets.
	unreachable = []string{"printer-icons", "printer-strings-uri", "printer-xri-supported"}
)

// documentName is every document's.
const documentName = "document"

// prepare makes of a terminal's request one that goes to the printer: neutral names, the printer's own address, known
// attributes. user is who asks, to the printer. The job that the request is about, 0 without one, is returned.
func prepare(m *message, printer, user string) (job int32, status uint16) {
	op := m.operation()
	if op == nil || m.groups[0].tag != tagOperation || op.text("attributes-charset") == "" || op.text("attributes-natural-language") == "" {
		return 0, badRequest
	}
	job, ok := op.number("job-id")
	if uri := op.text("job-uri"); !ok && uri != "" {
		if job, ok = jobOf(uri); !ok {
			return 0, notFound
		}
		op.set("job-id", integer(job))
	}
	switch about := slices.Contains([]uint16{sendDocument, cancelJob, jobAttributes}, m.code); {
	case about && (!ok || job < 1):
		return 0, badRequest
	case !about:
		job = 0
	}
	op.keep(func(name string) bool {
		return slices.Contains(operationAttributes, name) && (job != 0 || name != "job-id")
	})
	op.set("printer-uri", text(tagURI, printer))
	op.set("requesting-user-name", text(tagName, user))
	switch m.code {
	case printJob, createJob, validateJob:
		op.set("job-name", text(tagName, documentName))
	case getJobs:
		op.set("requested-attributes", words("job-id", "job-uri", "job-state", "job-state-reasons", "job-impressions-completed", "job-media-sheets-completed")...)
	}
	op.order("attributes-charset", "attributes-natural-language", "printer-uri", "job-id")
	groups := m.groups[:1]
	for _, g := range m.groups[1:] {
		if g.tag == tagJob {
			g.keep(func(name string) bool { return slices.Contains(templateAttributes, name) })
			groups = append(groups, g)
		}
	}
	m.groups = groups
	return job, 0
}

// jobOf reads the number at the end of a job's address.
func jobOf(uri string) (int32, bool) {
	n, err := strconv.ParseInt(path.Base(uri), 10, 32)
	return int32(n), err == nil && n > 0
}

// present makes of the printer's answer one that a terminal gets: our address for the printer's, the operations that we let pass,
// its own jobs. self is our address as the terminal knows it.
func present(m *message, operation uint16, self string, own func(job int32) bool) {
	kept := m.groups[:0]
	for _, g := range m.groups {
		switch {
		case g.tag == tagPrinter && operation == printerStatus:
			presentPrinter(&g, self)
		case g.tag == tagJob:
			if id, ok := g.number("job-id"); operation == getJobs && (!ok || !own(id)) {
				continue
			}
			for i, a := range g.attributes {
				switch a.name {
				case "job-uri":
					id, _ := jobOf(string(a.values[0].data))
					g.attributes[i].values = []value{text(tagURI, self+"/"+strconv.Itoa(int(id)))}
				case "job-printer-uri":
					g.attributes[i].values = []value{text(tagURI, self)}
				}
			}
			g.keep(func(name string) bool { return name != "job-more-info" })
		}
		kept = append(kept, g)
	}
	m.groups = kept
}

func presentPrinter(g *group, self string) {
	g.keep(func(name string) bool { return !slices.Contains(unreachable, name) })
	for i, a := range g.attributes {
		switch a.name {
		case "printer-uri-supported":
			g.attributes[i].values = []value{text(tagURI, self)}
		case "uri-security-supported", "uri-authentication-supported": // one for each printer-uri-supported
			g.attributes[i].values = words("none")
		case "operations-supported":
			g.attributes[i].values = slices.DeleteFunc(slices.Clone(a.values), func(v value) bool {
				return len(v.data) != 4 || !slices.Contains(allowed, uint16(binary.BigEndian.Uint32(v.data)))
			})
			if len(g.attributes[i].values) == 0 {
				g.attributes[i].values = []value{{0x10, nil}} // "unsupported": an attribute has at least one value
			}
		}
	}
}

// refusal is an answer of ours.
func refusal(to message, status uint16) message {
	return message{version: to.version, code: status, id: to.id, groups: []group{{tagOperation, []attribute{
		{"attributes-charset", []value{text(tagCharset, "utf-8")}},
		{"attributes-natural-language", []value{text(tagLanguage, "en")}},
	}}}}
}

// asks is a request of ours.
func asks(operation uint16, printer, user string, job int32) message {
	op := group{tag: tagOperation}
	op.set("attributes-charset", text(tagCharset, "utf-8"))
	op.set("attributes-natural-language", text(tagLanguage, "en"))
	op.set("printer-uri", text(tagURI, printer))
	if job != 0 {
		op.set("job-id", integer(job))
	}
	op.set("requesting-user-name", text(tagName, user))
	if operation == jobAttributes {
		op.set("requested-attributes", words("job-id", "job-state", "job-impressions-completed", "job-media-sheets-completed")...)
	}
	if operation == getJobs {
		op.set("my-jobs", value{tagBoolean, []byte{1}})
		op.set("requested-attributes", words("job-id", "job-state", "job-originating-user-name")...)
	}
	return message{version: 0x0101, code: operation, id: 1, groups: []group{op}}
}

// target is the printer's address in IPP's own words, from its HTTP one's host and path.
func target(scheme, host, p string) string {
	return scheme + "://" + host + "/" + strings.TrimPrefix(p, "/")
}
