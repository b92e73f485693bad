package download

// arrows lists the transitions that are allowed. Pause and cancel may interrupt any state that is not final; a start of
// the program puts an interrupted task back to Queued. Queued to Verifying is for a file that is on the disk already.
var arrows = map[State][]State{
	Queued:    {Signing, Verifying, Paused, Cancelled, Failed},
	Signing:   {Fetching, Queued, Paused, Failed, Cancelled},
	Fetching:  {Verifying, Signing, Queued, Paused, Failed, Cancelled},
	Verifying: {Done, Fetching, Queued, Paused, Failed, Cancelled},
	Paused:    {Queued, Cancelled},
	Failed:    {Queued, Cancelled},
	Cancelled: {Queued},
	Done:      {},
}

// CanBecome reports whether a task may go from s to t.
func (s State) CanBecome(t State) bool {
	for _, a := range arrows[s] {
		if a == t {
			return true
		}
	}
	return false
}
