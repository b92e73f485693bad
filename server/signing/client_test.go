package signing_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
	client "forgemia.inra.fr/cdos-pub/dinamis-desktop/auth/signing"
)

// fixed is a token source with one token.
type fixed string

func (f fixed) Token(context.Context) (auth.Token, error) {
	return auth.Token{Access: auth.Secret(f)}, nil
}

// TestOurOwnClient signs through auth/signing, as the app does, and fetches what it signed.
func TestOurOwnClient(t *testing.T) {
	c := newChain(t, nil)
	alice := c.login("alice")
	var hrefs []string
	for path := range odd {
		hrefs = append(hrefs, c.object(path))
		c.put(alice, c.object(path), "bytes of "+path)
	}
	for i := range 70 { // more than one batch
		hrefs = append(hrefs, c.object(fmt.Sprintf("missing/%d.tif", i)))
	}
	s := client.New(client.Config{Endpoint: c.signing.URL + "/signing/", Tokens: fixed(alice), HTTPClient: c.signing.Client()})
	got, err := s.Sign(t.Context(), hrefs)
	if err != nil {
		t.Fatal(err)
	}
	for i, g := range got {
		want := 200
		if i >= len(odd) {
			want = 404
		}
		if a := c.do("GET", g.URL.Reveal(), "", ""); a.status != want {
			t.Errorf("%s: %d %s", g.Href, a.status, a.body)
		}
		if d := g.Expiry.Sub(c.now()); d > 8*time.Hour || d < 7*time.Hour {
			t.Errorf("%s works for %v", g.Href, d)
		}
	}
	refused := client.New(client.Config{Endpoint: c.signing.URL + "/signing/", Tokens: fixed("rubbish"), HTTPClient: c.signing.Client()})
	if _, err := refused.Sign(t.Context(), hrefs[:1]); !errors.Is(err, auth.ErrLoginRequired) {
		t.Errorf("a token that STS refuses: %v", err)
	}
}
