// Package present holds the presenters: what the window knows and what a person can ask of it, without a window.
//
// A newcomer finds here the state behind each part of the window (search form, results, detail, transfers, account,
// connections), the sentence for each kind of error, and the formats of numbers and dates. What must not be here: Fyne, SQL, HTTP.
//
// A presenter belongs to one goroutine, the one that its Dispatcher runs functions on (fyne.Do in the window, a pumped queue in
// tests). Its methods are called there, its state is read there, and so it needs no lock. Whatever can take time runs on a goroutine of
// its own and comes back through the Dispatcher; an answer to a question that was replaced meanwhile is dropped.
package present

import (
	"context"
	"time"
)

// Dispatcher runs a function on the goroutine that owns the presenters, later, in the order of the calls.
type Dispatcher func(func())

// RefreshEvery is the shortest time between two refreshes of the same view: 10 Hz.
const RefreshEvery = 100 * time.Millisecond

// follow calls take after each change and hands what it took to apply, through do. It never has more than one value
// under way and leaves at least every between two. It takes once at the start, and returns when ctx ends or changes is closed.
func follow[T any](ctx context.Context, changes <-chan struct{}, every time.Duration, do Dispatcher, take func() T, apply func(T)) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		v := take()
		applied := make(chan struct{})
		do(func() {
			defer close(applied)
			if ctx.Err() == nil {
				apply(v)
			}
		})
		select {
		case <-applied:
		case <-ctx.Done():
			return
		}
		pause.Reset(every)
		select {
		case <-pause.C:
		case <-ctx.Done():
			return
		}
		select {
		case _, open := <-changes:
			if !open {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// signal is a list of functions to call when something changed. The zero value is ready.
type signal struct{ listeners []func() }

// Observe calls f after each change, on the owner's goroutine.
func (s *signal) Observe(f func()) { s.listeners = append(s.listeners, f) }

func (s *signal) changed() {
	for _, f := range s.listeners {
		f()
	}
}
