package staff

import (
	"slices"
	"strings"
)

// Role is what somebody is at the hub.
type Role string

// The roles. The EPCI's people belong to no commune, all others to one.
const (
	EPCI   Role = "epci"   // runs the hub: communes, and of each commune health and totals alone
	DSI    Role = "dsi"    // administrator of a commune
	DPO    Role = "dpo"    // data protection officer of a commune: looks, also at the log, and changes nothing
	Reader Role = "reader" // of a commune: looks
)

// Action is something that not every role may do.
type Action string

// The actions.
const (
	Look       Action = "look"        // see the sites of one's commune
	Overlook   Action = "overlook"    // see health and totals of every commune
	Operate    Action = "operate"     // enrol sites, take incidents in charge
	ManageTeam Action = "manage-team" // invite, change and close people of one's commune, or of the EPCI
	Configure  Action = "configure"   // write the configuration of one's commune, or of all communes; try the ways of alerts
	Communes   Action = "communes"    // add a commune, let one leave
	ReadLog    Action = "read-log"    // see what everybody of one's commune, or of the EPCI, did
)

var may = map[Role][]Action{
	EPCI:   {Overlook, Configure, ManageTeam, Communes, ReadLog},
	DSI:    {Look, Operate, Configure, ManageTeam, ReadLog},
	DPO:    {Look, ReadLog},
	Reader: {Look},
}

// May reports whether the role may do it. An unknown role may nothing.
func (r Role) May(a Action) bool { return slices.Contains(may[r], a) }

// Roles are those that an account of a tenant may have; tenant "" is the EPCI.
func Roles(tenant string) []Role {
	if tenant == "" {
		return []Role{EPCI}
	}
	return []Role{DSI, DPO, Reader}
}

// roleIn reads the provider's values: "parvis-epci", or "parvis-dsi@COMMUNE", "parvis-dpo@COMMUNE", "parvis-reader@COMMUNE", where
// COMMUNE is the commune's identifier at the hub. The strongest counts; of several communes the first by name, so that one account
// is one commune's.
func roleIn(values []string) (tenant string, role Role, ok bool) {
	values = slices.Clone(values)
	slices.Sort(values)
	for _, want := range []Role{EPCI, DSI, DPO, Reader} {
		for _, v := range values {
			name, at, _ := strings.Cut(strings.ToLower(v), "@")
			if name == "parvis-"+string(want) && (want == EPCI) == (at == "") {
				return at, want, true
			}
		}
	}
	return "", "", false
}
