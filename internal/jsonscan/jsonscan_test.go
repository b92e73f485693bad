package jsonscan

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzWalk compares the walk with encoding/json on valid text, and asks only for an end on any other.
func FuzzWalk(f *testing.F) {
	for _, s := range []string{
		`{"a":1,"b":[1,"x\"]",{"c":null}],"a":"é"}`, `[]`, `{}`, ` { "k" : [ 1 , 2 ] } `, `"just text"`, `{"\u0061":true}`, `{"a"`, `[[[`, `{"a":}`, ``,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if !json.Valid(b) {
			EachMember(b, 0, func(m Member) { _ = b[m.Start:m.End] })
			EachElement(b, func(v []byte) bool { return len(v) >= 0 })
			return
		}
		var want map[string]json.RawMessage
		if json.Unmarshal(b, &want) == nil && want != nil {
			got := map[string]json.RawMessage{}
			EachMember(b, 0, func(m Member) {
				k, ok := StringOf(m.Key)
				if !ok {
					t.Fatalf("the key %q is no text", m.Key)
				}
				got[k] = b[m.Start:m.End]
			})
			if len(got) != len(want) {
				t.Fatalf("%d members, encoding/json has %d", len(got), len(want))
			}
			for k, v := range want {
				if !bytes.Equal(got[k], v) || !bytes.Equal(Get(b, k), v) {
					t.Fatalf("%q is %q, encoding/json has %q", k, got[k], v)
				}
			}
		}
		var list []json.RawMessage
		if json.Unmarshal(b, &list) == nil {
			i := 0
			EachElement(b, func(v []byte) bool {
				if i >= len(list) || !bytes.Equal(v, list[i]) {
					t.Fatalf("element %d is %q", i, v)
				}
				i++
				return true
			})
			if i != len(list) {
				t.Fatalf("%d elements, encoding/json has %d", i, len(list))
			}
		}
	})
}

func TestAppendString(t *testing.T) {
	for _, s := range []string{"", "plain", "é \" \\ \n \x00 ü", "</script>"} {
		var back string
		if err := json.Unmarshal(AppendString(nil, s), &back); err != nil || back != s {
			t.Errorf("%q came back as %q: %v", s, back, err)
		}
	}
}
