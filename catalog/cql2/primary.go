package cql2

import (
	"strings"

	"github.com/peterstace/simplefeatures/geom"
)

// primary reads what no operator is in: a literal, a property, a function or what stands in parentheses.
func (p *parser) primary() (Expr, error) {
	t := p.tok
	switch t.kind {
	case tokNumber:
		return Number(t.num), p.advance()
	case tokString:
		return String(t.text), p.advance()
	case tokName:
		return Property{Name: t.text}, p.advance()
	case tokWord:
		return p.word()
	case tokSign:
		switch t.text {
		case "(":
			return p.parens()
		case "-", "+":
			return p.signed()
		}
	}
	return nil, p.unexpected("a value, a property or a condition")
}

func (p *parser) signed() (Expr, error) {
	sign := p.tok
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.tok.kind != tokNumber {
		return nil, p.unexpected("a number after the sign " + sign.text)
	}
	n := p.tok.num
	if sign.text == "-" {
		n = -n
	}
	return Number(n), p.advance()
}

// parens reads a grouped expression, or an array.
func (p *parser) parens() (Expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	open := p.tok.pos
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.tok.sign(")") {
		return Array{}, p.advance()
	}
	start := p.tok.pos
	e, err := p.expr(precOr)
	if err != nil {
		return nil, err
	}
	within := p.closed(start)
	if p.tok.sign(",") {
		list, err := p.list([]Expr{nest(e, within)})
		return Array(list), err
	}
	if !p.tok.sign(")") {
		return nil, p.unexpected(`")" to close the one at ` + syntaxAt(open, "").(*SyntaxError).Pos)
	}
	p.group = group{pos: open, end: p.tok.end, pairs: within + 1}
	return e, p.advance()
}

// word reads what begins with a word: a literal, a function or a property.
func (p *parser) word() (Expr, error) {
	t := p.tok
	switch low := strings.ToLower(t.text); low {
	case "true", "false":
		return Bool(low == "true"), p.advance()
	case "null":
		return nil, syntaxAt(t.pos, "NULL is no value to compare with; write IS NULL or IS NOT NULL")
	case "and", "or", "not", "in", "like", "between", "is", "div":
		return nil, p.unexpected("a value, a property or a condition")
	}
	after, err := next(p.src, t.end)
	if err != nil {
		return nil, err
	}
	if geometryWord(t.text) && (after.sign("(") || after.word("z") || after.word("m") || after.word("zm") || after.word("empty")) {
		return p.wkt()
	}
	if !after.sign("(") {
		return Property{Name: t.text}, p.advance()
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	return p.function(t)
}

// function reads the arguments of a function, an operator in the form of one, or a literal in the form of one, after "(".
func (p *parser) function(name token) (Expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	switch strings.ToLower(name.text) {
	case "date", "timestamp":
		return p.instant(strings.ToLower(name.text))
	case "interval":
		return p.interval()
	case "bbox":
		return p.bbox(name.pos)
	}
	op := canonical(name.text)
	_, builtin := lookup(op)
	args, at := []Expr{}, []int{}
	for !p.tok.sign(")") {
		if len(args) > 0 {
			if err := p.expect(",", "or \")\" in the arguments of "+name.text); err != nil {
				return nil, err
			}
		}
		at = append(at, p.tok.pos)
		read := p.element
		if builtin && arrayOps[op] == nil {
			read = func() (Expr, error) { return p.expr(precOr) }
		}
		e, err := read()
		if err != nil {
			return nil, err
		}
		args = append(args, e)
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	return p.call(op, append(at, name.pos), args...)
}

func geometryWord(w string) bool {
	switch strings.ToLower(w) {
	case "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection":
		return true
	}
	return false
}

// wkt reads a geometry literal: from its word to the parenthesis that closes it.
func (p *parser) wkt() (Expr, error) {
	start, depth := p.tok.pos, 0
	for {
		if p.tok.kind == tokEnd {
			return nil, syntaxAt(start, "the geometry that begins here is not closed")
		}
		switch {
		case p.tok.sign("("):
			depth++
		case p.tok.sign(")"):
			depth--
		}
		done := depth == 0 && (p.tok.sign(")") || p.tok.word("empty"))
		if depth > MaxDepth {
			return nil, syntaxAt(start, "the geometry nests too deep")
		}
		end := p.tok.end
		if err := p.advance(); err != nil {
			return nil, err
		}
		if !done {
			continue
		}
		g, err := geom.UnmarshalWKT(p.src[start:end])
		if err == nil && g.IsEmpty() {
			return nil, syntaxAt(start, "the geometry is empty")
		}
		if err != nil {
			return nil, syntaxAt(start, "the geometry is not valid WKT: %v", err)
		}
		return Geometry{Geom: g}, nil
	}
}
