package main

import (
	"fmt"
	"strings"
	"time"

	"parvis/hw"
	"parvis/hw/printer"
	"parvis/hw/watchdog"
	"parvis/internal/control"
	"parvis/internal/lang"
)

// printerTexts say how the ticket printer is.
var printerTexts = map[string]lang.Text{
	control.NotAsked:         {EN: "not asked (the place is closed, or it has just been started)", FR: "pas interrogée (le lieu est fermé, ou vient de démarrer)"},
	string(printer.Ready):    {EN: "ready", FR: "prête"},
	string(printer.Mute):     {EN: "reached, it says nothing of itself", FR: "jointe, elle ne dit rien d'elle-même"},
	string(printer.LowPaper): {EN: "ready, its roll is nearly used up", FR: "prête, son rouleau est presque fini"},
	string(printer.NoPaper):  {EN: "no paper", FR: "plus de papier"},
	string(printer.Cover):    {EN: "its cover is open", FR: "son capot est ouvert"},
	string(printer.Fault):    {EN: "it has stopped (knife, head); switch it off and on", FR: "elle s'est arrêtée (couteau, tête) ; éteignez-la et rallumez-la"},
	string(printer.Off):      {EN: "not reached; look whether it is on and plugged in", FR: "injoignable ; regardez si elle est allumée et branchée"},
	string(printer.Busy):     {EN: "busy", FR: "occupée"},
}

// watchdogTexts say what has become of the timer that restarts the board.
var watchdogTexts = map[string]lang.Text{
	control.NotAsked:        {EN: "not opened yet", FR: "pas encore ouvert"},
	string(watchdog.Fed):    {EN: "fed", FR: "nourri"},
	string(watchdog.Held):   {EN: "another program has it (procd on OpenWrt): leave hw.watchdog out", FR: "un autre programme le tient (procd sous OpenWrt) : retirez hw.watchdog"},
	string(watchdog.Absent): {EN: "none at this path; load its module, or leave hw.watchdog out", FR: "absent à ce chemin ; chargez son module, ou retirez hw.watchdog"},
	string(watchdog.Failed): {EN: "it cannot be used; the log says why", FR: "inutilisable ; le journal dit pourquoi"},
	string(watchdog.Hung):   {EN: "not fed: something hangs, the board is about to restart", FR: "pas nourri : quelque chose est bloqué, la carte va redémarrer"},
}

func wordOf(texts map[string]lang.Text, word string) lang.Text {
	if t, known := texts[word]; known {
		return t
	}
	return lang.Text{EN: word, FR: word}
}

func printerText(state string) lang.Text { return wordOf(printerTexts, state) }

var (
	hotText = lang.Text{
		EN: "the box is too hot: %.0f °C (%s), the limit is %d °C (hw.hot); give it air",
		FR: "le boîtier est trop chaud : %.0f °C (%s), la limite est %d °C (hw.hot) ; dégagez ses aérations",
	}
	wornText = lang.Text{
		EN: "the flash %s is worn: %s; keep a copy of the configuration and plan for another box",
		FR: "la mémoire flash %s est usée : %s ; gardez une copie de la configuration et prévoyez un autre boîtier",
	}
	offText = lang.Text{
		EN: "the clock may be off by %.1f s, the limit is %v (hw.clock-error); see whether the time server answers",
		FR: "l'horloge peut se tromper de %.1f s, la limite est %v (hw.clock-error) ; voyez si le serveur de temps répond",
	}
	printerStateText = lang.Text{
		EN: "the ticket printer: %s",
		FR: "l'imprimante à tickets : %s",
	}
	watchdogStateText = lang.Text{
		EN: "the timer that restarts the board (hw.watchdog): %s",
		FR: "le minuteur qui redémarre la carte (hw.watchdog) : %s",
	}
	unreadText = lang.Text{
		EN: "something of the box cannot be read (%s)",
		FR: "quelque chose du boîtier ne peut pas être lu (%s)",
	}
)

// usedText says how worn a flash is.
func usedText(w hw.Wear) lang.Text {
	t := lang.Text{EN: fmt.Sprintf("%d %% used", w.Used), FR: fmt.Sprintf("%d %% utilisés", w.Used)}
	if w.Spare {
		t.EN, t.FR = t.EN+", no spare blocks left", t.FR+", plus de blocs de réserve"
	}
	return t
}

