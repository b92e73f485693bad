-- What is known of this file as a whole: key and value.
CREATE TABLE meta(key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;

-- Zstandard dictionaries of documents.
CREATE TABLE dict(no INTEGER PRIMARY KEY AUTOINCREMENT, data BLOB NOT NULL);

-- A number is never used twice (AUTOINCREMENT), so that readers may remember which id it stands for.
CREATE TABLE collection(
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  doc BLOB NOT NULL
);

CREATE TABLE item(
  -- The second of dt << 23, a sequence number << 1, and a free last bit (see item_rt): rowid order is time order.
  rid INTEGER PRIMARY KEY,
  coll INTEGER NOT NULL REFERENCES collection(no),
  id TEXT NOT NULL,
  dt INTEGER,              -- what "datetime" sorts by, in microseconds since 1970
  flags INTEGER NOT NULL,  -- 1: dt is the datetime property, not start_datetime
  t0 INTEGER, t1 INTEGER,  -- the span, in microseconds; both NULL where it is the instant dt
  -- The box of the footprint in millionths of a degree, rounded outward. NULL without footprint.
  minx INTEGER, maxx INTEGER, miny INTEGER, maxy INTEGER,
  cloud REAL, gsd REAL, platform TEXT, title TEXT, created INTEGER, updated INTEGER,
  bbox BLOB,               -- four float64, where it is wider than the footprint
  geom BLOB,               -- WKB
  sum INTEGER NOT NULL     -- of the document, to see that it has not changed
);
CREATE UNIQUE INDEX item_key ON item(id, coll);
CREATE INDEX item_walk ON item(dt DESC, id, coll, t0, t1, minx, maxx, miny, maxy, cloud);

CREATE TABLE item_doc(rid INTEGER PRIMARY KEY, dict INTEGER REFERENCES dict(no), doc BLOB NOT NULL);

-- Millionths of a degree and minutes since 1970, rounded outward. An item across the antimeridian has two rows, rid and rid + 1.
CREATE VIRTUAL TABLE item_rt USING rtree_i32(rid, minx, maxx, miny, maxy, mint, maxt);

-- Words are split and folded before they come here, so that the tokenizer need only split at spaces.
CREATE VIRTUAL TABLE item_fts USING fts5(words, content='', contentless_delete=1, detail='none', tokenize='ascii');

CREATE TABLE coverage(
  no INTEGER PRIMARY KEY,
  question TEXT NOT NULL UNIQUE,
  at INTEGER NOT NULL,
  complete INTEGER NOT NULL,
  fetched INTEGER NOT NULL
);
