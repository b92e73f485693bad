// Command dinamis-bench measures what the program does on this machine, as ratios against a named peer where there is one, and
// prints a FIGURE line for each. `make bench` runs it.
//
// It only measures: a figure that falls short is printed as "short", never hidden, and is no failure.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// figure is one measured value beside its target.
type figure struct {
	name   string // area/what
	value  float64
	unit   string
	op     string // ">=" or "<="
	target float64
	peer   string // the peer's own figure of the same run, or the conditions
}

func (f figure) String() string {
	verdict := "short"
	if f.op == ">=" && f.value >= f.target || f.op == "<=" && f.value <= f.target {
		verdict = "ok"
	}
	s := fmt.Sprintf("FIGURE %s %s %s target %s %s %s", f.name, number(f.value), f.unit, f.op, number(f.target), verdict)
	if f.peer != "" {
		s += " (" + f.peer + ")"
	}
	return s
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

// area measures one part and reports each figure as soon as it has it.
type area struct {
	name string
	run  func(ctx context.Context, report func(figure)) error
}

func areas() []area {
	return []area{
		{"server", benchServer},
		{"catalog", benchCatalog},
		{"download", benchDownload},
		{"sign", benchSign},
		{"ui", benchUI},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "dinamis-bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, wanted []string) error {
	var names []string
	for _, a := range areas() {
		names = append(names, a.name)
	}
	for _, w := range wanted {
		if !slices.Contains(names, w) {
			return fmt.Errorf("no area is named %q; there is %s", w, strings.Join(names, ", "))
		}
	}
	for _, a := range areas() {
		if len(wanted) > 0 && !slices.Contains(wanted, a.name) {
			continue
		}
		if err := a.run(ctx, func(f figure) { fmt.Println(f) }); err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
	}
	return nil
}
