-- Signing keys, PKCS #8. The newest signs; the older ones still verify.
CREATE TABLE keys(
  id      TEXT PRIMARY KEY,
  private BLOB NOT NULL,
  created INTEGER NOT NULL
) STRICT;

-- One row per login of a person in one browser, or on one device. cookie is the SHA-256 of the browser's cookie.
CREATE TABLE sessions(
  id        TEXT PRIMARY KEY,
  cookie    BLOB UNIQUE,
  subject   TEXT NOT NULL,
  auth_time INTEGER NOT NULL,
  expires   INTEGER NOT NULL
) STRICT;

-- One row per client that was let in by a session: the head of a chain of refresh tokens.
CREATE TABLE grants(
  id        TEXT PRIMARY KEY,
  session   TEXT NOT NULL,
  client    TEXT NOT NULL,
  subject   TEXT NOT NULL,
  scopes    TEXT NOT NULL,
  auth_time INTEGER NOT NULL,
  expires   INTEGER NOT NULL,
  revoked   INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX grants_session ON grants(session);
CREATE INDEX grants_subject ON grants(subject, client);

-- hash is the SHA-256 of the token. A used token stays, so that its second use is noticed.
CREATE TABLE refresh_tokens(
  hash     BLOB PRIMARY KEY,
  grant_id TEXT NOT NULL REFERENCES grants(id) ON DELETE CASCADE,
  expires  INTEGER NOT NULL,
  used     INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_tokens_grant ON refresh_tokens(grant_id);
