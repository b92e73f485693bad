CREATE TABLE bucket (
  name    TEXT PRIMARY KEY,
  created INTEGER NOT NULL -- Unix nanoseconds
) STRICT, WITHOUT ROWID;

CREATE TABLE object (
  bucket       TEXT NOT NULL REFERENCES bucket (name),
  key          TEXT NOT NULL,
  blob         TEXT NOT NULL, -- name of the file
  size         INTEGER NOT NULL,
  etag         TEXT NOT NULL, -- without quotes
  sha256       TEXT NOT NULL, -- lower-case hex
  content_type TEXT NOT NULL,
  meta         TEXT NOT NULL, -- JSON object: x-amz-meta-* and the stored headers
  modified     INTEGER NOT NULL, -- Unix nanoseconds
  PRIMARY KEY (bucket, key)
) STRICT, WITHOUT ROWID;
