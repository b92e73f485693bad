package objectstore

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// The security token service: AWS STS API Reference, AssumeRoleWithWebIdentity.

const (
	stsVersion   = "2011-06-15"
	stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"
	maxSTSForm   = 128 << 10
	maxTokenLen  = 20_000
	// nbfLeeway allows for clocks that differ a little between provider and store.
	nbfLeeway = 30 * time.Second
)

// asymmetric lists the algorithms whose verification needs no secret: anything else would let a token be made by whoever
// can read the provider's public keys.
var asymmetric = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA,
}

// provider checks tokens of the identity provider. Discovery waits for the first token, since the provider may start later
// than the store, and is tried again until it works.
type provider struct {
	issuer, audience string
	client           *http.Client
	now              func() time.Time

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier
}

func (p *provider) discover(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.verifier != nil {
		return p.verifier, nil
	}
	op, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.issuer)
	if err != nil {
		return nil, stsFail(http.StatusBadRequest, "IDPCommunicationError", "The identity provider %s cannot be reached.", p.issuer)
	}
	p.verifier = op.VerifierContext(oidc.ClientContext(context.Background(), p.client), &oidc.Config{
		ClientID: p.audience, SupportedSigningAlgs: asymmetric, Now: p.now,
	})
	return p.verifier, nil
}

// verified is a token that passed.
type verified struct {
	subject string
	expiry  time.Time
	claims  Claims
}

func (p *provider) verify(ctx context.Context, token string) (verified, error) {
	v, err := p.discover(ctx)
	if err != nil {
		return verified{}, err
	}
	t, err := v.Verify(oidc.ClientContext(ctx, p.client), token)
	var expired *oidc.TokenExpiredError
	switch {
	case errors.As(err, &expired):
		return verified{}, stsFail(http.StatusBadRequest, "ExpiredTokenException", "The web identity token has expired.")
	case err != nil && strings.Contains(err.Error(), "fetching keys"):
		return verified{}, stsFail(http.StatusBadRequest, "IDPCommunicationError", "The keys of the identity provider %s cannot be fetched.", p.issuer)
	case err != nil:
		return verified{}, stsFail(http.StatusBadRequest, "InvalidIdentityToken", "The web identity token is not valid: %v.", tokenProblem(err))
	}
	var raw map[string]any
	if err := t.Claims(&raw); err != nil {
		return verified{}, stsFail(http.StatusBadRequest, "InvalidIdentityToken", "The web identity token's claims are not a JSON object.")
	}
	if nbf, ok := raw["nbf"].(float64); ok && p.now().Add(nbfLeeway).Before(time.Unix(int64(nbf), 0)) {
		return verified{}, stsFail(http.StatusBadRequest, "InvalidIdentityToken", "The web identity token is not valid yet.")
	}
	if t.Subject == "" {
		return verified{}, stsFail(http.StatusBadRequest, "InvalidIdentityToken", "The web identity token has no subject.")
	}
	return verified{subject: t.Subject, expiry: t.Expiry, claims: NewClaims(raw)}, nil
}

// tokenProblem says what go-oidc found wrong, without the parts of a token that some of its texts quote.
func tokenProblem(err error) string {
	text := err.Error()
	for _, known := range []struct{ in, out string }{
		{"different provider", "its issuer is another one"},
		{"expected audience", "it is meant for another audience"},
		{"nbf", "it is not valid yet"},
		{"signature algorithm", "its signature algorithm is not accepted"},
		{"failed to verify signature", "its signature does not verify"},
	} {
		if strings.Contains(text, known.in) {
			return known.out
		}
	}
	return "it is not a signed JWT"
}

// stsFail is an apiError that is answered in the XML of STS.
func stsFail(status int, code, format string, args ...any) *apiError {
	return fail(status, code, format, args...)
}

func errValidation(format string, args ...any) *apiError {
	return stsFail(http.StatusBadRequest, "ValidationError", format, args...)
}

var (
	roleARN     = regexp.MustCompile(`^arn:aws:iam::(?:[0-9A-Za-z-]*:)?role/(.+)$`)
	sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
)

type stsRequest struct {
	role, session, token string
	duration             time.Duration // 0: the default of an hour
}

