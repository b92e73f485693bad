package cql2

import (
	"fmt"
	"strings"
)

// MaxDepth bounds how deep a filter may nest: deeper ones are refused by the parsers.
const MaxDepth = 100

// SyntaxError says where a filter is wrong and what would be right.
type SyntaxError struct {
	// Pos is where: "position 12" (in bytes, from 1) for text, "filter.args[0]" for JSON.
	Pos string
	Msg string
}

func (e *SyntaxError) Error() string { return e.Pos + ": " + e.Msg }

// class says what an expression evaluates to, as far as the tree alone tells.
type class uint8

const (
	isBool class = 1 << iota
	isNumber
	isString
	isInstant
	isSpan
	isGeom
	isArray
	isAny // a property or a function: known when it is evaluated

	isScalar = isBool | isNumber | isString | isInstant | isAny
	isAll    = isScalar | isSpan | isGeom | isArray
)

// operator describes one built-in operator: how many arguments of which classes it takes, and what it gives.
type operator struct {
	args  []class // one entry per argument; for variadic operators the entry of all of them
	most  int     // 0: exactly len(args)
	gives class
}

// operators returns the built-in operators under their names in CQL2 JSON.
func lookup(op string) (operator, bool) {
	switch op {
	case "and", "or":
		return operator{args: []class{isBool | isAny, isBool | isAny}, most: 1 << 20, gives: isBool}, true
	case "not":
		return operator{args: []class{isBool | isAny}, gives: isBool}, true
	case "=", "<>", "<", ">", "<=", ">=":
		return operator{args: []class{isScalar, isScalar}, gives: isBool}, true
	case "like":
		return operator{args: []class{isString | isAny, isString | isAny}, gives: isBool}, true
	case "between":
		c := isNumber | isString | isInstant | isAny
		return operator{args: []class{c, c, c}, gives: isBool}, true
	case "in":
		return operator{args: []class{isScalar, isArray}, gives: isBool}, true
	case "isNull":
		return operator{args: []class{isAll &^ isArray}, gives: isBool}, true
	case "casei", "accenti":
		return operator{args: []class{isString | isAny}, gives: isString}, true
	case "+", "-", "*", "/", "%", "div", "^":
		return operator{args: []class{isNumber | isAny, isNumber | isAny}, gives: isNumber}, true
	}
	switch {
	case spatialOps[op] != nil:
		return operator{args: []class{isGeom | isAny, isGeom | isAny}, gives: isBool}, true
	case temporalOps[op] != nil:
		c := isInstant | isSpan | isString | isAny
		return operator{args: []class{c, c}, gives: isBool}, true
	case arrayOps[op] != nil:
		return operator{args: []class{isArray | isAny, isArray | isAny}, gives: isBool}, true
	}
	return operator{}, false
}

// classOf returns the class of e.
func classOf(e Expr) class {
	switch n := e.(type) {
	case Bool:
		return isBool
	case Number:
		return isNumber
	case String:
		return isString
	case Timestamp, Date:
		return isInstant
	case Span:
		return isSpan
	case Geometry:
		return isGeom
	case Array:
		return isArray
	case Call:
		if o, ok := lookup(n.Op); ok {
			return o.gives
		}
	}
	return isAny
}

// argError says which argument of an operator is wrong; arg is -1 for their number.
type argError struct {
	arg int
	msg string
}

// checkCall returns nil where the arguments fit the operator. A function takes whatever it gets.
func checkCall(op string, args []Expr) *argError {
	o, ok := lookup(op)
	if !ok {
		return nil
	}
	most := max(o.most, len(o.args))
	if len(args) < len(o.args) || len(args) > most {
		want := fmt.Sprint(len(o.args))
		if o.most > 0 {
			want += " or more"
		}
		return &argError{-1, fmt.Sprintf("%s takes %s arguments, not %d", op, want, len(args))}
	}
	for i, a := range args {
		want := o.args[min(i, len(o.args)-1)]
		if got := classOf(a); got&want == 0 {
			return &argError{i, fmt.Sprintf("argument %d of %s is %s; it takes %s", i+1, op, got.words(), want.words())}
		}
	}
	if op == "in" {
		for _, a := range args[1].(Array) {
			if classOf(a)&isScalar == 0 {
				return &argError{1, fmt.Sprintf("the list of in holds %s; it takes single values", classOf(a).words())}
			}
		}
	}
	return nil
}

// words names the classes: "a number or a property".
func (c class) words() string {
	names := []struct {
		c class
		s string
	}{
		{isBool, "a condition"},
		{isNumber, "a number"},
		{isString, "a string"},
		{isInstant, "a date or timestamp"},
		{isSpan, "an interval"},
		{isGeom, "a geometry"},
		{isArray, "an array"},
		{isAny, "a property"},
	}
	var have []string
	for _, n := range names {
		if c&n.c != 0 {
			have = append(have, n.s)
		}
	}
	if len(have) < 2 {
		return strings.Join(have, "")
	}
	return strings.Join(have[:len(have)-1], ", ") + " or " + have[len(have)-1]
}

// Check returns an error that names the first operator or function that Eval doesn't know, or whose arguments don't
// fit. What the parsers return can only fail for a function: the Functions conformance class is not offered.
func Check(e Expr) error {
	if e == nil {
		return nil
	}
	if classOf(e)&(isBool|isAny) == 0 {
		return fmt.Errorf("the filter is %s; it must be a condition", classOf(e).words())
	}
	var first error
	walk(e, func(n Expr) {
		c, ok := n.(Call)
		if !ok || first != nil {
			return
		}
		if _, known := lookup(c.Op); !known {
			first = fmt.Errorf("there is no function %q", c.Op)
		} else if err := checkCall(c.Op, c.Args); err != nil {
			first = fmt.Errorf("%s", err.msg)
		}
	})
	return first
}

// canonical returns the name in CQL2 JSON of an operator that was written in another case, or with the name that
// an earlier draft had for it. Any other name is a function's and stays as it is.
func canonical(op string) string {
	low := strings.ToLower(op)
	if c, ok := aliases[low]; ok {
		return c
	}
	if _, ok := lookup(low); ok {
		return low
	}
	return op
}

// aliases maps lower-case names to the final ones: those with a capital inside, and those of the drafts of CQL2 and
// of CQL-JSON, which clients still send.
var aliases = map[string]string{
	"isnull": "isNull", "t_finishedby": "t_finishedBy", "t_metby": "t_metBy",
	"t_overlappedby": "t_overlappedBy", "t_startedby": "t_startedBy", "a_containedby": "a_containedBy",

	"eq": "=", "==": "=", "neq": "<>", "ne": "<>", "!=": "<>", "lt": "<", "lte": "<=", "le": "<=", "gt": ">", "gte": ">=", "ge": ">=",
	"mod": "%", "add": "+", "sub": "-", "mul": "*",
	"intersects": "s_intersects", "within": "s_within", "contains": "s_contains", "disjoint": "s_disjoint",
	"equals": "s_equals", "touches": "s_touches", "crosses": "s_crosses", "overlaps": "s_overlaps",
	"anyinteracts": "t_intersects", "t_anyinteracts": "t_intersects", "before": "t_before", "after": "t_after",
	"during": "t_during", "tequals": "t_equals", "tintersects": "t_intersects", "toverlaps": "t_overlaps",
	"meets": "t_meets", "metby": "t_metBy", "begins": "t_starts", "begunby": "t_startedBy", "ends": "t_finishes",
	"endedby": "t_finishedBy", "acontains": "a_contains", "containedby": "a_containedBy", "aequals": "a_equals",
	"aoverlaps": "a_overlaps",
}
