package oidc

import (
	"context"
	"net/url"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
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

// IssuerOf is issuerOf for a signing API at a fixed address.
func IssuerOf(openAPI []byte) (string, error) {
	return issuerOf(openAPI, &url.URL{Scheme: "https", Host: "signing.example", Path: "/"})
}

// DecodeEntry reads a vault's text and writes it again.
func DecodeEntry(text string) (again string, ok bool) {
	e, ok := decodeEntry(auth.Secret(text))
	s, err := e.encode()
	return s.Reveal(), ok && err == nil
}
