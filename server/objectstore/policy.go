package objectstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// DefaultProvider is the name of the identity provider in a trust policy's Federated, unless Config says otherwise.
const DefaultProvider = "dinamis"

// DefaultRole is the one role of DefaultPolicies.
const DefaultRole = "dinamis-user"

// RoleARN returns the ARN by which AssumeRoleWithWebIdentity names a role.
func RoleARN(role string) string { return "arn:aws:iam::000000000000:role/" + role }

// Session lengths of a role, as IAM bounds them; the upper one is higher here, since a presigned URL lives no longer than
// the credentials that signed it, and S3 lets a URL live seven days.
const (
	minSession     = 15 * time.Minute
	defaultSession = 12 * time.Hour
	longestSession = maxPresign
)

// Policies say who may take which role, and what each role may do. Immutable.
type Policies struct {
	roles map[string]*role
}

type role struct {
	name       string
	maxSession time.Duration
	trust      []statement
	policies   []statement
	claims     []string // the claims that policies look at, sorted
}

// The file's grammar: that of IAM (Reference, "Grammar of the IAM JSON policy language"), less what no request here can meet.
type fileJSON struct {
	Roles []roleJSON
}

type roleJSON struct {
	RoleName                 string
	MaxSessionDuration       int // seconds
	AssumeRolePolicyDocument *documentJSON
	Policies                 []documentJSON
}

type documentJSON struct {
	Version   string
	ID        string `json:"Id"`
	Statement statementsJSON
}

type statementJSON struct {
	Sid       string
	Effect    string
	Principal *principalJSON
	Action    oneOrMany
	Resource  oneOrMany
	Condition map[string]map[string]oneOrMany
}

type principalJSON struct {
	Federated oneOrMany
}

type statementsJSON []statementJSON

// UnmarshalJSON reads one statement or a list of them, as IAM allows both.
func (s *statementsJSON) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		*s = make(statementsJSON, 1)
		return strict(b, &(*s)[0])
	}
	return strict(b, (*[]statementJSON)(s))
}

type oneOrMany []string

// UnmarshalJSON reads one string or a list of them.
func (o *oneOrMany) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		*o = make(oneOrMany, 1)
		return json.Unmarshal(b, &(*o)[0])
	}
	return json.Unmarshal(b, (*[]string)(o))
}

// strict decodes one JSON value and refuses keys that it doesn't know: a misspelt Condition must not be a missing one.
func strict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON value")
	}
	return nil
}

// ParsePolicies reads a policy file: {"Roles": [{"RoleName", "MaxSessionDuration", "AssumeRolePolicyDocument",
// "Policies": [document, …]}, …]}, where a document is one of IAM. The error names the role, the statement and the word that
// is wrong.
func ParsePolicies(data []byte) (*Policies, error) {
	var f fileJSON
	if err := strict(data, &f); err != nil {
		return nil, fmt.Errorf("read policies: %w", err)
	}
	if len(f.Roles) == 0 {
		return nil, errors.New("read policies: there is no role under \"Roles\"")
	}
	p := &Policies{roles: map[string]*role{}}
	for i, rj := range f.Roles {
		r, err := rj.role()
		if err != nil {
			return nil, fmt.Errorf("read policies: role %d (%q): %w", i+1, rj.RoleName, err)
		}
		if p.roles[r.name] != nil {
			return nil, fmt.Errorf("read policies: the role %q occurs twice", r.name)
		}
		p.roles[r.name] = r
	}
	return p, nil
}

// Roles returns the names of all roles, sorted.
func (p *Policies) Roles() []string { return slices.Sorted(maps.Keys(p.roles)) }

