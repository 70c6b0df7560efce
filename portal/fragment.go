package portal

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
)

// fill puts the code of a ticket's QR code into the field. The code stands behind the # of the address
// (parvis/portal/paper): browsers keep that part to themselves, so that neither our log nor, outside, that of the town's
// web site can have it. It is the only script of these pages; without it the code is typed from the ticket.
const fill = `(function(){var f=document.getElementById("code"),c=decodeURIComponent(location.hash.slice(1));if(f&&!f.value&&/^[0-9A-Za-z -]{4,40}$/.test(c))f.value=c})()`

var fillDigest = func() string {
	sum := sha256.Sum256([]byte(fill))
	return base64.StdEncoding.EncodeToString(sum[:])
}()

// Fill is the script of the page for a code, while nothing is in its field.
func (v *view) Fill() template.JS {
	if v.Page != "code" || v.Typed != "" || v.Reason != "" {
		return ""
	}
	return fill
}

// policy is the page's Content-Security-Policy.
func (v *view) policy() string {
	if v.Fill() == "" {
		return v.p.policy
	}
	return v.p.policy + "; script-src 'sha256-" + fillDigest + "'"
}
