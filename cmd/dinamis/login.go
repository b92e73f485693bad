package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
)

// loginCmd is `dinamis login`.
type loginCmd struct {
	Device       bool `help:"Show a code to type on another device, instead of opening a browser here."`
	AllowFile    bool `help:"Where there is no keychain, agree to keep the login in an encrypted file."`
	printedCodes map[string]bool
}

// Run logs in and says who is in.
func (c *loginCmd) Run(ctx context.Context, a *app) error {
	if c.AllowFile {
		if err := a.ws.ConsentToVaultFile(); err != nil {
			return err
		}
	}
	session, err := a.session(ctx)
	if err != nil {
		return err
	}
	if c.Device {
		err = c.device(ctx, a, session)
	} else {
		fmt.Fprintln(a.err, "Your browser opens; log in there. (No browser here? dinamis login --device)")
		err = session.LoginBrowser(ctx)
	}
	if auth.KindOf(err) == auth.KindLocked {
		return fmt.Errorf("%w\nThere is no keychain here. To keep the login in an encrypted file: dinamis login --allow-file", err)
	}
	if err != nil {
		return err
	}
	return a.printIdentity(session.Snapshot())
}

// session returns the login of the connection; a connection without a signing API has none.
func (a *app) session(ctx context.Context) (auth.Session, error) {
	link, err := a.ws.Link(ctx, a.Connection)
	if err != nil {
		return nil, usageError{err}
	}
	if link.Session == nil {
		return nil, usagef("the connection %s has no signing API, so there is nobody to log in as", link.Connection.ID)
	}
	return link.Session, nil
}

// device shows the code as soon as the provider has given it.
func (c *loginCmd) device(ctx context.Context, a *app, s auth.Session) error {
	done := make(chan error, 1)
	go func() { done <- s.LoginDevice(ctx) }()
	for {
		if d := s.Snapshot().Device; d != nil && !c.printedCodes[d.UserCode] {
			c.printedCodes = map[string]bool{d.UserCode: true}
			fmt.Fprintf(a.err, "On any device, open %s\nand enter the code %s (valid until %s).\n",
				d.VerificationURI, d.UserCode, d.Expiry.Local().Format("15:04"))
			if d.CompleteURI != "" {
				fmt.Fprintf(a.err, "Or open: %s\n", d.CompleteURI)
			}
		}
		select {
		case err := <-done:
			return err
		case <-s.Changes():
		}
	}
}

// logoutCmd is `dinamis logout`.
type logoutCmd struct{}

// Run forgets the login here and ends it at the provider.
func (logoutCmd) Run(ctx context.Context, a *app) error {
	session, err := a.session(ctx)
	if err != nil {
		return err
	}
	if err := session.Logout(ctx); err != nil {
		return err
	}
	if !a.JSON {
		fmt.Fprintln(a.err, "Logged out.")
	}
	return nil
}

// whoamiCmd is `dinamis whoami`.
type whoamiCmd struct{}

// Run says who is logged in; exit code 3 if nobody is.
func (whoamiCmd) Run(ctx context.Context, a *app) error {
	session, err := a.session(ctx)
	if err != nil {
		return err
	}
	v := session.Snapshot()
	if v.Status != auth.LoggedIn {
		return &auth.Error{Op: "whoami", Kind: auth.KindLogin}
	}
	return a.printIdentity(v)
}

func (a *app) printIdentity(v auth.View) error {
	id := v.Identity
	if a.JSON {
		return json.NewEncoder(a.out).Encode(map[string]any{
			"username": id.Username, "name": id.Name, "email": id.Email, "groups": id.Groups,
		})
	}
	s := id.Username
	if id.Name != "" && id.Name != id.Username {
		s += " (" + id.Name + ")"
	}
	if len(id.Groups) > 0 {
		s += ", groups " + strings.Join(id.Groups, ", ")
	}
	_, err := fmt.Fprintln(a.out, s)
	return err
}

// signCmd is `dinamis sign`.
type signCmd struct {
	Hrefs []string `arg:"" help:"Asset addresses, as they stand in the items." placeholder:"HREF"`
}

// Run prints a signed URL per href, in order: on its own line, or with --json as [{href, url, expiry}].
func (c *signCmd) Run(ctx context.Context, a *app) error {
	link, err := a.ws.Link(ctx, a.Connection)
	if err != nil {
		return usageError{err}
	}
	signed, err := link.Signer.Sign(ctx, c.Hrefs)
	if err != nil {
		return err
	}
	if !a.JSON {
		for _, s := range signed {
			fmt.Fprintln(a.out, s.URL.Reveal())
		}
		return nil
	}
	type row struct {
		Href   string `json:"href"`
		URL    string `json:"url"`
		Expiry any    `json:"expiry,omitempty"`
	}
	rows := make([]row, len(signed))
	for i, s := range signed {
		rows[i] = row{Href: s.Href, URL: s.URL.Reveal()}
		if !s.Expiry.IsZero() {
			rows[i].Expiry = s.Expiry
		}
	}
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(rows)
}
