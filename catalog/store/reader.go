package store

import (
	"context"
	"database/sql"
	"errors"
)

// querier is what reads: a transaction of the writer, or a reader.
type querier interface {
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row
}

// maxStmts bounds what a reader remembers; statements past it are prepared each time.
const maxStmts = 128

// reader is one connection with its prepared statements. Parameters are bound, so that there are few different texts.
type reader struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

// stmt returns nil where the text is better, or only, sent as it is.
func (r *reader) stmt(ctx context.Context, text string) *sql.Stmt {
	st, ok := r.stmts[text]
	if ok || len(r.stmts) >= maxStmts {
		return st
	}
	st, err := r.conn.PrepareContext(ctx, text)
	if err != nil {
		return nil
	}
	r.stmts[text] = st
	return st
}

// QueryContext implements querier.
func (r *reader) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if st := r.stmt(ctx, text); st != nil {
		return st.QueryContext(ctx, args...)
	}
	return r.conn.QueryContext(ctx, text, args...)
}

// QueryRowContext implements querier.
func (r *reader) QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row {
	if st := r.stmt(ctx, text); st != nil {
		return st.QueryRowContext(ctx, args...)
	}
	return r.conn.QueryRowContext(ctx, text, args...)
}

// snapshot runs f in one read transaction.
func (r *reader) snapshot(ctx context.Context, f func() error) error {
	// The transaction doesn't end with ctx but here: otherwise the next user might find it still open.
	tx, err := r.conn.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return err
	}
	return errors.Join(f(), tx.Rollback())
}

// readers is a pool of them.
type readers struct {
	db   *sql.DB
	idle chan *reader
}

func newReaders(db *sql.DB) *readers {
	n := db.Stats().MaxOpenConnections
	p := &readers{db: db, idle: make(chan *reader, n)}
	for range n {
		p.idle <- &reader{}
	}
	return p
}

// use lends a reader to f.
func (p *readers) use(ctx context.Context, f func(*reader) error) error {
	var r *reader
	select {
	case r = <-p.idle:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { p.idle <- r }()
	if r.conn == nil {
		conn, err := p.db.Conn(ctx)
		if err != nil {
			return err
		}
		r.conn, r.stmts = conn, map[string]*sql.Stmt{}
	}
	return f(r)
}

// close waits for every reader.
func (p *readers) close() error {
	var errs []error
	for range cap(p.idle) {
		r := <-p.idle
		if r.conn == nil {
			continue
		}
		for _, st := range r.stmts {
			errs = append(errs, st.Close())
		}
		errs = append(errs, r.conn.Close())
	}
	return errors.Join(errs...)
}
