// Package objectstore is an embedded subset of S3 with its security token service (STS): what a start of the backend needs
// where there is no object store yet, and what tests run against.
//
// A request is worth what its signature says: AWS Signature Version 4, in headers or presigned. Keys come from
// AssumeRoleWithWebIdentity, which checks the caller's token against the identity provider and hands out temporary
// credentials; policies in the grammar of IAM, with variables from the token's claims, decide on each request. The one
// permanent key, the root key, is for administration. An unsigned request is refused, whatever it asks for.
//
// An object is one file under blobs, named at random, and one row of the index that names the file. A write makes a new
// file, syncs it, and then moves the row: a reader sees the old object or the new one, and no key ever becomes a path.
//
// What must not be here: the signing API (server/signing) and anything about images or STAC. A Maker brings objects that
// are made on demand.
package objectstore
