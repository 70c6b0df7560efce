package intake

import (
	"context"
	"errors"
	"net/http"
	"time"

	"parvis/internal/hub/store"
	"parvis/internal/hublink/wire"
)

// file answers with the bytes of a release's file, all or those of a Range (RFC 9110, section 14). Which site may have which is no secret: a
// release is the same for all.
func (in *intake) file(w http.ResponseWriter, r *http.Request, _ *Event) (any, error) {
	if _, err := in.site(r); err != nil {
		return nil, err
	}
	digest := r.PathValue("sha256")
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	unknown := refuse(http.StatusNotFound, "this hub has no such file, or it was withdrawn")
	if !wire.Digest(digest) {
		return nil, unknown
	}
	f, err := in.Hub.ReleaseFile(ctx, digest)
	if errors.Is(err, store.ErrUnknown) {
		return nil, unknown
	}
	if err != nil {
		return nil, err
	}
	w.Header().Set("ETag", `"`+digest+`"`)
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", time.Time{}, f)
	return written, nil
}

// written is an answer that is there already.
var written any = new(struct{ _ int })
