package objectstore

import (
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"
)

const (
	s3Namespace = "http://s3.amazonaws.com/doc/2006-03-01/"
	maxList     = 1000
	// isoMillis is the time of S3's XML.
	isoMillis = "2006-01-02T15:04:05.000Z"
)

func (s *Store) headBucket(c *call) error {
	if err := s.requireBucket(c); err != nil {
		return err
	}
	c.w.Header().Set("X-Amz-Bucket-Region", s.cfg.Region)
	c.w.WriteHeader(http.StatusOK)
	return nil
}

func (s *Store) putBucket(c *call) error {
	if err := s.CreateBucket(c.r.Context(), c.bucket); err != nil {
		return err
	}
	c.w.Header().Set("Location", "/"+c.bucket)
	c.w.Header().Set("Content-Length", "0")
	c.w.WriteHeader(http.StatusOK)
	return nil
}

func (s *Store) deleteBucket(c *call) error {
	if err := s.requireBucket(c); err != nil {
		return err
	}
	if err := s.index.deleteBucket(c.r.Context(), c.bucket); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

type locationXML struct {
	XMLName xml.Name `xml:"LocationConstraint"`
	Space   string   `xml:"xmlns,attr"`
	Region  string   `xml:",chardata"`
}

func (s *Store) bucketLocation(c *call) error {
	if err := s.requireBucket(c); err != nil {
		return err
	}
	x := locationXML{Space: s3Namespace, Region: s.cfg.Region}
	if x.Region == "us-east-1" {
		x.Region = "" // S3 writes its first region as nothing
	}
	writeXML(c.w, c.r, http.StatusOK, x)
	return nil
}

type bucketsXML struct {
	XMLName xml.Name    `xml:"ListAllMyBucketsResult"`
	Space   string      `xml:"xmlns,attr"`
	Owner   ownerXML    `xml:"Owner"`
	Buckets []bucketXML `xml:"Buckets>Bucket"`
}

type bucketXML struct {
	Name         string
	CreationDate string
}

type ownerXML struct {
	ID          string
	DisplayName string
}

var owner = ownerXML{ID: "dinamis", DisplayName: "dinamis"}

func (s *Store) listBuckets(c *call) error {
	bs, err := s.index.buckets(c.r.Context())
	if err != nil {
		return err
	}
	x := bucketsXML{Space: s3Namespace, Owner: owner}
	for _, b := range bs {
		x.Buckets = append(x.Buckets, bucketXML{Name: b.name, CreationDate: b.created.Format(isoMillis)})
	}
	writeXML(c.w, c.r, http.StatusOK, x)
	return nil
}

// listing is the answer of both versions of ListObjects.
type listing struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	Space                 string   `xml:"xmlns,attr"`
	Name                  string
	Prefix                string
	Delimiter             string `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	MaxKeys               int
	IsTruncated           bool
	KeyCount              *int    `xml:",omitempty"`
	StartAfter            string  `xml:",omitempty"`
	ContinuationToken     string  `xml:",omitempty"`
	NextContinuationToken string  `xml:",omitempty"`
	Marker                *string `xml:",omitempty"`
	NextMarker            string  `xml:",omitempty"`
	Contents              []contentXML
	CommonPrefixes        []prefixXML

	last string // the last key or prefix of the page
}

type contentXML struct {
	Key          string
	LastModified string
	ETag         string
	Size         int64
	StorageClass string
	Owner        *ownerXML `xml:",omitempty"`
}

type prefixXML struct{ Prefix string }

// listObjects lists what is on disk: an object that a Maker has not made yet is not listed.
func (s *Store) listObjects(c *call) error {
	if err := s.requireBucket(c); err != nil {
		return err
	}
	q := c.query
	l := &listing{Space: s3Namespace, Name: c.bucket, Prefix: q.Get("prefix"), Delimiter: q.Get("delimiter"), EncodingType: q.Get("encoding-type"), MaxKeys: maxList}
	if m := q.Get("max-keys"); m != "" {
		n, err := strconv.Atoi(m)
		if err != nil || n < 0 {
			return errInvalidArgument("max-keys must be a number from 0 to %d.", maxList)
		}
		l.MaxKeys = min(n, maxList)
	}
	if l.EncodingType != "" && l.EncodingType != "url" {
		return errInvalidArgument("encoding-type must be url.")
	}
	after, err := l.start(c)
	if err != nil {
		return err
	}
	if err := s.fill(c, l, after); err != nil {
		return err
	}
	l.finish(c)
	writeXML(c.w, c.r, http.StatusOK, l)
	return nil
}

// start reads where the page begins, in the words of either version.
func (l *listing) start(c *call) (after string, err error) {
	if c.query.Get("list-type") != "2" {
		marker := c.query.Get("marker")
		l.Marker = &marker
		return marker, nil
	}
	after = c.query.Get("start-after")
	l.StartAfter, l.ContinuationToken = after, c.query.Get("continuation-token")
	if l.ContinuationToken != "" {
		b, err := base64.URLEncoding.DecodeString(l.ContinuationToken)
		if err != nil {
			return "", errInvalidArgument("The continuation token provided is incorrect.")
		}
		after = string(b)
	}
	return after, nil
}

// fill reads the page. Keys that share a prefix up to the delimiter count as one, and are skipped in the index.
func (s *Store) fill(c *call, l *listing, after string) error {
	from := after + "\x00" // the first text after it; keys hold no NUL
	if after == "" {
		from = ""
	}
	if l.Delimiter != "" && strings.HasPrefix(after, l.Prefix) && strings.HasSuffix(after, l.Delimiter) && len(after) > len(l.Prefix) {
		from = successor(after)
	}
	for n := 0; ; {
		page, err := s.index.list(c.r.Context(), c.bucket, l.Prefix, from, l.MaxKeys-n+1)
		if err != nil {
			return err
		}
		jumped := false
		for _, o := range page {
			if n == l.MaxKeys {
				l.IsTruncated = n > 0
				return nil
			}
			n++
			if i := strings.Index(o.Key[len(l.Prefix):], l.Delimiter); l.Delimiter != "" && i >= 0 {
				l.last = o.Key[:len(l.Prefix)+i+len(l.Delimiter)]
				l.CommonPrefixes = append(l.CommonPrefixes, prefixXML{l.last})
				from, jumped = successor(l.last), true
				break
			}
			l.last = o.Key
			l.Contents = append(l.Contents, contentXML{
				Key: o.Key, LastModified: o.Modified.Format(isoMillis), ETag: `"` + o.ETag + `"`, Size: o.Size, StorageClass: "STANDARD",
			})
		}
		if !jumped || from == "" {
			return nil
		}
	}
}

// finish adds where the next page begins, and encodes keys where the client asked for it.
func (l *listing) finish(c *call) {
	if l.Marker == nil {
		n := len(l.Contents) + len(l.CommonPrefixes)
		l.KeyCount = &n
		if l.IsTruncated {
			l.NextContinuationToken = base64.URLEncoding.EncodeToString([]byte(l.last))
		}
	} else if l.IsTruncated {
		l.NextMarker = l.last
	}
	if c.query.Get("fetch-owner") == "true" || l.Marker != nil {
		for i := range l.Contents {
			l.Contents[i].Owner = &owner
		}
	}
	if l.EncodingType == "" {
		return
	}
	enc := func(s *string) { *s = awsEscape(*s, false) }
	enc(&l.Prefix)
	enc(&l.Delimiter)
	enc(&l.StartAfter)
	enc(&l.NextMarker)
	if l.Marker != nil {
		enc(l.Marker)
	}
	for i := range l.Contents {
		enc(&l.Contents[i].Key)
	}
	for i := range l.CommonPrefixes {
		enc(&l.CommonPrefixes[i].Prefix)
	}
}
