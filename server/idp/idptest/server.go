package idptest

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/idp"
)

// Server is a running provider.
type Server struct {
	*idp.Provider
	// URL is the server's root; the issuer is below it.
	URL    string
	HTTP   *httptest.Server
	config idp.Config
	// current is Provider, for the server's goroutines.
	current atomic.Pointer[idp.Provider]
}

// Start runs a provider with the demo's users on 127.0.0.1 until the test ends. Options change its configuration.
func Start(t testing.TB, options ...func(*idp.Config)) *Server {
	t.Helper()
	s := &Server{HTTP: httptest.NewUnstartedServer(nil)}
	s.URL = "http://" + s.HTTP.Listener.Addr().String()
	s.config = idp.Config{Issuer: s.URL + "/realms/dinamis", Dir: t.TempDir(), Demo: true, SigningKey: signingKey()}
	for _, o := range options {
		o(&s.config)
	}
	s.HTTP.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.current.Load().ServeHTTP(w, r) })
	s.open(t)
	s.HTTP.Start()
	t.Cleanup(func() {
		s.HTTP.Close()
		if err := s.Provider.Close(); err != nil {
			t.Errorf("close the provider: %v", err)
		}
	})
	return s
}

// Restart closes the provider and opens its state again, at the same address. No request may be under way.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if err := s.Provider.Close(); err != nil {
		t.Fatalf("close the provider: %v", err)
	}
	s.open(t)
}

func (s *Server) open(t testing.TB) {
	t.Helper()
	p, err := idp.New(t.Context(), s.config)
	if err != nil {
		t.Fatalf("start the provider: %v", err)
	}
	s.Provider = p
	s.current.Store(p)
}

// signingKey makes one key per test binary, since that takes a moment.
var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})
