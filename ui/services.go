package ui

import (
	"time"

	"fyne.io/fyne/v2"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"
)

// Services is what the window needs from the rest of the program.
type Services struct {
	Connections present.Connections
	Queue       present.Queue
	Disk        present.Disk
	Preferences present.Preferences

	// Language is the one of the system, for a person who did not choose one: present.LanguageOf(os.Getenv("LANG")).
	Language present.Language
	// OpenFolder shows a file or folder in the file manager. It may block.
	OpenFolder func(path string) error
	// About is what the About dialog says under the name: version, licence. Licences is the long text of the licences.
	About, Licences string

	// Dispatch runs a function on the UI goroutine; nil means fyne.Do. Now is the clock; nil means time.Now.
	Dispatch present.Dispatcher
	Now      func() time.Time
}

func (s Services) withDefaults() Services {
	if s.Dispatch == nil {
		s.Dispatch = fyne.Do
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	return s
}
