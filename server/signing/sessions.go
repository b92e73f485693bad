package signing

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/singleflight"
)

const (
	maxSessions = 10_000
	// opaqueLife is how long credentials serve for a token whose end cannot be read.
	opaqueLife = time.Minute
	// stsTimeout bounds a call that no caller waits for any more.
	stsTimeout = 30 * time.Second
	// slack is how much shorter than asked a URL may live so that credentials can be used again.
	slack = 5 * time.Minute
)

// session is what a token was exchanged for. It is used no longer than the token lives, however long the credentials do: a
// caller must show a valid token every time.
type session struct {
	credentials aws.Credentials
	claims      map[string]any
	tokenEnds   time.Time
}

// sessions exchanges tokens at STS, once for all who wait, and remembers the answers by the tokens' hashes.
type sessions struct {
	sts      *sts.Client
	role     string
	ask, max time.Duration
	now      func() time.Time

	flights singleflight.Group
	mu      sync.Mutex
	byToken map[[sha256.Size]byte]session
}

func newSessions(cfg Config) *sessions {
	return &sessions{
		sts: sts.New(sts.Options{
			BaseEndpoint: &cfg.STSURL, Region: cfg.Region, HTTPClient: cfg.HTTPClient, Credentials: aws.AnonymousCredentials{},
			RetryMaxAttempts: 2,
		}),
		role: cfg.RoleARN, ask: cfg.SessionDuration, max: cfg.MaxSession, now: cfg.Now, byToken: map[[sha256.Size]byte]session{},
	}
}

// get returns a session whose credentials live long enough for a URL of that duration, or as long as the role allows.
func (s *sessions) get(ctx context.Context, token string, d time.Duration) (session, error) {
	key := sha256.Sum256([]byte(token))
	ask := max(s.ask, min(d, s.max)).Round(time.Second)
	need := max(min(d, ask)-slack, min(d, ask)/2)
	if got, ok := s.lookup(key, need); ok {
		return got, nil
	}
	ch := s.flights.DoChan(string(key[:])+ask.String(), func() (any, error) {
		if got, ok := s.lookup(key, need); ok {
			return got, nil
		}
		// The flight is for everybody who waits, so the caller who started it must not end it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stsTimeout)
		defer cancel()
		got, err := s.exchange(ctx, token, ask)
		if err == nil {
			s.remember(key, got)
		}
		return got, err
	})
	select {
	case r := <-ch:
		got, _ := r.Val.(session)
		return got, r.Err
	case <-ctx.Done():
		return session{}, ctx.Err()
	}
}

func (s *sessions) lookup(key [sha256.Size]byte, need time.Duration) (session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	got, ok := s.byToken[key]
	now := s.now()
	return got, ok && now.Before(got.tokenEnds) && got.credentials.Expires.Sub(now) >= need
}

func (s *sessions) remember(key [sha256.Size]byte, got session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.byToken) >= maxSessions {
		now := s.now()
		for k, v := range s.byToken {
			if !now.Before(v.tokenEnds) {
				delete(s.byToken, k)
			}
		}
		for k := range s.byToken { // all alive: any makes room
			if len(s.byToken) < maxSessions {
				break
			}
			delete(s.byToken, k)
		}
	}
	s.byToken[key] = got
}

func (s *sessions) exchange(ctx context.Context, token string, d time.Duration) (session, error) {
	claims, ends := readClaims(token)
	out, err := s.sts.AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: &s.role, RoleSessionName: aws.String(sessionName(claims)), WebIdentityToken: &token, DurationSeconds: aws.Int32(int32(d / time.Second)),
	})
	if err != nil {
		return session{}, stsProblem(err)
	}
	c := out.Credentials
	if c == nil || c.AccessKeyId == nil || c.SecretAccessKey == nil || c.SessionToken == nil || c.Expiration == nil {
		return session{}, refuse(http.StatusBadGateway, "The store's STS answered without credentials.")
	}
	if ends.IsZero() {
		ends = s.now().Add(opaqueLife)
	}
	return session{
		credentials: aws.Credentials{AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretAccessKey, SessionToken: *c.SessionToken, CanExpire: true, Expires: *c.Expiration},
		claims:      claims, tokenEnds: ends,
	}, nil
}

// stsProblem says what STS said, in an answer of this API. STS's own text stays out: it may quote what was sent.
func stsProblem(err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return refuse(http.StatusServiceUnavailable, "The object store cannot be reached; try again later.")
	}
	switch api.ErrorCode() {
	case "ExpiredTokenException":
		return refuse(http.StatusUnauthorized, "The access token has expired: refresh it or log in again.")
	case "InvalidIdentityToken", "InvalidParameterValue":
		return refuse(http.StatusUnauthorized, "The access token is not valid here: log in again.")
	case "AccessDenied":
		return refuse(http.StatusForbidden, "You are logged in, but may not use this store.")
	case "IDPCommunicationError", "Throttling", "ServiceUnavailable":
		return refuse(http.StatusServiceUnavailable, "The object store cannot check the login just now; try again later.")
	}
	return refuse(http.StatusBadGateway, "The store's STS refused with %s.", api.ErrorCode())
}

// readClaims reads a JWT without checking it: STS checks the same bytes, and what is read here counts only if STS accepts them.
func readClaims(token string) (map[string]any, time.Time) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, time.Time{}
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, time.Time{}
	}
	var claims map[string]any
	if json.Unmarshal(b, &claims) != nil {
		return nil, time.Time{}
	}
	exp, _ := claims["exp"].(float64)
	if exp <= 0 {
		return claims, time.Time{}
	}
	return claims, time.Unix(int64(exp), 0)
}

var notSessionName = regexp.MustCompile(`[^\w+=,.@-]+`)

// sessionName is what the store's log calls the session: the user's name as far as STS allows.
func sessionName(claims map[string]any) string {
	name, _ := claims["preferred_username"].(string)
	if name = notSessionName.ReplaceAllString(name, "-"); len(name) < 2 {
		name = "dinamis-" + name
	}
	return name[:min(len(name), 64)]
}
