package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/cql2"
)

// maxCoverages bounds the record; the oldest go first.
const maxCoverages = 2000

// questionJSON is a question as it is recorded. The same question always has the same text.
type questionJSON struct {
	Collections []catalog.CollectionID `json:"collections,omitempty"`
	IDs         []catalog.ItemID       `json:"ids,omitempty"`
	Area        []byte                 `json:"area,omitempty"` // WKB
	Start       *time.Time             `json:"start,omitempty"`
	End         *time.Time             `json:"end,omitempty"`
	Filter      json.RawMessage        `json:"filter,omitempty"`
	Text        string                 `json:"text,omitempty"`
}

func packQuestion(q catalog.Query) (string, error) {
	q = q.Question()
	j := questionJSON{Collections: q.Collections, IDs: q.IDs, Text: q.Text}
	if !q.Area.IsEmpty() {
		j.Area = q.Area.AsBinary()
	}
	if t := q.Time.Start.UTC(); !t.IsZero() {
		j.Start = &t
	}
	if t := q.Time.End.UTC(); !t.IsZero() {
		j.End = &t
	}
	if q.Filter != nil {
		var err error
		if j.Filter, err = cql2.JSON(q.Filter); err != nil {
			return "", &catalog.Error{Op: "record coverage", Kind: catalog.KindInvalid, Err: err}
		}
	}
	text, err := json.Marshal(j)
	return string(text), err
}

func unpackQuestion(text string) (catalog.Query, error) {
	var j questionJSON
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return catalog.Query{}, err
	}
	q := catalog.Query{Collections: j.Collections, IDs: j.IDs, Text: j.Text}
	var err error
	if len(j.Area) > 0 {
		if q.Area, err = geom.UnmarshalWKB(j.Area, geom.NoValidate{}); err != nil {
			return catalog.Query{}, err
		}
	}
	if j.Start != nil {
		q.Time.Start = *j.Start
	}
	if j.End != nil {
		q.Time.End = *j.End
	}
	if len(j.Filter) > 0 {
		q.Filter, err = cql2.ParseJSON(j.Filter)
	}
	return q, err
}

// RecordCoverage implements catalog.CoverageWriter. What a new and complete coverage holds takes the place of what was
// recorded of it before; a fetch that was broken off doesn't displace a complete one of the same question.
func (s *Store) RecordCoverage(ctx context.Context, c catalog.Coverage) error {
	text, err := packQuestion(c.Query)
	if err != nil {
		return fail("record coverage", "", err)
	}
	return s.update(ctx, "record coverage", func(tx *sql.Tx) error {
		known, err := readCoverages(ctx, tx)
		if err != nil {
			return err
		}
		for _, k := range known {
			if k.text == text && k.Complete && (!c.Complete || k.At.After(c.At)) {
				return nil
			}
			held := k.text == text || (c.Complete && !k.At.After(c.At) && catalog.LocalOrigin(k.Query, []catalog.Coverage{c}).Complete)
			if !held {
				continue
			}
			if _, err := tx.ExecContext(ctx, "DELETE FROM coverage WHERE no = ?", k.no); err != nil {
				return err
			}
		}
		for _, step := range []struct {
			text string
			args []any
		}{
			{"INSERT INTO coverage(question, at, complete, fetched) VALUES(?, ?, ?, ?)", []any{text, c.At.UnixMicro(), c.Complete, c.Fetched}},
			{"DELETE FROM coverage WHERE no NOT IN (SELECT no FROM coverage ORDER BY at DESC LIMIT ?)", []any{maxCoverages}},
			{coverageChanged, nil},
		} {
			if _, err := tx.ExecContext(ctx, step.text, step.args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// coverageChanged tells readers, of this process and of others, to read the record again.
const coverageChanged = "INSERT INTO meta(key, value) VALUES('coverage', 1) ON CONFLICT(key) DO UPDATE SET value = value + 1"

type recorded struct {
	catalog.Coverage
	no   int64
	text string
}

func readCoverages(ctx context.Context, q querier) ([]recorded, error) {
	rows, err := q.QueryContext(ctx, "SELECT no, question, at, complete, fetched FROM coverage ORDER BY no")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []recorded
	for rows.Next() {
		var r recorded
		var at int64
		if err := rows.Scan(&r.no, &r.text, &at, &r.Complete, &r.Fetched); err != nil {
			return nil, err
		}
		r.At = time.UnixMicro(at).UTC()
		if r.Query, err = unpackQuestion(r.text); err != nil {
			return nil, &catalog.Error{Op: "read coverage", Kind: catalog.KindCorrupt, Err: fmt.Errorf("a recorded question cannot be read: %w", err)}
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// knownCoverage is the record as of one version of it.
type knownCoverage struct {
	version int64
	list    []catalog.Coverage
}

func (s *Store) coverages(ctx context.Context, q querier) ([]catalog.Coverage, error) {
	var version int64
	err := q.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = 'coverage'").Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if k := s.coverage.Load(); k != nil && k.version == version {
		return k.list, nil
	}
	known, err := readCoverages(ctx, q)
	if err != nil {
		return nil, err
	}
	k := &knownCoverage{version: version}
	for _, r := range known {
		k.list = append(k.list, r.Coverage)
	}
	s.coverage.Store(k)
	return k.list, nil
}
