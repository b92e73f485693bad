package cql2

// ParseText reads a filter in CQL2 text (OGC 21-065r2 § 7.1 and annex B). Errors are a *SyntaxError with the byte
// position. Beyond the standard it takes a property alone as a condition, != for <>, and lower-case t and z in times.
func ParseText(src string) (Expr, error) {
	p := parser{src: src}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.tok.kind == tokEnd {
		return nil, syntaxAt(0, "the filter is empty; write a condition such as \"eo:cloud_cover\" < 10")
	}
	e, err := p.expr(precOr)
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokEnd {
		return nil, p.unexpected("AND, OR, a comparison or the end")
	}
	if tooDeep(e, MaxDepth) {
		return nil, syntaxAt(0, "the filter nests deeper than %d levels", MaxDepth)
	}
	if c := classOf(e); c&(isBool|isAny) == 0 {
		return nil, syntaxAt(0, "the filter is %s; it must be a condition such as \"eo:cloud_cover\" < 10", c.words())
	}
	return e, nil
}

// Precedences, from loose to tight.
const (
	precOr = iota
	precAnd
	precNot
	precCompare
	precAdd
	precMul
	precPow
	precPrimary
)

type parser struct {
	src   string
	tok   token
	last  int // where the token before tok ended
	depth int
	group group
}

// group is the last pair of parentheses that held a single expression, to tell the array ('a') from 'a' where an
// array can stand: where it is, and how many pairs stand directly within each other.
type group struct{ pos, end, pairs int }

// closed returns how many pairs of parentheses make up the whole of the expression just read, which began at start.
func (p *parser) closed(start int) int {
	if p.group.pairs > 0 && p.group.pos == start && p.group.end == p.last {
		return p.group.pairs
	}
	return 0
}

func (p *parser) advance() error {
	p.last = p.tok.end
	t, err := next(p.src, p.tok.end)
	if err != nil {
		return err
	}
	p.tok = t
	return nil
}

func (p *parser) unexpected(want string) error {
	return syntaxAt(p.tok.pos, "expected %s, not %s", want, p.tok)
}

// accept steps over the keyword or sign, if it is there.
func (p *parser) accept(t string) (bool, error) {
	if !p.tok.sign(t) && !p.tok.word(t) {
		return false, nil
	}
	return true, p.advance()
}

func (p *parser) expect(sign, after string) error {
	ok, err := p.accept(sign)
	if err == nil && !ok {
		err = p.unexpected(`"` + sign + `" ` + after)
	}
	return err
}

// call makes a Call, or says which argument doesn't fit: at holds the position of each.
func (p *parser) call(op string, at []int, args ...Expr) (Expr, error) {
	if bad := checkCall(op, args); bad != nil {
		pos := at[0]
		if bad.arg >= 0 && bad.arg < len(at) {
			pos = at[bad.arg]
		}
		return nil, syntaxAt(pos, "%s", bad.msg)
	}
	return Call{Op: op, Args: args}, nil
}

func (p *parser) enter() error {
	p.depth++
	if p.depth > 3*MaxDepth { // parentheses and NOT may stand around every level of the tree
		return syntaxAt(p.tok.pos, "the filter nests deeper than %d levels", MaxDepth)
	}
	return nil
}

// expr reads an expression whose operators bind at least as tight as prec.
func (p *parser) expr(prec int) (Expr, error) {
	switch prec {
	case precOr:
		return p.logical("or", precAnd)
	case precAnd:
		return p.logical("and", precNot)
	case precNot:
		return p.negation()
	}
	return p.comparison()
}

func (p *parser) logical(op string, tighter int) (Expr, error) {
	at := []int{p.tok.pos}
	first, err := p.expr(tighter)
	if err != nil {
		return nil, err
	}
	args := []Expr{first}
	for {
		ok, err := p.accept(op)
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		at = append(at, p.tok.pos)
		e, err := p.expr(tighter)
		if err != nil {
			return nil, err
		}
		args = append(args, e)
	}
	if len(args) == 1 {
		return first, nil
	}
	return p.call(op, at, args...)
}

