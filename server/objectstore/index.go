package objectstore

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/sqlitex"
)

//go:embed migrations
var migrations embed.FS

// appID is "DOBJ" in ASCII.
const appID = 0x444f424a

// ObjectInfo is what the index knows of an object.
type ObjectInfo struct {
	Bucket, Key string
	Size        int64
	ETag        string // without quotes; the MD5 of the bytes unless it was put in parts
	SHA256      string // lower-case hex; empty if it was put in parts
	ContentType string
	Meta        map[string]string // x-amz-meta-* and the headers to answer with, by canonical name
	Modified    time.Time

	blob string
}

type bucketInfo struct {
	name    string
	created time.Time
}

// index knows which objects exist, and in which file each is.
type index struct{ db *sqlitex.DB }

func openIndex(ctx context.Context, path string) (*index, error) {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	// A put that was answered with 200 must survive a power cut.
	db, err := sqlitex.Open(ctx, path, sqlitex.Options{AppID: appID, Migrations: sub, CacheKiB: 4 << 10, Pragmas: []string{"synchronous(full)"}})
	if err != nil {
		return nil, err
	}
	return &index{db}, nil
}

func (x *index) close() error { return x.db.Close() }

func (x *index) createBucket(ctx context.Context, name string, now time.Time) error {
	_, err := x.db.RW.ExecContext(ctx, "INSERT INTO bucket (name, created) VALUES (?, ?) ON CONFLICT DO NOTHING", name, now.UnixNano())
	return sqlitex.Classify(err)
}

func (x *index) hasBucket(ctx context.Context, name string) (bool, error) {
	var n int
	err := x.db.RO.QueryRowContext(ctx, "SELECT count(*) FROM bucket WHERE name = ?", name).Scan(&n)
	return n > 0, sqlitex.Classify(err)
}

// deleteBucket deletes an empty bucket.
func (x *index) deleteBucket(ctx context.Context, name string) error {
	return x.db.Update(ctx, func(tx *sql.Tx) error {
		var full bool
		if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM object WHERE bucket = ?)", name).Scan(&full); err != nil {
			return err
		}
		if full {
			return fail(409, "BucketNotEmpty", "The bucket you tried to delete is not empty.")
		}
		_, err := tx.ExecContext(ctx, "DELETE FROM bucket WHERE name = ?", name)
		return err
	})
}

func (x *index) buckets(ctx context.Context) (out []bucketInfo, err error) {
	rows, err := x.db.RO.QueryContext(ctx, "SELECT name, created FROM bucket ORDER BY name")
	if err != nil {
		return nil, sqlitex.Classify(err)
	}
	defer rows.Close()
	for rows.Next() {
		var b bucketInfo
		var ns int64
		if err := rows.Scan(&b.name, &ns); err != nil {
			return nil, err
		}
		b.created = time.Unix(0, ns).UTC()
		out = append(out, b)
	}
	return out, rows.Err()
}

const objectColumns = "bucket, key, blob, size, etag, sha256, content_type, meta, modified"

func scanObject(scan func(...any) error) (ObjectInfo, error) {
	var o ObjectInfo
	var meta string
	var ns int64
	if err := scan(&o.Bucket, &o.Key, &o.blob, &o.Size, &o.ETag, &o.SHA256, &o.ContentType, &meta, &ns); err != nil {
		return ObjectInfo{}, err
	}
	o.Modified = time.Unix(0, ns).UTC()
	return o, json.Unmarshal([]byte(meta), &o.Meta)
}

// get returns an object; fs.ErrNotExist if there is none.
func (x *index) get(ctx context.Context, bucket, key string) (ObjectInfo, error) {
	return x.getFrom(ctx, x.db.RO, bucket, key)
}

type rower interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func (*index) getFrom(ctx context.Context, q rower, bucket, key string) (ObjectInfo, error) {
	o, err := scanObject(q.QueryRowContext(ctx, "SELECT "+objectColumns+" FROM object WHERE bucket = ? AND key = ?", bucket, key).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return ObjectInfo{}, fmt.Errorf("%s/%s: %w", bucket, key, fs.ErrNotExist)
	}
	return o, sqlitex.Classify(err)
}

// put writes the row of o if check agrees to what is there (nil if nothing is), and returns the blob that it replaces.
func (x *index) put(ctx context.Context, o ObjectInfo, check func(old *ObjectInfo) error) (old string, err error) {
	meta, err := json.Marshal(o.Meta)
	if err != nil {
		return "", err
	}
	err = x.db.Update(ctx, func(tx *sql.Tx) error {
		prev, err := x.getFrom(ctx, tx, o.Bucket, o.Key)
		switch {
		case err == nil:
			old, err = prev.blob, check(&prev)
		case errors.Is(err, fs.ErrNotExist):
			err = check(nil)
		}
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "INSERT OR REPLACE INTO object ("+objectColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
			o.Bucket, o.Key, o.blob, o.Size, o.ETag, o.SHA256, o.ContentType, string(meta), o.Modified.UnixNano())
		return err
	})
	return old, err
}

// remove deletes the row and returns its blob; no row is no error.
func (x *index) remove(ctx context.Context, bucket, key string) (blob string, err error) {
	err = x.db.RW.QueryRowContext(ctx, "DELETE FROM object WHERE bucket = ? AND key = ? RETURNING blob", bucket, key).Scan(&blob)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return blob, sqlitex.Classify(err)
}

// list returns up to n objects of the bucket whose keys start with prefix and are >= from, in the order of their bytes.
func (x *index) list(ctx context.Context, bucket, prefix, from string, n int) (out []ObjectInfo, err error) {
	var end any = []byte{} // SQLite sorts every text before every blob
	if after := successor(prefix); after != "" {
		end = after
	}
	rows, err := x.db.RO.QueryContext(ctx, "SELECT "+objectColumns+" FROM object WHERE bucket = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?",
		bucket, max(from, prefix), end, n)
	if err != nil {
		return nil, sqlitex.Classify(err)
	}
	defer rows.Close()
	for rows.Next() {
		o, err := scanObject(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, rows.Err()
}

// successor returns the first string, by bytes, after all those that start with prefix; empty if there is none.
func successor(prefix string) string {
	b := []byte(prefix)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] < 0xff {
			b[i]++
			return string(b[:i+1])
		}
	}
	return ""
}

func (x *index) blobNames(ctx context.Context) (map[string]bool, error) {
	rows, err := x.db.RO.QueryContext(ctx, "SELECT blob FROM object")
	if err != nil {
		return nil, sqlitex.Classify(err)
	}
	defer rows.Close()
	out := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		out[name] = true
	}
	return out, rows.Err()
}
