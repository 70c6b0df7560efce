package console

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"parvis/sessions/hours"
)

var errClock = errors.New("console: not a time of day")

// clockTime reads what a field of type time sends, "18:30", and what people write where there is none: "18h30", "18 h", "18".
// It returns minutes after midnight, 0 to 1439.
func clockTime(s string) (int, error) {
	s = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(s)), " ", "")
	h, m, _ := strings.Cut(strings.NewReplacer("h", ":", ".", ":").Replace(s), ":")
	if m == "" {
		m = "0"
	}
	if len(h) > 2 || len(m) > 2 {
		return 0, errClock
	}
	hour, err1 := strconv.ParseUint(h, 10, 8)
	minute, err2 := strconv.ParseUint(m, 10, 8)
	if err1 != nil || err2 != nil || hour > 23 || minute > 59 {
		return 0, errClock
	}
	return int(hour)*60 + int(minute), nil
}

// minutes says minutes after midnight: "9 h", "14 h 30".
func minutes(n int) string {
	if n%60 == 0 {
		return fmt.Sprintf("%d%sh", n/60, space)
	}
	return fmt.Sprintf("%d%sh%s%02d", n/60, space, space, n%60)
}

// readException reads the form of one date: two spans at most, and none is closed.
func readException(field func(string) string) (hours.Exception, error) {
	date, err := time.Parse(time.DateOnly, field("date"))
	if err != nil {
		return hours.Exception{}, fmt.Errorf("console: date: %w", err)
	}
	e := hours.Exception{Date: hours.DateOf(date)}
	for _, n := range []string{"1", "2"} {
		from, to := field("de"+n), field("a"+n)
		if from == "" && to == "" {
			continue
		}
		f, err1 := clockTime(from)
		t, err2 := clockTime(to)
		if err1 != nil || err2 != nil || t <= f || len(e.Open) > 0 && f < e.Open[0].To {
			return hours.Exception{}, errClock
		}
		e.Open = append(e.Open, hours.Span{From: f, To: t})
	}
	return e, nil
}

func (c *Console) setException(w http.ResponseWriter, r *http.Request, who Person) {
	e, err := readException(r.PostForm.Get)
	if err != nil {
		c.problem(w, r, http.StatusBadRequest, problem{
			Head: "Ce jour ou ces heures ne peuvent pas être lus.",
			Do:   "Choisissez un jour. Les heures vont par deux : de 9:00 à 12:00. Sans heure, le lieu est fermé.",
			To:   "/ouverture", Go: "Revenir",
		})
		return
	}
	c.onPlace(w, r, who, c.Hours.SetException(r.Context(), e), "site.exception", "exception")
}

func (c *Console) dropException(w http.ResponseWriter, r *http.Request, who Person) {
	date, err := time.Parse(time.DateOnly, r.PostForm.Get("date"))
	if err != nil {
		c.problem(w, r, http.StatusBadRequest, problem{Head: "Ce jour ne peut pas être lu.", Do: "Choisissez un jour de la page.", To: "/ouverture", Go: "Revenir"})
		return
	}
	c.onPlace(w, r, who, c.Hours.DropException(r.Context(), hours.DateOf(date)), "site.exception", "oublie")
}
