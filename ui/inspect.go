package ui

import (
	"context"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"
)

// Inspection is what the window shows, in words: for tests that drive it from outside and must know when to look.
type Inspection struct {
	// Results is "idle", "loading", "ready", "empty" or "failed".
	Results     string
	Items       []string // keys as "collection/item", in the order listed
	Selected    []string
	Count       string
	Banner      string
	Problem     string
	Collections int
	Offline     bool
	// Account is the name on the account button, LoggedIn whether somebody is in.
	Account  string
	LoggedIn bool
	// Viewport is what the map shows: west, south, east, north in degrees.
	Viewport [4]float64
	// Transfers are the states of the queue's tasks as listed, with where they stand.
	Transfers []Transfer
}

// Transfer is one row of the transfers.
type Transfer struct {
	ID                   download.TaskID
	State, Title, Detail string
	Path                 string
}

// Inspect returns what the window shows now. It may be called from any goroutine.
func (s *Shell) Inspect(ctx context.Context) (Inspection, error) {
	answer := make(chan Inspection, 1)
	s.svc.Dispatch(func() { answer <- s.inspection() })
	select {
	case i := <-answer:
		return i, nil
	case <-ctx.Done():
		return Inspection{}, ctx.Err()
	}
}

func (s *Shell) inspection() Inspection {
	st := s.results.State()
	phases := map[present.Phase]string{
		present.PhaseIdle: "idle", present.PhaseLoading: "loading", present.PhaseReady: "ready",
		present.PhaseEmpty: "empty", present.PhaseFailed: "failed",
	}
	i := Inspection{
		Results: phases[st.Phase], Selected: s.results.SelectedIDs(), Count: st.Count, Banner: st.Banner.Text, Problem: st.Problem.Text,
		Collections: len(s.search.State().Collections), Offline: s.settings.Offline,
		Viewport: s.stage.view.Viewport().Array(),
		Account:  s.account.State().Name, LoggedIn: s.account.State().Status == auth.LoggedIn,
	}
	for _, it := range s.results.Items() {
		i.Items = append(i.Items, it.Key.String())
	}
	for n := range s.moves.Len() {
		r := s.moves.Row(n)
		i.Transfers = append(i.Transfers, Transfer{ID: r.ID, State: r.State.String(), Title: r.Title, Detail: r.Detail, Path: r.Path})
	}
	return i
}
