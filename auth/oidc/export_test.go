package oidc

import (
	"context"
	"time"
)

// SetWait replaces the wait between two polls of the device grant.
func (s *Session) SetWait(f func(context.Context, time.Duration) error) { s.wait = f }

// BrowserCommand shows how an entry of BROWSER is read.
func BrowserCommand(entry, url string) ([]string, error) {
	c, err := browserCommand(entry, url)
	if err != nil {
		return nil, err
	}
	return c.Args, nil
}
