package printing

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// request is one as a terminal's own print system writes it, names of people and all.
func request(code uint16, more ...attribute) message {
	op := group{tag: tagOperation, attributes: []attribute{
		{"attributes-charset", []value{text(tagCharset, "utf-8")}},
		{"attributes-natural-language", []value{text(tagLanguage, "fr")}},
		{"printer-uri", []value{text(tagURI, "ipp://10.20.0.1/ipp/print")}},
	}}
	op.attributes = append(op.attributes, more...)
	return message{version: 0x0200, code: code, id: 7, groups: []group{op}}
}

func TestMessagesAreReadToTheirEndAndNoFurther(t *testing.T) {
	m := request(printJob, attribute{"job-name", []value{text(tagName, "a"), text(tagName, "b")}})
	r := bufio.NewReader(strings.NewReader(string(m.bytes()) + "%PDF"))
	got, err := readMessage(r, maxRequest)
	if err != nil || !bytes.Equal(got.bytes(), m.bytes()) {
		t.Fatalf("read %+v, %v", got, err)
	}
	if rest, _ := io.ReadAll(r); string(rest) != "%PDF" {
		t.Errorf("the document is %q", rest)
	}
}

func TestWhatIsNoMessageIsRefused(t *testing.T) {
	sound := string(request(printJob).bytes())
	tests := []struct {
		name, in string
		max      int
		want     error
	}{
		{"nothing", "", maxRequest, errFormat},
		{"half a head", sound[:5], maxRequest, errFormat},
		{"no end", sound[:len(sound)-1], maxRequest, errFormat},
		{"a value outside of a group", sound[:8] + "\x47\x00\x01a\x00\x01b\x03", maxRequest, errFormat},
		{"a value without a name", sound[:8] + "\x01\x47\x00\x00\x00\x01b\x03", maxRequest, errFormat},
		{"longer than may be", sound, len(sound) - 1, errTooLong},
		{"a length that lies", sound[:8] + "\x01\x47\xff\xff", 1000, errTooLong},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := readMessage(bufio.NewReader(strings.NewReader(tt.in)), tt.max); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func FuzzReadMessage(f *testing.F) {
	f.Add(request(printJob).bytes())
	f.Add(request(getJobs, attribute{"job-uri", []value{text(tagURI, "ipp://a/1")}}).bytes())
	f.Add([]byte("\x02\x00\x00\x0b\x00\x00\x00\x01\x01\x03"))
	f.Fuzz(func(t *testing.T, b []byte) {
		in := bytes.NewReader(b)
		r := bufio.NewReader(in)
		m, err := readMessage(r, maxRequest)
		if err != nil {
			return
		}
		rest, _ := io.ReadAll(r)
		if again := append(m.bytes(), rest...); !bytes.Equal(again, b) {
			t.Fatalf("written again it is\n%x\nnot\n%x", again, b)
		}
		job, status := prepare(&m, "ipp://printer/ipp/print", "poste")
		if status == 0 && job < 0 {
			t.Fatalf("job %d", job)
		}
		present(&m, m.code, "ipp://self/ipp/print", func(int32) bool { return true })
		if _, err := readMessage(bufio.NewReader(bytes.NewReader(m.bytes())), maxResponse); err != nil {
			t.Fatalf("what goes to the printer cannot be read: %v", err)
		}
	})
}

func TestNoNameOfAPersonOrADocumentLeaves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const secret = "Mme Untel, RSA"
		names := []string{
			"requesting-user-name", "job-name", "document-name", "job-originating-user-name", "job-account-id", "document-metadata",
			"notify-recipient-uri", "job-message-from-operator", "x-whatever", "requesting-user-uri", "job-uri",
		}
		m := request(rapid.SampledFrom(allowed).Draw(t, "operation"), attribute{"job-id", []value{integer(4)}})
		for _, n := range rapid.SliceOf(rapid.SampledFrom(names)).Draw(t, "names") {
			m.groups[0].attributes = append(m.groups[0].attributes, attribute{n, []value{text(tagName, secret), text(tagName, secret)}})
		}
		for _, tag := range rapid.SliceOf(rapid.SampledFrom([]byte{tagOperation, tagJob, tagPrinter, 0x06, 0x07})).Draw(t, "groups") {
			n := rapid.SampledFrom(names).Draw(t, "name")
			m.groups = append(m.groups, group{tag, []attribute{{n, []value{text(tagName, secret)}}, {"copies", []value{integer(2)}}}})
		}
		_, status := prepare(&m, "ipp://printer/ipp/print", "poste-1")
		if out := string(m.bytes()); status == 0 && strings.Contains(out, secret) {
			t.Fatalf("it leaves: %q", out)
		}
		if status == 0 && (m.operation().text("printer-uri") != "ipp://printer/ipp/print" || m.operation().text("requesting-user-name") != "poste-1") {
			t.Fatalf("goes to the wrong place: %+v", m)
		}
	})
}

