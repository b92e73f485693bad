package idp

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// grant is one client that was let in: the head of a chain of refresh tokens.
type grant struct {
	id, session, client, subject string
	scopes                       []string
	authTime                     time.Time
}

// session is one login of a person in a browser or on a device.
type session struct {
	id, subject string
	authTime    time.Time
}

var (
	errNoRefresh = errors.New("the refresh token is unknown, expired or revoked")
	errReuse     = errors.New("the refresh token was used before; its whole chain is revoked")
	errNoSession = errors.New("there is no such session")
)

func hashOf(secret string) []byte {
	h := sha256.Sum256([]byte(secret))
	return h[:]
}

// newSession stores a session; cookie is empty for a device.
func (p *Provider) newSession(ctx context.Context, subject, cookie string) (session, error) {
	s := session{id: rand.Text(), subject: subject, authTime: p.now()}
	var hash any
	if cookie != "" {
		hash = hashOf(cookie)
	}
	return s, p.db.Update(ctx, func(tx *sql.Tx) error {
		if err := p.purge(ctx, tx); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO sessions(id, cookie, subject, auth_time, expires) VALUES(?, ?, ?, ?, ?)",
			s.id, hash, subject, s.authTime.Unix(), p.now().Add(p.cfg.RefreshLifetime).Unix())
		return err
	})
}

// purge forgets what expired a whole lifetime ago; until then a late use is still told from an unknown token.
func (p *Provider) purge(ctx context.Context, tx *sql.Tx) error {
	old := p.now().Add(-p.cfg.RefreshLifetime).Unix()
	for _, q := range []string{
		"DELETE FROM grants WHERE expires < ?",
		"DELETE FROM sessions WHERE expires < ?",
	} {
		if _, err := tx.ExecContext(ctx, q, old); err != nil {
			return err
		}
	}
	return nil
}

// sessionByCookie returns the living session of a browser.
func (p *Provider) sessionByCookie(ctx context.Context, cookie string) (session, error) {
	var s session
	var at int64
	err := p.db.RO.QueryRowContext(ctx, "SELECT id, subject, auth_time FROM sessions WHERE cookie = ? AND expires > ?",
		hashOf(cookie), p.now().Unix()).Scan(&s.id, &s.subject, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return s, errNoSession
	}
	s.authTime = time.Unix(at, 0)
	return s, err
}

// endSession ends a session and revokes every grant that came of it.
func (p *Provider) endSessionByID(ctx context.Context, id string) error {
	return p.db.Update(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM sessions WHERE id = ?", id); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "UPDATE grants SET revoked = 1 WHERE session = ?", id)
		return err
	})
}

// revokeGrants revokes all grants of a person at a client.
func (p *Provider) revokeGrants(ctx context.Context, subject, clientID string) error {
	return p.db.Update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE grants SET revoked = 1 WHERE subject = ? AND client = ?", subject, clientID)
		return err
	})
}

func (p *Provider) revokeGrant(ctx context.Context, id string) error {
	return p.db.Update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE grants SET revoked = 1 WHERE id = ?", id)
		return err
	})
}

// newGrant stores a grant and, if wanted, the first refresh token of its chain. Its id is set.
func (p *Provider) newGrant(ctx context.Context, g *grant, refresh bool) (token string, err error) {
	g.id = rand.Text()
	life := p.cfg.AccessLifetime
	if refresh {
		life = p.cfg.RefreshLifetime
	}
	err = p.db.Update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO grants(id, session, client, subject, scopes, auth_time, expires) VALUES(?, ?, ?, ?, ?, ?, ?)",
			g.id, g.session, g.client, g.subject, strings.Join(g.scopes, " "), g.authTime.Unix(), p.now().Add(life).Unix())
		if err != nil || !refresh {
			return err
		}
		token, err = p.addRefresh(ctx, tx, g.id)
		return err
	})
	return token, err
}

func (p *Provider) addRefresh(ctx context.Context, tx *sql.Tx, grantID string) (string, error) {
	token := rand.Text() + rand.Text()
	_, err := tx.ExecContext(ctx, "INSERT INTO refresh_tokens(hash, grant_id, expires) VALUES(?, ?, ?)",
		hashOf(token), grantID, p.now().Add(p.cfg.RefreshLifetime).Unix())
	return token, err
}

const grantColumns = "g.id, g.session, g.client, g.subject, g.scopes, g.auth_time"

func scanGrant(row interface{ Scan(...any) error }, more ...any) (grant, error) {
	var g grant
	var scopes string
	var at int64
	err := row.Scan(append([]any{&g.id, &g.session, &g.client, &g.subject, &scopes, &at}, more...)...)
	g.scopes, g.authTime = strings.Fields(scopes), time.Unix(at, 0)
	return g, err
}

// livingGrant returns a grant that is neither expired nor revoked.
func (p *Provider) livingGrant(ctx context.Context, id string) (grant, error) {
	g, err := scanGrant(p.db.RO.QueryRowContext(ctx, "SELECT "+grantColumns+" FROM grants g WHERE id = ? AND revoked = 0 AND expires > ?",
		id, p.now().Unix()))
	if errors.Is(err, sql.ErrNoRows) {
		return g, errNoRefresh
	}
	return g, err
}

// grantByRefresh returns the grant of a refresh token, used or not, and whether it still stands.
func (p *Provider) grantByRefresh(ctx context.Context, token string) (grant, error) {
	g, err := scanGrant(p.db.RO.QueryRowContext(ctx,
		"SELECT "+grantColumns+" FROM refresh_tokens t JOIN grants g ON g.id = t.grant_id WHERE t.hash = ?", hashOf(token)))
	if errors.Is(err, sql.ErrNoRows) {
		return g, errNoRefresh
	}
	return g, err
}

// rotate uses a refresh token and gives the next of its chain. A second use revokes the chain (RFC 9700 § 4.14.2).
func (p *Provider) rotate(ctx context.Context, token, clientID string) (g grant, next string, err error) {
	reuse := false
	err = p.db.Update(ctx, func(tx *sql.Tx) error {
		var used, revoked bool
		var expires int64
		row := tx.QueryRowContext(ctx, "SELECT "+grantColumns+", t.used, g.revoked, t.expires FROM refresh_tokens t JOIN grants g ON g.id = t.grant_id WHERE t.hash = ?", hashOf(token))
		if g, err = scanGrant(row, &used, &revoked, &expires); err != nil {
			if errors.Is(err, sql.ErrNoRows) {
				return errNoRefresh
			}
			return err
		}
		switch {
		case g.client != clientID || revoked || expires <= p.now().Unix():
			return errNoRefresh
		case used:
			reuse = true
			_, err := tx.ExecContext(ctx, "UPDATE grants SET revoked = 1 WHERE id = ?", g.id)
			return err
		}
		if _, ok := p.users.subject(g.subject); !ok {
			return fmt.Errorf("%w: the user is disabled or gone", errNoRefresh)
		}
		if _, err := tx.ExecContext(ctx, "UPDATE refresh_tokens SET used = 1 WHERE hash = ?", hashOf(token)); err != nil {
			return err
		}
		until := p.now().Add(p.cfg.RefreshLifetime).Unix()
		if _, err := tx.ExecContext(ctx, "UPDATE grants SET expires = ? WHERE id = ?", until, g.id); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE sessions SET expires = ? WHERE id = ?", until, g.session); err != nil {
			return err
		}
		next, err = p.addRefresh(ctx, tx, g.id)
		return err
	})
	if err == nil && reuse {
		err = errReuse
	}
	return g, next, err
}
