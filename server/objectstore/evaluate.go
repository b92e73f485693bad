package objectstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Claims are the claims of a token, flattened: a nested claim is reached by its path with dots (realm_access.roles), and a
// claim with several values, such as groups, has them all.
type Claims map[string][]string

// NewClaims flattens the claims of a token.
func NewClaims(raw map[string]any) Claims {
	c := Claims{}
	for k, v := range raw {
		c.add(k, v)
	}
	return c
}

func (c Claims) add(name string, v any) {
	switch v := v.(type) {
	case string:
		c[name] = append(c[name], v)
	case bool:
		c[name] = append(c[name], strconv.FormatBool(v))
	case json.Number:
		c[name] = append(c[name], v.String())
	case float64:
		c[name] = append(c[name], strconv.FormatFloat(v, 'f', -1, 64))
	case []any:
		for _, e := range v {
			c.add(name, e)
		}
	case map[string]any:
		for k, e := range v {
			c.add(name+"."+k, e)
		}
	}
}

// only returns the claims with these names.
func (c Claims) only(names []string) Claims {
	out := Claims{}
	for _, n := range names {
		if v, ok := c[n]; ok {
			out[n] = v
		}
	}
	return out
}

// Request is one question to the policies.
type Request struct {
	Role     string
	Claims   Claims
	Action   string // "s3:GetObject"
	Resource string // "arn:aws:s3:::bucket/key"
	// Context holds the condition keys that aren't claims: s3:prefix, s3:delimiter.
	Context map[string][]string
}

// ResourceARN returns the ARN of an object, or of a bucket where key is empty.
func ResourceARN(bucket, key string) string {
	if key == "" {
		return "arn:aws:s3:::" + bucket
	}
	return "arn:aws:s3:::" + bucket + "/" + key
}

// ErrDenied means that policies refuse a request.
var ErrDenied = errors.New("access denied")

// Authorize returns nil if the role's policies allow q: a statement allows it, and none denies it. Otherwise the error wraps
// ErrDenied and says which rule is missing.
func (p *Policies) Authorize(q Request) error {
	r := p.roles[q.Role]
	if r == nil {
		return fmt.Errorf("%w: there is no role %q", ErrDenied, q.Role)
	}
	allowed := false
	for _, s := range r.policies {
		if !s.matches(q) {
			continue
		}
		if s.deny {
			return fmt.Errorf("%w: a rule of the role %s denies %s here", ErrDenied, q.Role, q.Action)
		}
		allowed = true
	}
	if !allowed {
		return fmt.Errorf("%w: no rule of the role %s allows %s here", ErrDenied, q.Role, q.Action)
	}
	return nil
}

// mayAssume tells whether the trust policy of r lets a user of the provider, who goes by any of the given names, take it.
func (r *role) mayAssume(provider []string, c Claims) bool {
	allowed := false
	for _, s := range r.trust {
		if !slices.ContainsFunc(s.federated, func(f string) bool { return slices.Contains(provider, f) }) ||
			!s.conditionsHold(Request{Claims: c}) {
			continue
		}
		if s.deny {
			return false
		}
		allowed = true
	}
	return allowed
}

// statement is one rule. Where a variable in it has no value that is safe to put in, an Allow doesn't apply and a Deny does:
// rights are never wider for it.
type statement struct {
	deny       bool
	federated  []string
	actions    []pattern
	resources  []template
	conditions []condition
}

func (s statement) matches(q Request) bool {
	action := strings.ToLower(q.Action)
	return slices.ContainsFunc(s.actions, func(p pattern) bool { return p.match(action) }) &&
		slices.ContainsFunc(s.resources, func(t template) bool {
			p, ok := t.expand(q.Claims)
			if !ok {
				return s.deny
			}
			return p.match(q.Resource)
		}) &&
		s.conditionsHold(q)
}

func (s statement) conditionsHold(q Request) bool {
	for _, c := range s.conditions {
		if !c.holds(q, s.deny) {
			return false
		}
	}
	return true
}

func (s statement) claims() []string {
	var out []string
	add := func(ts []template) {
		for _, t := range ts {
			for _, p := range t {
				if p.claim != "" {
					out = append(out, p.claim)
				}
			}
		}
	}
	add(s.resources)
	for _, c := range s.conditions {
		add(c.values)
		if name, ok := strings.CutPrefix(c.key, "jwt:"); ok {
			out = append(out, name)
		}
	}
	return out
}

