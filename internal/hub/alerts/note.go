package alerts

import (
	"embed"
	"fmt"
	"strings"
	"time"

	"parvis/internal/hub/words"
)

//go:embed texts/fr.toml
var texts embed.FS

var say = words.Must(texts)

// Note is what people are told. It names a site and a problem, and nobody.
type Note struct {
	ID       int64     `json:"-"`        // of the message: the same however often it is sent
	Incident int64     `json:"incident"` // 0: a test
	Event    Event     `json:"event"`    // begin, more, end, test
	Tenant   string    `json:"tenant"`
	Site     string    `json:"site"`
	Name     string    `json:"name"` // of the site
	Code     string    `json:"problem"`
	What     []string  `json:"what"`
	Began    time.Time `json:"began"`
	Ended    time.Time `json:"ended,omitzero"`
}

// Test is the event of a message that somebody sends to see whether it arrives.
const Test Event = "test"

// marker names the incident in a title, so that it is found again. A hub that begins anew counts from 1 again: the time keeps them apart.
func (n Note) marker() string { return fmt.Sprintf("[parvis-%d-%d]", n.Incident, n.Began.Unix()) }

// id names the message for the other side along one way.
func (n Note) id(way string) string { return fmt.Sprintf("parvis-%s-%d-%d", way, n.ID, n.Began.Unix()) }

// Title says it in one line.
func (n Note) Title() string {
	if n.Event == Test {
		return say.Say("test.title")
	}
	return say.Text("event."+string(n.Event), words.V{"Site": n.Name, "Problem": Title(n.Code)})
}

// Title is a problem in words.
func Title(code string) string { return say.Say("problem." + code) }

// Text says it all: what, since when, what to do.
func (n Note) Text(zone *time.Location) string {
	if n.Event == Test {
		return say.Say("test.text") + "\n"
	}
	lines := []string{n.Title() + "."}
	if len(n.What) > 0 {
		lines = append(lines, say.Text("about", words.V{"What": strings.Join(n.What, ", ")}))
	}
	lines = append(lines, say.Text("since", words.V{"Moment": words.Moment(n.Began.In(zone))}))
	if n.Event == End {
		lines = append(lines, say.Text("ended", words.V{"Moment": words.Moment(n.Ended.In(zone))}))
	} else {
		lines = append(lines, say.Say("advice."+n.Code))
	}
	return strings.Join(lines, "\n") + "\n"
}
