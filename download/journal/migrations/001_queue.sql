-- One row for each request. Signed URLs and tokens never come here: href is unsigned.
CREATE TABLE task (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  connection TEXT NOT NULL,
  href       TEXT NOT NULL,
  collection TEXT NOT NULL,
  item       TEXT NOT NULL,
  asset      TEXT NOT NULL,
  title      TEXT NOT NULL,
  dir        TEXT NOT NULL,
  size       INTEGER NOT NULL,             -- as the item promises, -1 if it doesn't
  checksum   TEXT NOT NULL,                -- multihash, hexadecimal
  media_type TEXT NOT NULL,
  state      TEXT NOT NULL,
  wish       TEXT NOT NULL DEFAULT '',     -- what a process that is not the owner asks for
  path       TEXT NOT NULL,
  path_key   TEXT,                         -- folded path; NULL once a finished or cancelled task gave it up
  received   INTEGER NOT NULL DEFAULT 0,
  total      INTEGER NOT NULL DEFAULT -1,
  etag       TEXT NOT NULL DEFAULT '',
  modified   TEXT NOT NULL DEFAULT '',
  sha256     TEXT NOT NULL DEFAULT '',     -- set before the rename, so that a crash in between is understood
  verified   INTEGER NOT NULL DEFAULT 0,
  attempts   INTEGER NOT NULL DEFAULT 0,
  restarts   INTEGER NOT NULL DEFAULT 0,   -- clean starts because the object changed or ranges failed
  mismatches INTEGER NOT NULL DEFAULT 0,   -- times that the bytes were not what checksum promises
  trouble    INTEGER NOT NULL DEFAULT 0,   -- Unix ms since when nothing arrived, 0: all is well
  leftover   INTEGER NOT NULL DEFAULT 0,   -- the partial file has yet to be removed
  err_kind   INTEGER,
  err_op     TEXT,
  err_key    TEXT,
  err_text   TEXT,
  retryable  INTEGER NOT NULL DEFAULT 0,
  added      INTEGER NOT NULL,             -- Unix ms
  finished   INTEGER NOT NULL DEFAULT 0,
  changed    INTEGER NOT NULL              -- counter.n of the last change
);
CREATE UNIQUE INDEX task_path ON task(path_key) WHERE path_key IS NOT NULL;
CREATE INDEX task_request ON task(href, dir);
CREATE INDEX task_changed ON task(changed);
CREATE INDEX task_wish ON task(wish) WHERE wish <> '';

-- The ranges of a file under way: done bytes from offset on are on the disk.
CREATE TABLE segment (
  task   INTEGER NOT NULL REFERENCES task(id) ON DELETE CASCADE,
  offset INTEGER NOT NULL,
  length INTEGER NOT NULL,                 -- -1: up to an end that the server doesn't tell
  done   INTEGER NOT NULL,
  PRIMARY KEY (task, offset)
) WITHOUT ROWID;

CREATE TABLE counter (n INTEGER NOT NULL);
INSERT INTO counter VALUES (0);