// pattern is text in which '*' stands for any run of characters and '?' for any one, except where the literal flag is set.
type pattern struct {
	text    []rune
	literal []bool // nil: none is
}

func (p pattern) star(i int) bool { return p.text[i] == '*' && (p.literal == nil || !p.literal[i]) }
func (p pattern) any(i int) bool  { return p.text[i] == '?' && (p.literal == nil || !p.literal[i]) }

func (p pattern) match(s string) bool {
	in := []rune(s)
	i, j, star, mark := 0, 0, -1, 0
	for j < len(in) {
		switch {
		case i < len(p.text) && p.star(i):
			star, mark = i, j
			i++
		case i < len(p.text) && (p.any(i) || p.text[i] == in[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p.text) && p.star(i) {
		i++
	}
	return i == len(p.text)
}

// template is a pattern with variables in it.
type template []piece

type piece struct {
	text    string
	claim   string // a variable, if not empty
	literal bool   // text without wildcards
}

// parseTemplate reads ${jwt:claim}, and ${*}, ${?} and ${$} for those characters themselves.
func parseTemplate(s string, wildcards bool) (template, error) {
	var t template
	for s != "" {
		before, rest, found := strings.Cut(s, "${")
		if before != "" {
			t = append(t, piece{text: before, literal: !wildcards})
		}
		if !found {
			break
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, errors.New("a variable's \"${\" has no \"}\"")
		}
		claim, isClaim := strings.CutPrefix(name, "jwt:")
		switch {
		case name == "*" || name == "?" || name == "$":
			t = append(t, piece{text: name, literal: true})
		case isClaim && claim != "" && !strings.ContainsAny(claim, "*?${, "):
			t = append(t, piece{claim: claim})
		default:
			return nil, fmt.Errorf("the variable ${%s} is not known; it must be ${jwt:<claim>}", name)
		}
		s = after
	}
	return t, nil
}

// expand puts the claims in. It fails where a variable has not exactly one value that is safe to put into a path.
func (t template) expand(c Claims) (pattern, bool) {
	var p pattern
	for _, e := range t {
		text, literal := e.text, e.literal
		if e.claim != "" {
			v := c[e.claim]
			if len(v) != 1 || !safeValue(v[0]) {
				return pattern{}, false
			}
			text, literal = v[0], true
		}
		for _, r := range text {
			p.text = append(p.text, r)
			p.literal = append(p.literal, literal)
		}
	}
	return p, true
}

// safeValue tells whether a claim's value can stand in a resource as one segment of it and as nothing else.
func safeValue(v string) bool {
	return v != "" && v != "." && v != ".." && !strings.ContainsAny(v, "*?/\\$") && !strings.ContainsFunc(v, func(r rune) bool {
		return unicode.IsControl(r) || r == unicode.ReplacementChar
	})
}

// Actions that a policy may name. Those that this store doesn't serve are here so that a policy written for another store
// can be read.
var knownActions = map[bool][]string{
	true: {"sts:AssumeRoleWithWebIdentity", "sts:TagSession"},
	false: {
		"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket", "s3:GetBucketLocation", "s3:CreateBucket",
		"s3:DeleteBucket", "s3:ListAllMyBuckets", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts",
		"s3:ListBucketMultipartUploads", "s3:GetObjectVersion", "s3:DeleteObjectVersion", "s3:ListBucketVersions",
		"s3:GetObjectTagging", "s3:PutObjectTagging", "s3:DeleteObjectTagging", "s3:GetObjectAcl", "s3:PutObjectAcl",
		"s3:GetObjectAttributes", "s3:GetBucketAcl", "s3:GetBucketPolicy", "s3:GetBucketVersioning", "s3:GetBucketCORS",
	},
}

func checkAction(a string, trust bool) error {
	p := pattern{text: []rune(strings.ToLower(a))}
	if slices.ContainsFunc(knownActions[trust], func(k string) bool { return p.match(strings.ToLower(k)) }) {
		return nil
	}
	return fmt.Errorf("the Action %q is not known", a)
}