func (p *parser) negation() (Expr, error) {
	ok, err := p.accept("not")
	if err != nil {
		return nil, err
	}
	if !ok {
		return p.comparison()
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	at := p.tok.pos
	e, err := p.expr(precNot)
	if err != nil {
		return nil, err
	}
	return p.call("not", []int{at}, e)
}

func (p *parser) comparison() (Expr, error) {
	at := p.tok.pos
	left, err := p.sum()
	if err != nil {
		return nil, err
	}
	if p.tok.kind == tokSign {
		switch op := canonical(p.tok.text); op {
		case "=", "<>", "<", ">", "<=", ">=":
			if err := p.advance(); err != nil {
				return nil, err
			}
			right := p.tok.pos
			e, err := p.sum()
			if err != nil {
				return nil, err
			}
			return p.call(op, []int{at, right}, left, e)
		}
		return left, nil
	}
	if p.tok.word("is") {
		return p.isNull(at, left)
	}
	negated, err := p.accept("not")
	if err != nil {
		return nil, err
	}
	var e Expr
	switch {
	case p.tok.word("like"):
		e, err = p.like(at, left)
	case p.tok.word("between"):
		e, err = p.between(at, left)
	case p.tok.word("in"):
		e, err = p.in(at, left)
	case negated:
		return nil, p.unexpected("LIKE, BETWEEN or IN after NOT")
	default:
		return left, nil
	}
	if err == nil && negated {
		e = Call{Op: "not", Args: []Expr{e}}
	}
	return e, err
}

func (p *parser) isNull(at int, left Expr) (Expr, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	negated, err := p.accept("not")
	if err != nil {
		return nil, err
	}
	if ok, err := p.accept("null"); err != nil || !ok {
		if err == nil {
			err = p.unexpected("NULL or NOT NULL after IS")
		}
		return nil, err
	}
	e, err := p.call("isNull", []int{at}, left)
	if err == nil && negated {
		e = Call{Op: "not", Args: []Expr{e}}
	}
	return e, err
}

func (p *parser) like(at int, left Expr) (Expr, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	right := p.tok.pos
	e, err := p.sum()
	if err != nil {
		return nil, err
	}
	return p.call("like", []int{at, right}, left, e)
}

func (p *parser) between(at int, left Expr) (Expr, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	lowAt := p.tok.pos
	low, err := p.sum()
	if err != nil {
		return nil, err
	}
	if ok, err := p.accept("and"); err != nil || !ok {
		if err == nil {
			err = p.unexpected("AND between the two bounds of BETWEEN")
		}
		return nil, err
	}
	highAt := p.tok.pos
	high, err := p.sum()
	if err != nil {
		return nil, err
	}
	return p.call("between", []int{at, lowAt, highAt}, left, low, high)
}

func (p *parser) in(at int, left Expr) (Expr, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	listAt := p.tok.pos
	if err := p.expect("(", "after IN"); err != nil {
		return nil, err
	}
	list, err := p.list(nil)
	if err != nil {
		return nil, err
	}
	return p.call("in", []int{at, listAt}, left, Array(list))
}

// list reads the rest of a list up to its closing parenthesis, after the elements that have been read.
func (p *parser) list(have []Expr) ([]Expr, error) {
	if len(have) == 0 && p.tok.sign(")") {
		return []Expr{}, p.advance()
	}
	for {
		if len(have) > 0 {
			if ok, err := p.accept(")"); ok || err != nil {
				return have, err
			}
			if err := p.expect(",", `or ")" in the list`); err != nil {
				return nil, err
			}
		}
		e, err := p.element()
		if err != nil {
			return nil, err
		}
		have = append(have, e)
	}
}

// element reads an expression where parentheses around a single one make an array.
func (p *parser) element() (Expr, error) {
	start := p.tok.pos
	e, err := p.expr(precOr)
	if err == nil {
		e = nest(e, p.closed(start))
	}
	return e, err
}

// nest wraps e into n arrays.
func nest(e Expr, n int) Expr {
	for range n {
		e = Array{e}
	}
	return e
}

// sum, product and power read arithmetic; all operators group from the left but ^.
func (p *parser) sum() (Expr, error)     { return p.leftAssoc(p.product, "+", "-") }
func (p *parser) product() (Expr, error) { return p.leftAssoc(p.power, "*", "/", "%", "div") }

func (p *parser) leftAssoc(tighter func() (Expr, error), ops ...string) (Expr, error) {
	at := p.tok.pos
	left, err := tighter()
	if err != nil {
		return nil, err
	}
	for n := 0; ; n++ {
		op := ""
		for _, o := range ops {
			if p.tok.sign(o) || p.tok.word(o) {
				op = o
			}
		}
		if op == "" {
			return left, nil
		}
		if n >= MaxDepth { // each turn makes the tree one level deeper
			return nil, syntaxAt(p.tok.pos, "the filter nests deeper than %d levels", MaxDepth)
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
		rightAt := p.tok.pos
		right, err := tighter()
		if err != nil {
			return nil, err
		}
		if left, err = p.call(op, []int{at, rightAt}, left, right); err != nil {
			return nil, err
		}
	}
}

func (p *parser) power() (Expr, error) {
	at := p.tok.pos
	base, err := p.primary()
	if err != nil || !p.tok.sign("^") {
		return base, err
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	if err := p.advance(); err != nil {
		return nil, err
	}
	expAt := p.tok.pos
	exp, err := p.power()
	if err != nil {
		return nil, err
	}
	return p.call("^", []int{at, expAt}, base, exp)
}
