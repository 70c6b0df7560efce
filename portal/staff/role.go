package staff

import "slices"

// Role is what somebody is at the place.
type Role string

// The roles.
const (
	Mediator Role = "mediator" // opens and ends, at the desk
	Referent Role = "referent" // référent de site: adds colleagues too
	DSI      Role = "dsi"      // the town's IT department: everything
	DPO      Role = "dpo"      // data protection officer: looks, and changes nothing
)

// Roles are all of them, as lists show them.
var Roles = []Role{Mediator, Referent, DSI, DPO}

// Valid reports whether there is such a role.
func (r Role) Valid() bool { return slices.Contains(Roles, r) }

// Label is the French name.
func (r Role) Label() string {
	switch r {
	case Mediator:
		return "médiation"
	case Referent:
		return "référent de site"
	case DSI:
		return "informatique (DSI)"
	case DPO:
		return "protection des données (DPO)"
	}
	return string(r)
}

// Action is something that not every role may do.
type Action string

// The actions.
const (
	Look      Action = "look"       // see the console's pages
	Serve     Action = "serve"      // the gestures of the desk: open, end, tickets, workshops, opening of the place
	Manage    Action = "manage"     // invite mediators, give one-day passes, close them; enrol the desk's machine
	ManageAll Action = "manage-all" // the same for every role and every device
	ReadLog   Action = "read-log"   // see what everybody did; who did something sees it anyway
)

// may is who may do what.
var may = map[Role][]Action{
	Mediator: {Look, Serve},
	Referent: {Look, Serve, Manage},
	DSI:      {Look, Serve, Manage, ManageAll, ReadLog},
	DPO:      {Look, ReadLog},
}

// May reports whether the role may do it. An unknown role may nothing.
func (r Role) May(a Action) bool { return slices.Contains(may[r], a) }

// manages reports whether r may invite, change and close people of the role other.
func (r Role) manages(other Role) bool {
	return r.May(ManageAll) || r.May(Manage) && other == Mediator
}