// providers returns every name that a trust policy has in Federated.
func (p *Policies) providers() []string {
	var out []string
	for _, r := range p.roles {
		for _, s := range r.trust {
			out = append(out, s.federated...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (rj roleJSON) role() (*role, error) {
	if rj.RoleName == "" || strings.ContainsAny(rj.RoleName, "/ :") {
		return nil, errors.New("the RoleName must be a word without slash, colon or space")
	}
	r := &role{name: rj.RoleName, maxSession: defaultSession}
	if rj.MaxSessionDuration != 0 {
		r.maxSession = time.Duration(rj.MaxSessionDuration) * time.Second
		if r.maxSession < minSession || r.maxSession > longestSession {
			return nil, fmt.Errorf("the MaxSessionDuration %d is not between %d and %d seconds", rj.MaxSessionDuration, int(minSession.Seconds()), int(longestSession.Seconds()))
		}
	}
	if rj.AssumeRolePolicyDocument == nil {
		return nil, errors.New("the AssumeRolePolicyDocument is missing: nobody could take the role")
	}
	var err error
	if r.trust, err = rj.AssumeRolePolicyDocument.statements(true); err != nil {
		return nil, fmt.Errorf("the AssumeRolePolicyDocument: %w", err)
	}
	for i, d := range rj.Policies {
		ss, err := d.statements(false)
		if err != nil {
			return nil, fmt.Errorf("policy %d: %w", i+1, err)
		}
		r.policies = append(r.policies, ss...)
	}
	for _, s := range r.policies {
		r.claims = append(r.claims, s.claims()...)
	}
	slices.Sort(r.claims)
	r.claims = slices.Compact(r.claims)
	return r, nil
}

func (d documentJSON) statements(trust bool) ([]statement, error) {
	if d.Version != "2012-10-17" {
		return nil, fmt.Errorf("the Version is %q; it must be \"2012-10-17\", the one with variables", d.Version)
	}
	if len(d.Statement) == 0 {
		return nil, errors.New("there is no Statement")
	}
	out := make([]statement, 0, len(d.Statement))
	for i, sj := range d.Statement {
		s, err := sj.statement(trust)
		if err != nil {
			name := sj.Sid
			if name == "" {
				name = fmt.Sprint(i + 1)
			}
			return nil, fmt.Errorf("statement %s: %w", name, err)
		}
		out = append(out, s)
	}
	return out, nil
}

func (sj statementJSON) statement(trust bool) (statement, error) {
	s := statement{}
	switch sj.Effect {
	case "Allow":
	case "Deny":
		s.deny = true
	default:
		return s, fmt.Errorf("the Effect is %q; it must be Allow or Deny", sj.Effect)
	}
	if len(sj.Action) == 0 {
		return s, errors.New("the Action is missing")
	}
	for _, a := range sj.Action {
		if err := checkAction(a, trust); err != nil {
			return s, err
		}
		s.actions = append(s.actions, pattern{text: []rune(strings.ToLower(a))})
	}
	switch {
	case trust && (sj.Principal == nil || len(sj.Principal.Federated) == 0):
		return s, errors.New("the Principal must be an object with Federated, the name of the identity provider, in it")
	case trust && len(sj.Resource) > 0:
		return s, errors.New("a trust policy has no Resource")
	case !trust && sj.Principal != nil:
		return s, errors.New("a role's policy has no Principal")
	case !trust && len(sj.Resource) == 0:
		return s, errors.New("the Resource is missing")
	}
	if trust {
		s.federated = sj.Principal.Federated
	}
	for _, res := range sj.Resource {
		if res != "*" && !strings.HasPrefix(res, "arn:aws:s3:::") {
			return s, fmt.Errorf("the Resource %q must start with arn:aws:s3::: or be a lone asterisk", res)
		}
		t, err := parseTemplate(res, true)
		if err != nil {
			return s, fmt.Errorf("the Resource %q: %w", res, err)
		}
		s.resources = append(s.resources, t)
	}
	var err error
	s.conditions, err = parseConditions(sj.Condition, trust)
	return s, err
}

// DefaultPolicies let every user of the identity provider read the bucket and write under users/<name>/ in it; the group
// admin writes everywhere.
func DefaultPolicies(bucket string) *Policies {
	p, err := ParsePolicies(DefaultPoliciesJSON(bucket))
	if err != nil {
		panic(err) // only a bucket name that checkBucket refuses gets here
	}
	return p
}

// DefaultPoliciesJSON is the file that DefaultPolicies stands for: a start for one's own.
func DefaultPoliciesJSON(bucket string) []byte {
	return []byte(strings.ReplaceAll(defaultPolicies, "BUCKET", bucket))
}

const defaultPolicies = `{
  "Roles": [
    {
      "RoleName": "` + DefaultRole + `",
      "MaxSessionDuration": 604800,
      "AssumeRolePolicyDocument": {
        "Version": "2012-10-17",
        "Statement": [
          {"Effect": "Allow", "Principal": {"Federated": "` + DefaultProvider + `"}, "Action": "sts:AssumeRoleWithWebIdentity"}
        ]
      },
      "Policies": [
        {
          "Version": "2012-10-17",
          "Statement": [
            {
              "Sid": "EveryUserReadsTheArchive",
              "Effect": "Allow",
              "Action": ["s3:GetObject", "s3:ListBucket", "s3:GetBucketLocation"],
              "Resource": ["arn:aws:s3:::BUCKET", "arn:aws:s3:::BUCKET/*"]
            },
            {
              "Sid": "EveryUserWritesInTheirOwnFolder",
              "Effect": "Allow",
              "Action": ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
              "Resource": "arn:aws:s3:::BUCKET/users/${jwt:preferred_username}/*"
            },
            {
              "Sid": "AdministratorsWriteEverywhere",
              "Effect": "Allow",
              "Action": "s3:*",
              "Resource": ["arn:aws:s3:::BUCKET", "arn:aws:s3:::BUCKET/*"],
              "Condition": {"ForAnyValue:StringEquals": {"jwt:groups": "admin"}}
            }
          ]
        }
      ]
    }
  ]
}
`