func TestPrepare(t *testing.T) {
	id := attribute{"job-id", []value{integer(4)}}
	uri := func(s string) attribute { return attribute{"job-uri", []value{text(tagURI, s)}} }
	tests := []struct {
		name   string
		m      message
		job    int32
		status uint16
	}{
		{"a job", request(printJob), 0, 0},
		{"a job's number where none belongs", request(printJob, id), 0, 0},
		{"about a job", request(cancelJob, id), 4, 0},
		{"about a job by its address", request(sendDocument, uri("ipp://10.20.0.1/ipp/print/12")), 12, 0},
		{"about no job", request(cancelJob), 0, badRequest},
		{"about job 0", request(cancelJob, attribute{"job-id", []value{integer(0)}}), 0, badRequest},
		{"an address without a number", request(cancelJob, uri("ipp://10.20.0.1/ipp/print")), 0, notFound},
		{"no attributes", message{code: printJob}, 0, badRequest},
		{"another group first", message{code: printJob, groups: []group{{tag: tagJob}, request(printJob).groups[0]}}, 0, badRequest},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			job, status := prepare(&tt.m, "ipp://printer/ipp/print", "poste")
			if job != tt.job || status != tt.status {
				t.Fatalf("job %d, status %x", job, status)
			}
			if status != 0 {
				return
			}
			var first []string
			for _, a := range tt.m.groups[0].attributes {
				first = append(first, a.name)
			}
			want := []string{"attributes-charset", "attributes-natural-language", "printer-uri", "job-id"}
			if job == 0 {
				want = want[:3]
			}
			if !slices.Equal(first[:len(want)], want) {
				t.Errorf("attributes are in the order %v", first)
			}
		})
	}
}

func TestPresent(t *testing.T) {
	number := func(tag byte, n int32) value { v := integer(n); v.tag = tag; return v }
	m := message{groups: []group{{tagPrinter, []attribute{
		{"printer-uri-supported", []value{text(tagURI, "ipp://p/"), text(tagURI, "ipps://p/")}},
		{"uri-security-supported", words("none", "tls")},
		{"printer-icons", []value{text(tagURI, "http://p/")}},
		{"operations-supported", []value{number(tagEnum, printJob), number(tagEnum, 3), number(tagEnum, getJobs)}},
	}}}}
	present(&m, printerStatus, "ipp://us/ipp/print", nil)
	g := m.groups[0]
	if g.text("printer-uri-supported") != "ipp://us/ipp/print" || len(g.attributes) != 3 || len(g.attributes[1].values) != 1 || len(g.attributes[2].values) != 2 {
		t.Errorf("a printer is shown as %+v", g)
	}
	m = message{}
	for _, id := range []int32{3, 4} {
		m.groups = append(m.groups, group{tagJob, []attribute{{"job-id", []value{integer(id)}}, {"job-uri", []value{text(tagURI, "ipp://p/jobs/4")}}}})
	}
	m.groups = append(m.groups, group{tagJob, []attribute{{"job-name", []value{text(tagName, "of nobody known")}}}})
	present(&m, getJobs, "ipp://us/ipp/print", func(id int32) bool { return id == 4 })
	if len(m.groups) != 1 || m.groups[0].text("job-uri") != "ipp://us/ipp/print/4" {
		t.Errorf("jobs are shown as %+v", m.groups)
	}
}