// broken reports whether a printer's state is one that somebody must put right.
func broken(state string) bool {
	return state != "" && state != control.NotAsked && state != string(printer.Busy) && !printer.State(state).Works()
}

// boxNotes are what of the box needs a hand.
func (d *daemon) boxNotes(h control.Hardware) (notes []control.Problem) {
	c := d.cfg.HW
	if t, ok := hw.Hottest(h.Temperatures); ok && t.Celsius >= float64(c.Hot) {
		notes = append(notes, problem(hotText, t.Celsius, t.Sensor, c.Hot))
	}
	for _, w := range h.Wear {
		if w.Spare || w.Used >= c.Worn {
			u := usedText(w)
			notes = append(notes, control.Problem{EN: wornText.In(lang.EN, w.Device, u.EN), FR: wornText.In(lang.FR, w.Device, u.FR)})
		}
	}
	if h.ClockError != nil && *h.ClockError >= c.ClockError.Seconds() {
		notes = append(notes, problem(offText, *h.ClockError, c.ClockError))
	}
	say := func(of, t lang.Text) {
		notes = append(notes, control.Problem{EN: of.In(lang.EN, t.EN), FR: of.In(lang.FR, t.FR)})
	}
	if broken(h.Printer) {
		say(printerStateText, printerText(h.Printer))
	}
	if w := h.Watchdog; w != "" && w != control.NotAsked && w != string(watchdog.Fed) {
		say(watchdogStateText, wordOf(watchdogTexts, w))
	}
	if h.Error != "" {
		notes = append(notes, problem(unreadText, h.Error))
	}
	return notes
}

// hardware tells how the box is; what it has not is said, and is no fault.
func (a *app) hardware(h control.Hardware) {
	board := h.Board
	if board == "" {
		board = lang.Text{EN: "it does not say which", FR: "il ne dit pas lequel"}.In(a.lang)
	}
	a.printf(lang.Text{EN: "Box: %s.", FR: "Boîtier : %s."}, board)
	if t, ok := hw.Hottest(h.Temperatures); ok {
		a.printf(lang.Text{EN: "Temperature: %.0f °C (%s, the hottest of %d).", FR: "Température : %.0f °C (%s, le plus chaud de %d)."}, t.Celsius, t.Sensor, len(h.Temperatures))
	} else {
		a.printf(lang.Text{EN: "Temperature: no sensor here.", FR: "Température : pas de capteur ici."})
	}
	var worn []string
	for _, w := range h.Wear {
		worn = append(worn, w.Device+" "+usedText(w).In(a.lang))
	}
	if worn == nil {
		worn = []string{lang.Text{EN: "it does not say", FR: "elle ne le dit pas"}.In(a.lang)}
	}
	a.printf(lang.Text{EN: "Wear of the flash: %s.", FR: "Usure de la mémoire flash : %s."}, strings.Join(worn, ", "))
	battery := lang.Text{EN: "no battery clock: after a power cut the time is not known until a time server answers", FR: "pas d'horloge à pile : après une coupure, l'heure n'est connue qu'une fois un serveur de temps joint"}
	if h.BatteryClock {
		battery = lang.Text{EN: "a battery clock keeps the time", FR: "une horloge à pile garde l'heure"}
	}
	if h.ClockError != nil {
		a.printf(lang.Text{EN: "Clock: off by %v at most; %s.", FR: "Horloge : écart de %v au plus ; %s."}, time.Duration(*h.ClockError*float64(time.Second)).Round(time.Millisecond), battery.In(a.lang))
	} else {
		a.printf(lang.Text{EN: "Clock: %s.", FR: "Horloge : %s."}, battery.In(a.lang))
	}
	if h.Printer != "" {
		a.printf(lang.Text{EN: "Ticket printer: %s.", FR: "Imprimante à tickets : %s."}, printerText(h.Printer).In(a.lang))
	}
	if h.Watchdog != "" {
		a.printf(lang.Text{EN: "Timer that restarts the board: %s.", FR: "Minuteur qui redémarre la carte : %s."}, wordOf(watchdogTexts, h.Watchdog).In(a.lang))
	}
}
