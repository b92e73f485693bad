package objectstore

import (
	"fmt"
	"slices"
	"strings"
)

// condition is one line of a statement's Condition: operator, key, values (IAM Reference, "IAM JSON policy elements:
// Condition operators").
type condition struct {
	key      string
	test     func(p pattern, value string) bool
	negated  bool
	ifExists bool
	all      bool // ForAllValues
	null     bool // the operator Null
	isNull   bool
	values   []template
}

func equals(p pattern, v string) bool     { return string(p.text) == v }
func equalsFold(p pattern, v string) bool { return strings.EqualFold(string(p.text), v) }
func like(p pattern, v string) bool       { return p.match(v) }

type operator struct {
	test    func(pattern, string) bool
	negated bool
	wild    bool
}

var operators = map[string]operator{
	"StringEquals":              {test: equals},
	"StringNotEquals":           {test: equals, negated: true},
	"StringEqualsIgnoreCase":    {test: equalsFold},
	"StringNotEqualsIgnoreCase": {test: equalsFold, negated: true},
	"StringLike":                {test: like, wild: true},
	"StringNotLike":             {test: like, negated: true, wild: true},
}

func parseConditions(in map[string]map[string]oneOrMany, trust bool) ([]condition, error) {
	var out []condition
	for op, keys := range in {
		for key, values := range keys {
			c, err := parseCondition(op, key, values, trust)
			if err != nil {
				return nil, fmt.Errorf("the Condition %s on %s: %w", op, key, err)
			}
			out = append(out, c)
		}
	}
	return out, nil
}

func parseCondition(op, key string, values []string, trust bool) (condition, error) {
	c := condition{key: key}
	claim, isClaim := strings.CutPrefix(key, "jwt:")
	if !(isClaim && claim != "") && (trust || key != "s3:prefix" && key != "s3:delimiter") {
		return c, fmt.Errorf("the key %q is not known; it must be jwt:<claim>, or s3:prefix or s3:delimiter in a role's policy", key)
	}
	if len(values) == 0 {
		return c, fmt.Errorf("there is no value")
	}
	if op == "Null" {
		if len(values) != 1 || values[0] != "true" && values[0] != "false" {
			return c, fmt.Errorf("the value must be \"true\" or \"false\"")
		}
		c.null, c.isNull = true, values[0] == "true"
		return c, nil
	}
	name := op
	if n, ok := strings.CutPrefix(name, "ForAllValues:"); ok {
		name, c.all = n, true
	} else {
		name = strings.TrimPrefix(name, "ForAnyValue:")
	}
	name, c.ifExists = strings.CutSuffix(name, "IfExists")
	o, ok := operators[name]
	if !ok {
		return c, fmt.Errorf("the operator is not known; it must be one of String[Not]Equals[IgnoreCase], String[Not]Like, Null, with ForAnyValue:, ForAllValues: or …IfExists")
	}
	if strings.HasPrefix(op, "ForAnyValue:") && o.negated {
		return c, fmt.Errorf("ForAnyValue with a negated operator is true for nearly everybody; use ForAllValues:%s", name)
	}
	c.test, c.negated = o.test, o.negated
	for _, v := range values {
		t, err := parseTemplate(v, o.wild)
		if err != nil {
			return c, err
		}
		c.values = append(c.values, t)
	}
	return c, nil
}

// holds tells whether the condition is met. A key with several values meets a plain operator if any value does, and a
// negated one if none does. unsure, which is the narrower answer (false in an Allow, true in a Deny), is given where a variable
// can't be put in, and for ForAllValues without a single value, which in IAM would always hold.
func (c condition) holds(q Request, unsure bool) bool {
	have := q.Context[c.key]
	if claim, ok := strings.CutPrefix(c.key, "jwt:"); ok {
		have = q.Claims[claim]
	}
	if c.null {
		return (len(have) == 0) == c.isNull
	}
	if len(have) == 0 {
		return c.ifExists || c.negated || c.all && unsure
	}
	var patterns []pattern
	for _, t := range c.values {
		p, ok := t.expand(q.Claims)
		if !ok {
			return unsure
		}
		patterns = append(patterns, p)
	}
	meets := func(v string) bool {
		return slices.ContainsFunc(patterns, func(p pattern) bool { return c.test(p, v) })
	}
	switch {
	case c.negated:
		return !slices.ContainsFunc(have, meets)
	case c.all:
		return !slices.ContainsFunc(have, func(v string) bool { return !meets(v) })
	}
	return slices.ContainsFunc(have, meets)
}
