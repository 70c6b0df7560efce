// Package console is the staff's pages: what a mediator at the desk sees and does, on a phone or on the desk's computer.
//
// Pages are made on the server, in French, and work without script. One small script keeps the parts that are marked
// data-live up to date while a page is open; without it, or where events are blocked, pages refresh themselves, and either
// can be stopped (RGAA 13.1). Every gesture is a plain form: POST, then 303 to the page that shows what became of it.
//
// The console asks; it owns nothing but the ten seconds in which an opening can be taken back. Never does it show what
// anyone visits, a MAC, an address or a device's name.
//
// # Adding a page
//
//  1. A template templates/NAME.html that defines "main". It sees the view: .Data is what the handler passed, .Person who
//     works, .Config the place. Partials are in templates/partials.html; the functions of words.go (left, hour, size,
//     count, draw) speak French.
//
//  2. A file of Go with a method
//
//     func (c *Console) ticketPages(m *http.ServeMux) {
//     m.HandleFunc("GET /tickets", c.tickets)
//     m.Handle("POST /tickets/revoquer", c.gesture(c.revoke))
//     }
//
//     and its name in the list of pages in console.go. A handler ends with one of c.render, c.done (303, and a
//     sentence of notices in notices.go that says what was done) and c.problem (what is wrong and what to do).
//     gesture gives the handler the Person and refuses who has not entered; the handler tells Staff.Record what was done,
//     once it was done, with the object's id and no resident's data.
//
//  3. Its entry in the list of navigation in page.go is shown as soon as its path has a handler.
//
//  4. Interfaces to what it asks stand in its own file, about five verbs each, and are a field of Parts.
//
//  5. A live page sets page.Live and marks its changing parts: an element with data-live and an id is replaced when it has
//     changed; one with data-list too is a list, whose items have ids and keep their places. A hidden element data-say
//     holds what a screen reader is told when it changes. No text field belongs into a live part.
//
//  6. Its path in the list of console_test.go: every page there is checked for landmarks, headings, names of fields, skip link,
//     and that it holds nothing that it must not.
package console