func parseSTS(w http.ResponseWriter, r *http.Request) (stsRequest, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxSTSForm)
	if err := r.ParseForm(); err != nil {
		return stsRequest{}, errValidation("The body must be a form (application/x-www-form-urlencoded) of at most %d bytes.", maxSTSForm)
	}
	// A token must never stand in a URL, where logs keep it: only the body counts.
	f := r.PostForm
	for k, vs := range f {
		switch {
		case len(vs) > 1:
			return stsRequest{}, errValidation("The parameter %s occurs more than once.", k)
		case k == "Policy" || strings.HasPrefix(k, "PolicyArns"):
			// Ignoring it would hand out more rights than were asked for.
			return stsRequest{}, errValidation("Session policies are not supported here: leave out %s.", k)
		}
	}
	if a := f.Get("Action"); a != "AssumeRoleWithWebIdentity" {
		return stsRequest{}, stsFail(http.StatusBadRequest, "InvalidAction", "The action %q is not known here: only AssumeRoleWithWebIdentity is.", clip(a))
	}
	if v := f.Get("Version"); v != stsVersion {
		return stsRequest{}, errValidation("Version must be %s.", stsVersion)
	}
	q := stsRequest{session: f.Get("RoleSessionName"), token: f.Get("WebIdentityToken")}
	m := roleARN.FindStringSubmatch(f.Get("RoleArn"))
	if m == nil {
		return stsRequest{}, errValidation("RoleArn must be arn:aws:iam::<account>:role/<name>.")
	}
	q.role = m[1]
	if !sessionName.MatchString(q.session) {
		return stsRequest{}, errValidation("RoleSessionName must be 2 to 64 letters, digits or any of _+=,.@-.")
	}
	if n := len(q.token); n < 4 || n > maxTokenLen {
		return stsRequest{}, errValidation("WebIdentityToken must have 4 to %d characters.", maxTokenLen)
	}
	if d := f.Get("DurationSeconds"); d != "" {
		n, err := strconv.Atoi(d)
		if err != nil || n < int(minSession.Seconds()) || n > int(longestSession.Seconds()) {
			return stsRequest{}, errValidation("DurationSeconds must be between %d and the role's MaxSessionDuration.", int(minSession.Seconds()))
		}
		q.duration = time.Duration(n) * time.Second
	}
	return q, nil
}

type assumeRoleXML struct {
	XMLName xml.Name `xml:"AssumeRoleWithWebIdentityResponse"`
	Space   string   `xml:"xmlns,attr"`
	Result  struct {
		SubjectFromWebIdentityToken string
		Audience                    string
		AssumedRoleUser             struct{ Arn, AssumedRoleId string }                                     //nolint:revive,staticcheck // the API's spelling
		Credentials                 struct{ AccessKeyId, SecretAccessKey, SessionToken, Expiration string } //nolint:revive,staticcheck // the API's spelling
		Provider                    string
	} `xml:"AssumeRoleWithWebIdentityResult"`
	RequestID string `xml:"ResponseMetadata>RequestId"`
}

type stsErrorXML struct {
	XMLName xml.Name `xml:"ErrorResponse"`
	Space   string   `xml:"xmlns,attr"`
	Error   struct{ Type, Code, Message string }
	ID      string `xml:"RequestId"`
}

// serveSTS answers POST /.
func (s *Store) serveSTS(w http.ResponseWriter, r *http.Request, id string) error {
	w.Header().Set("Cache-Control", "no-store")
	out, err := s.assumeRole(w, r)
	if err != nil {
		e := asAPIError(err)
		x := stsErrorXML{Space: stsNamespace, ID: id}
		x.Error.Type, x.Error.Code, x.Error.Message = "Sender", e.code, e.message
		if e.status >= 500 {
			x.Error.Type = "Receiver"
		}
		writeXML(w, r, e.status, x)
		return err
	}
	out.RequestID = id
	writeXML(w, r, http.StatusOK, out)
	return nil
}

func (s *Store) assumeRole(w http.ResponseWriter, r *http.Request) (*assumeRoleXML, error) {
	q, err := parseSTS(w, r)
	if err != nil {
		return nil, err
	}
	v, err := s.provider.verify(r.Context(), q.token)
	if err != nil {
		return nil, err
	}
	// Whether a role exists is told only to those who could take it.
	role := s.Policies().roles[q.role]
	if role == nil || !role.mayAssume(s.providerNames(), v.claims) {
		return nil, stsFail(http.StatusForbidden, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity on the role %s.", clip(q.role))
	}
	if q.duration == 0 {
		q.duration = min(time.Hour, role.maxSession)
	}
	if q.duration > role.maxSession {
		return nil, errValidation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role: %d.", int(role.maxSession.Seconds()))
	}
	// Whole seconds, as Expiration is written.
	end := s.cfg.Now().Add(q.duration).Truncate(time.Second)
	if s.cfg.CapToToken && v.expiry.Before(end) {
		end = v.expiry.Truncate(time.Second)
	}
	return s.issue(role, q, v, end)
}

func (s *Store) issue(role *role, q stsRequest, v verified, end time.Time) (*assumeRoleXML, error) {
	key := newAccessKey(temporaryPrefix)
	token, err := s.sealer.seal(session{
		AccessKey: key, Role: role.name, Name: q.session, Subject: v.subject, Expires: end.Unix(), Claims: v.claims.only(role.claims),
	})
	if err != nil {
		return nil, fmt.Errorf("seal session: %w", err)
	}
	out := &assumeRoleXML{Space: stsNamespace}
	res := &out.Result
	res.SubjectFromWebIdentityToken, res.Audience, res.Provider = v.subject, s.cfg.Audience, s.cfg.Issuer
	res.AssumedRoleUser.Arn = "arn:aws:sts::000000000000:assumed-role/" + role.name + "/" + q.session
	res.AssumedRoleUser.AssumedRoleId = "AROA" + strings.ToUpper(role.name) + ":" + q.session
	res.Credentials.AccessKeyId, res.Credentials.SecretAccessKey = key, s.sealer.secretOf(key)
	res.Credentials.SessionToken, res.Credentials.Expiration = token, end.UTC().Format(time.RFC3339)
	return out, nil
}
