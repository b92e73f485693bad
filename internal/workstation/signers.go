package workstation

import (
	"context"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
)

// queueSigner makes an auth.Signer one that the queue understands (docs/adr/0004).
type queueSigner struct{ auth.Signer }

// Sign implements download.Signer.
func (s queueSigner) Sign(ctx context.Context, hrefs []string) ([]download.Signed, error) {
	signed, err := s.Signer.Sign(ctx, hrefs)
	if err != nil {
		return nil, &download.Error{Op: "sign", Kind: signKinds[auth.KindOf(err)], Err: err}
	}
	out := make([]download.Signed, len(signed))
	for i, x := range signed {
		out[i] = download.Signed{Href: x.Href, URL: x.URL.Reveal(), Expiry: x.Expiry}
	}
	return out, nil
}

var signKinds = map[auth.Kind]download.Kind{
	auth.KindInternal: download.KindInternal, auth.KindLogin: download.KindLogin, auth.KindDenied: download.KindLogin,
	auth.KindCancelled: download.KindLogin, auth.KindConflict: download.KindLogin, auth.KindForbidden: download.KindForbidden,
	auth.KindThrottled: download.KindThrottled, auth.KindUnavailable: download.KindNetwork, auth.KindProtocol: download.KindProtocol,
	auth.KindNotFound: download.KindNotFound, auth.KindLocked: download.KindLogin,
}

// publicSigner passes every href through: a connection without a signing API.
type publicSigner struct{}

// Sign implements auth.Signer.
func (publicSigner) Sign(_ context.Context, hrefs []string) ([]auth.Signed, error) {
	out := make([]auth.Signed, len(hrefs))
	for i, h := range hrefs {
		out[i] = auth.Signed{Href: h, URL: auth.Secret(h)}
	}
	return out, nil
}

// Forget implements auth.Signer.
func (publicSigner) Forget(...string) {}
