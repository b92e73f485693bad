package oidc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/httpx"
)

const (
	maxOpenAPI     = 8 << 20
	keycloakTokens = "/protocol/openid-connect"
)

// DiscoverIssuer reads a signing API's openapi.json for its token address, and returns the issuer that the address belongs
// to: what stands before "/protocol/openid-connect" (Keycloak's layout, as the living service has it).
func DiscoverIssuer(ctx context.Context, client *http.Client, signingURL string) (string, error) {
	const op = "find identity provider"
	fail := func(kind auth.Kind, err error) (string, error) {
		return "", &auth.Error{Op: op, Kind: kind, Key: httpx.Redact(signingURL), Err: err}
	}
	base, err := url.Parse(strings.TrimSuffix(signingURL, "/") + "/")
	if err != nil || base.Host == "" {
		return fail(auth.KindProtocol, errors.New("the address of the signing API is no web address"))
	}
	if err := secure(base.String()); err != nil {
		return fail(auth.KindProtocol, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base.JoinPath("openapi.json").String(), nil)
	if err != nil {
		return fail(auth.KindInternal, err)
	}
	if client == nil {
		client = httpx.NewClient(requestTimeout)
		defer client.CloseIdleConnections()
	}
	resp, err := client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return fail(auth.KindCancelled, context.Cause(ctx))
		}
		return fail(auth.KindUnavailable, fmt.Errorf("the signing API cannot be reached: %w", httpx.RedactError(err)))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		kind := auth.KindUnavailable
		if resp.StatusCode < 500 {
			kind = auth.KindProtocol
		}
		return fail(kind, fmt.Errorf("openapi.json of the signing API answers %d", resp.StatusCode))
	}
	body, err := httpx.ReadAll(resp.Body, maxOpenAPI)
	if errors.Is(err, httpx.ErrTooLarge) {
		return fail(auth.KindProtocol, err)
	}
	if err != nil {
		return fail(auth.KindUnavailable, err)
	}
	issuer, err := issuerOf(body, base)
	if err != nil {
		return fail(auth.KindProtocol, err)
	}
	return issuer, nil
}

// issuerOf finds the issuer in an OpenAPI document. base resolves a relative token address.
func issuerOf(openAPI []byte, base *url.URL) (string, error) {
	var doc struct {
		Components struct {
			SecuritySchemes map[string]struct {
				Flows map[string]struct {
					TokenURL string `json:"tokenUrl"`
				} `json:"flows"`
			} `json:"securitySchemes"`
		} `json:"components"`
	}
	if err := json.NewDecoder(bytes.NewReader(openAPI)).Decode(&doc); err != nil {
		return "", errors.New("openapi.json of the signing API is not the JSON that was expected")
	}
	token := doc.Components.SecuritySchemes["OAuth2PasswordBearer"].Flows["password"].TokenURL
	if token == "" {
		return "", errors.New("openapi.json of the signing API names no components.securitySchemes.OAuth2PasswordBearer.flows.password.tokenUrl")
	}
	u, err := base.Parse(token)
	if err != nil {
		return "", errors.New("the tokenUrl of the signing API is no web address")
	}
	u.RawQuery, u.Fragment, u.User = "", "", nil
	issuer, _, ok := strings.Cut(u.String(), keycloakTokens)
	if !ok {
		return "", fmt.Errorf("the tokenUrl %s of the signing API has no %q in it", httpx.Redact(u.String()), keycloakTokens)
	}
	return issuer, secure(issuer)
}
