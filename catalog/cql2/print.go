package cql2

import (
	"strconv"
	"strings"
	"time"
)

// Text prints e as CQL2 text, with no more parentheses than needed. ParseText reads the same tree from it, where e
// came from a parser. A nil e prints as an empty string.
func Text(e Expr) string {
	if e == nil {
		return ""
	}
	var b strings.Builder
	printText(&b, e, precOr)
	return b.String()
}

// printText prints e so that it can stand where operators of precedence prec or tighter are expected.
func printText(b *strings.Builder, e Expr, prec int) {
	switch n := e.(type) {
	case Property:
		b.WriteString(quoteName(n.Name))
	case Bool:
		b.WriteString(strings.ToUpper(strconv.FormatBool(bool(n))))
	case Number:
		b.WriteString(strconv.FormatFloat(float64(n), 'g', -1, 64))
	case String:
		b.WriteString(quoteString(string(n)))
	case Timestamp:
		b.WriteString("TIMESTAMP('" + formatTime(n.Time) + "')")
	case Date:
		b.WriteString("DATE('" + n.Time.UTC().Format(time.DateOnly) + "')")
	case Span:
		b.WriteString("INTERVAL(")
		printEnd(b, n.Start)
		b.WriteString(", ")
		printEnd(b, n.End)
		b.WriteByte(')')
	case Geometry:
		printGeometry(b, n)
	case Array:
		printList(b, n)
	case Call:
		printCall(b, n, prec)
	}
}

func formatTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.999999999Z") }

func printEnd(b *strings.Builder, e Expr) {
	switch n := e.(type) {
	case nil:
		b.WriteString("'..'")
	case Timestamp:
		b.WriteString("'" + formatTime(n.Time) + "'")
	case Date:
		b.WriteString("'" + n.Time.UTC().Format(time.DateOnly) + "'")
	default:
		printText(b, e, precAdd)
	}
}

func printGeometry(b *strings.Builder, g Geometry) {
	if g.BBox == nil {
		b.WriteString(g.Geom.AsText())
		return
	}
	b.WriteString("BBOX(")
	for i, v := range g.BBox {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.FormatFloat(v, 'g', -1, 64))
	}
	b.WriteByte(')')
}

func printList(b *strings.Builder, list []Expr) {
	b.WriteByte('(')
	for i, e := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		printText(b, e, precOr)
	}
	b.WriteByte(')')
}

func printCall(b *strings.Builder, c Call, prec int) {
	own, ok := precedence(c)
	if !ok {
		name := c.Op
		if _, builtin := lookup(name); builtin {
			name = strings.ToUpper(name)
		}
		b.WriteString(name)
		printList(b, c.Args)
		return
	}
	if own < prec {
		b.WriteByte('(')
		defer b.WriteByte(')')
	}
	switch c.Op {
	case "and", "or":
		for i, a := range c.Args {
			if i > 0 {
				b.WriteString(" " + strings.ToUpper(c.Op) + " ")
			}
			printText(b, a, own+1)
		}
	case "not":
		b.WriteString("NOT ")
		printText(b, c.Args[0], precNot)
	case "isNull":
		printText(b, c.Args[0], precAdd)
		b.WriteString(" IS NULL")
	case "between":
		printText(b, c.Args[0], precAdd)
		b.WriteString(" BETWEEN ")
		printText(b, c.Args[1], precAdd)
		b.WriteString(" AND ")
		printText(b, c.Args[2], precAdd)
	default:
		left, right := own, own+1
		switch own {
		case precCompare:
			left = precAdd
		case precPow:
			left, right = precPrimary, precPow
		}
		printText(b, c.Args[0], left)
		b.WriteString(" " + strings.ToUpper(c.Op) + " ")
		printText(b, c.Args[1], right)
	}
}

// precedence returns how tight the infix operator of c binds; false for what is written as a function.
func precedence(c Call) (int, bool) {
	if checkCall(c.Op, c.Args) != nil {
		return 0, false
	}
	switch c.Op {
	case "or":
		return precOr, true
	case "and":
		return precAnd, true
	case "not":
		return precNot, true
	case "=", "<>", "<", ">", "<=", ">=", "like", "between", "in", "isNull":
		return precCompare, true
	case "+", "-":
		return precAdd, true
	case "*", "/", "%", "div":
		return precMul, true
	case "^":
		return precPow, true
	}
	return 0, false
}
