package ui

import (
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// field is an entry of the search form: Enter searches, and the keys of the window work in it too.
type field struct {
	widget.Entry
	s *Shell
}

func newField(s *Shell, placeholder string) *field {
	f := &field{s: s}
	f.ExtendBaseWidget(f)
	f.PlaceHolder = placeholder
	f.OnSubmitted = func(string) { s.runSearch() }
	return f
}

// TypedKey implements fyne.Focusable.
func (f *field) TypedKey(e *fyne.KeyEvent) {
	if !f.s.windowKey(e) {
		f.Entry.TypedKey(e)
	}
}

// dateField is an entry for a day, written as ISO 8601 does in every language, with a calendar.
type dateField struct {
	widget.Entry
	s       *Shell
	set     time.Time
	changed func(time.Time)
	popUp   *widget.PopUp
}

const isoDay = "2006-01-02"

func newDateField(s *Shell, placeholder string, changed func(time.Time)) *dateField {
	f := &dateField{s: s, changed: changed}
	f.ExtendBaseWidget(f)
	f.PlaceHolder = placeholder
	f.OnSubmitted = func(string) { s.runSearch() }
	f.Validator = func(in string) error {
		_, err := parseDay(in)
		return err
	}
	f.OnChanged = func(in string) {
		if t, err := parseDay(in); err == nil && !t.Equal(f.set) {
			f.set = t
			changed(t)
		}
	}
	button := newHintButton(s.status, "", theme.CalendarIcon(), s.p.T("Pick a day (dates are year-month-day)"), f.showCalendar).quiet()
	f.ActionItem = button
	return f
}

// parseDay reads a day; an empty text is no day.
func parseDay(in string) (time.Time, error) {
	in = strings.TrimSpace(in)
	if in == "" {
		return time.Time{}, nil
	}
	return time.Parse(isoDay, in)
}

// Set shows a day, unless the person is typing just this one.
func (f *dateField) Set(t time.Time) {
	if t.Equal(f.set) {
		return
	}
	f.set = t
	text := ""
	if !t.IsZero() {
		text = t.Format(isoDay)
	}
	f.SetText(text)
}

// TypedKey implements fyne.Focusable.
func (f *dateField) TypedKey(e *fyne.KeyEvent) {
	if !f.s.windowKey(e) {
		f.Entry.TypedKey(e)
	}
}

func (f *dateField) showCalendar() {
	at := f.set
	if at.IsZero() {
		at = f.s.svc.Now()
	}
	cal := widget.NewCalendar(at, func(t time.Time) {
		f.popUp.Hide()
		day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
		f.SetText(day.Format(isoDay))
	})
	f.popUp = widget.NewPopUp(cal, f.s.win.Canvas())
	pos := f.s.app.Driver().AbsolutePositionForObject(f)
	pos.Y = min(pos.Y+f.Size().Height+2, f.s.win.Canvas().Size().Height-cal.MinSize().Height-20)
	f.popUp.ShowAtPosition(pos)
}
