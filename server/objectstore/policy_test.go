package objectstore

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func document(statements ...string) string {
	return fmt.Sprintf(`{"Roles": [{"RoleName": "r", "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow",
		"Principal": {"Federated": "dinamis"}, "Action": "sts:AssumeRoleWithWebIdentity"}},
		"Policies": [{"Version": "2012-10-17", "Statement": [%s]}]}]}`, strings.Join(statements, ","))
}

func statementOf(effect, action, resource, rest string) string {
	return fmt.Sprintf(`{"Effect": %q, "Action": %q, "Resource": %q%s}`, effect, action, resource, rest)
}

func mustParse(t rapid.TB, text string) *Policies {
	t.Helper()
	p, err := ParsePolicies([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPolicyErrorsNameWhatIsWrong(t *testing.T) {
	good := statementOf("Allow", "s3:GetObject", "arn:aws:s3:::b/*", "")
	for text, want := range map[string]string{
		`{`:                         "unexpected EOF",
		`{"Roles": []}`:             "no role",
		`{"Roles": [], "x": 1}`:     `unknown field "x"`,
		document(good) + "x":        "follows",
		document(good) + "{}":       "follows",
		document(good, `{"Ef": 1}`): `unknown field "Ef"`,
		document(statementOf("allow", "s3:GetObject", "*", "")):                                                                    `"allow"`,
		document(statementOf("Allow", "s3:GetObjct", "*", "")):                                                                     `"s3:GetObjct"`,
		document(statementOf("Allow", "", "*", "")):                                                                                `Action ""`,
		document(statementOf("Allow", "s3:GetObject", "b/*", "")):                                                                  `"b/*"`,
		document(statementOf("Allow", "s3:GetObject", "arn:aws:s3:::b/${aws:username}", "")):                                       "${aws:username}",
		document(statementOf("Allow", "s3:GetObject", "arn:aws:s3:::b/${jwt:sub", "")):                                             `no "}"`,
		document(statementOf("Allow", "s3:GetObject", "*", `, "NotResource": "x"`)):                                                `"NotResource"`,
		document(statementOf("Allow", "s3:GetObject", "*", `, "Condition": {"StringMatches": {"jwt:sub": "x"}}`)):                  "StringMatches",
		document(statementOf("Allow", "s3:GetObject", "*", `, "Condition": {"StringEquals": {"aws:username": "x"}}`)):              `"aws:username"`,
		document(statementOf("Allow", "s3:GetObject", "*", `, "Condition": {"StringEquals": {"jwt:sub": []}}`)):                    "no value",
		document(statementOf("Allow", "s3:GetObject", "*", `, "Condition": {"ForAnyValue:StringNotEquals": {"jwt:groups": "x"}}`)): "ForAllValues",
		document(statementOf("Allow", "s3:GetObject", "*", `, "Principal": {"Federated": "x"}`)):                                   "no Principal",
		`{"Roles": [{"RoleName": "a/b"}]}`:                                                                                         "RoleName",
		`{"Roles": [{"RoleName": "a"}]}`:                                                                                           "AssumeRolePolicyDocument",
		strings.Replace(document(good), "2012-10-17", "2008-10-17", 1):                                                             "2008-10-17",
		strings.Replace(document(good), `"RoleName": "r"`, `"RoleName": "r", "MaxSessionDuration": 60`, 1):                         "MaxSessionDuration 60",
		strings.Replace(document(good), `"Principal": {"Federated": "dinamis"},`, ``, 1):                                           "Principal",
	} {
		if _, err := ParsePolicies([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n%v, want %s", text, err, want)
		}
	}
}

func TestConditions(t *testing.T) {
	for _, c := range []struct {
		condition string
		claims    Claims
		holds     bool
	}{
		{`"StringEquals": {"jwt:sub": "a"}`, Claims{"sub": {"a"}}, true},
		{`"StringEquals": {"jwt:sub": ["b", "a"]}`, Claims{"sub": {"a"}}, true},
		{`"StringEquals": {"jwt:sub": "a*"}`, Claims{"sub": {"ab"}}, false},
		{`"StringEquals": {"jwt:sub": "A"}`, Claims{"sub": {"a"}}, false},
		{`"StringEqualsIgnoreCase": {"jwt:sub": "A"}`, Claims{"sub": {"a"}}, true},
		{`"StringEquals": {"jwt:sub": "a"}`, Claims{}, false},
		{`"StringEqualsIfExists": {"jwt:sub": "a"}`, Claims{}, true},
		{`"StringNotEquals": {"jwt:sub": "a"}`, Claims{}, true},
		{`"StringNotEquals": {"jwt:groups": "a"}`, Claims{"groups": {"b", "a"}}, false},
		{`"StringLike": {"jwt:sub": "a?c*"}`, Claims{"sub": {"abcd"}}, true},
		{`"StringNotLike": {"jwt:sub": "a*"}`, Claims{"sub": {"abcd"}}, false},
		{`"ForAnyValue:StringEquals": {"jwt:groups": "admin"}`, Claims{"groups": {"users", "admin"}}, true},
		{`"ForAnyValue:StringEquals": {"jwt:groups": "admin"}`, Claims{"groups": {"users", "admins"}}, false},
		{`"ForAllValues:StringEquals": {"jwt:groups": ["users", "admin"]}`, Claims{"groups": {"users"}}, true},
		{`"ForAllValues:StringEquals": {"jwt:groups": ["users", "admin"]}`, Claims{"groups": {"users", "x"}}, false},
		{`"ForAllValues:StringEquals": {"jwt:groups": "users"}`, Claims{}, false},
		{`"Null": {"jwt:sub": "true"}`, Claims{}, true},
		{`"Null": {"jwt:sub": "false"}`, Claims{}, false},
		{`"StringEquals": {"jwt:sub": "${jwt:name}"}`, Claims{"sub": {"a"}, "name": {"a"}}, true},
		{`"StringLike": {"jwt:sub": "${jwt:name}"}`, Claims{"sub": {"a"}, "name": {"*"}}, false},
		{`"StringNotEquals": {"jwt:sub": "${jwt:name}"}`, Claims{"sub": {"a"}}, false},
		{`"StringEquals": {"jwt:realm_access.roles": "r"}`, NewClaims(map[string]any{"realm_access": map[string]any{"roles": []any{"q", "r"}}}), true},
		{`"StringEquals": {"jwt:email_verified": "true"}`, NewClaims(map[string]any{"email_verified": true}), true},
		{`"StringEquals": {"jwt:sub": "a"}, "StringLike": {"jwt:name": "b"}`, Claims{"sub": {"a"}, "name": {"c"}}, false},
	} {
		p := mustParse(t, document(statementOf("Allow", "s3:*", "*", `, "Condition": {`+c.condition+`}`)))
		err := p.Authorize(Request{Role: "r", Claims: c.claims, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"})
		if (err == nil) != c.holds {
			t.Errorf("%s with %v: %v", c.condition, c.claims, err)
		}
		if err != nil && !errors.Is(err, ErrDenied) {
			t.Errorf("%v is not ErrDenied", err)
		}
	}
}

func TestTrust(t *testing.T) {
	text := strings.Replace(document(statementOf("Allow", "s3:*", "*", "")), `"Action": "sts:AssumeRoleWithWebIdentity"`,
		`"Action": "sts:AssumeRoleWithWebIdentity", "Condition": {"StringEquals": {"jwt:groups": "staff"}}`, 1)
	r := mustParse(t, text).roles["r"]
	for _, c := range []struct {
		provider string
		groups   []string
		want     bool
	}{{"dinamis", []string{"users", "staff"}, true}, {"dinamis", []string{"users"}, false}, {"dinamis", nil, false}, {"other", []string{"staff"}, false}} {
		if got := r.mayAssume([]string{c.provider}, Claims{"groups": c.groups}); got != c.want {
			t.Errorf("%v: %v", c, got)
		}
	}
}

// word draws text with the characters that matter to patterns, paths and variables.
func word(label string) func(*rapid.T) string {
	g := rapid.StringOfN(rapid.RuneFrom([]rune("ab*?/.$}{é\\\n ")), 0, 6, -1)
	return func(t *rapid.T) string { return g.Draw(t, label) }
}

// A user whose name is anything at all reads and writes in one folder: the one with that very name.
func TestVariablesNeverWiden(t *testing.T) {
	p := DefaultPolicies("b")
	rapid.Check(t, func(t *rapid.T) {
		name, key := word("name")(t), word("key")(t)
		if rapid.Bool().Draw(t, "near") {
			key = "users/" + rapid.SampledFrom([]string{name, word("other")(t)}).Draw(t, "folder") + "/" + key
		}
		claims := Claims{"preferred_username": {name}}
		if rapid.Bool().Draw(t, "twice") {
			claims["preferred_username"] = append(claims["preferred_username"], "a")
		}
		err := p.Authorize(Request{Role: DefaultRole, Claims: claims, Action: "s3:PutObject", Resource: ResourceARN("b", key)})
		plain := name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "*?/$\\\n")
		if want := len(claims["preferred_username"]) == 1 && plain && strings.HasPrefix(key, "users/"+name+"/"); (err == nil) != want {
			t.Fatalf("the user %q on %q: %v", name, key, err)
		}
	})
}

// A Deny wins wherever it stands, and adding one never gives a right; an Allow never takes one.
func TestDenyWins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		resource := func() string {
			return "arn:aws:s3:::b/" + strings.NewReplacer("$", "", "{", "", "}", "").Replace(word("resource")(t))
		}
		rule := func() string {
			return statementOf(rapid.SampledFrom([]string{"Allow", "Deny"}).Draw(t, "effect"), rapid.SampledFrom([]string{"s3:GetObject", "s3:*", "s3:PutObject"}).Draw(t, "action"), resource(), "")
		}
		var rules []string
		for range rapid.IntRange(1, 5).Draw(t, "n") {
			rules = append(rules, rule())
		}
		q := Request{Role: "r", Action: "s3:GetObject", Resource: "arn:aws:s3:::b/" + word("key")(t)}
		before := mustParse(t, document(rules...)).Authorize(q) == nil
		more := resource()
		denied := mustParse(t, document(append(rules, statementOf("Deny", "s3:*", more, ""))...)).Authorize(q) == nil
		allowed := mustParse(t, document(append(rules, statementOf("Allow", "s3:*", more, ""))...)).Authorize(q) == nil
		if denied && !before || before && !allowed {
			t.Fatal("a Deny gave, or an Allow took")
		}
		if mustParse(t, document(append([]string{statementOf("Deny", "s3:GetObject", "*", "")}, rules...)...)).Authorize(q) == nil {
			t.Fatal("a Deny of everything did not win")
		}
	})
}

// The matcher is held against the plain recursive definition of it.
func TestPatterns(t *testing.T) {
	var match func(p, s []rune) bool
	match = func(p, s []rune) bool {
		switch {
		case len(p) == 0:
			return len(s) == 0
		case p[0] == '*':
			return match(p[1:], s) || len(s) > 0 && match(p, s[1:])
		}
		return len(s) > 0 && (p[0] == '?' || p[0] == s[0]) && match(p[1:], s[1:])
	}
	g := rapid.StringOfN(rapid.RuneFrom([]rune("aé*?/")), 0, 10, -1)
	rapid.Check(t, func(t *rapid.T) {
		p, s := []rune(g.Draw(t, "pattern")), g.Draw(t, "text")
		if got, want := (pattern{text: p}).match(s), match(p, []rune(s)); got != want {
			t.Fatalf("%q on %q: %v", string(p), s, got)
		}
	})
}

func FuzzParsePolicies(f *testing.F) {
	f.Add(DefaultPoliciesJSON("dinamis"))
	f.Add([]byte(document(statementOf("Deny", "s3:*", "arn:aws:s3:::b/${jwt:sub}/${*}", `, "Condition": {"ForAllValues:StringLike": {"jwt:groups": ["a*", "${jwt:x}"]}}`))))
	f.Add([]byte(`{"Roles": [{"RoleName": "x", "AssumeRolePolicyDocument": {"Statement": {}}}]}`))
	f.Add([]byte(`{"Roles": [{"Policies": [{"Statement": [null, []]}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParsePolicies(b)
		if err != nil {
			return
		}
		for _, name := range p.Roles() {
			_ = p.Authorize(Request{Role: name, Claims: Claims{"sub": {"x"}}, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"})
			// Nobody without a role has a right.
			if p.Authorize(Request{Role: name + "?", Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"}) == nil && p.roles[name+"?"] == nil {
				t.Fatal("a role that isn't there has rights")
			}
		}
	})
}
