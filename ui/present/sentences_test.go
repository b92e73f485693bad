package present_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"
)

// Every kind of every domain has a sentence of its own in both languages; only internal errors share one.
func TestEveryKindHasASentence(t *testing.T) {
	var all []error
	for k := catalog.KindInternal; k.String() != "unknown"; k++ {
		all = append(all, &catalog.Error{Op: "search", Kind: k, Err: errors.New("why")})
	}
	catalogs := len(all)
	for k := auth.KindInternal; k.String() != "unknown"; k++ {
		all = append(all, &auth.Error{Op: "log in", Kind: k, Err: errors.New("why")})
	}
	auths := len(all)
	for k := download.KindInternal; k.String() != "unknown"; k++ {
		all = append(all, &download.Error{Op: "fetch", Kind: k, Err: errors.New("why")})
	}
	if catalogs < 13 || auths-catalogs < 11 || len(all)-auths < 15 {
		t.Fatalf("only %d kinds found", len(all))
	}
	en, fr := printer(t, present.English), printer(t, present.French)
	for i, err := range all {
		a, b := en.Explain(err), fr.Explain(err)
		if a.Text == "" || b.Text == "" || a.Text == b.Text {
			t.Errorf("%v (%T): %q and %q", err, err, a.Text, b.Text)
		}
		internal := i == 0 || i == catalogs || i == auths
		if vague := a.Text == "Something went wrong in the program."; vague != internal {
			t.Errorf("%#v reads %q", err, a.Text)
		}
		if a.Detail == "" {
			t.Errorf("%v has no detail for a report", err)
		}
	}
}

func TestExplainActions(t *testing.T) {
	p := printer(t, present.English)
	for _, c := range []struct {
		err  error
		want present.Action
	}{
		{fmt.Errorf("search: %w", &catalog.Error{Kind: catalog.KindUnavailable}), present.ActionRetry},
		{&catalog.Error{Kind: catalog.KindUnauthorized}, present.ActionLogin},
		{auth.ErrLoginRequired, present.ActionLogin},
		{&download.Error{Kind: download.KindDiskFull}, present.ActionFolder},
		{&download.Error{Kind: download.KindLogin, Err: auth.ErrLoginRequired}, present.ActionLogin},
		{context.DeadlineExceeded, present.ActionRetry},
		{&catalog.Error{Kind: catalog.KindInvalid, Err: errors.New("bbox: south 3 is greater than north 2")}, present.ActionForm},
	} {
		if got := p.Explain(c.err); got.Action != c.want {
			t.Errorf("%v: action %d (%q), want %d", c.err, got.Action, got.Text, c.want)
		}
	}
	if p.Explain(nil) != (present.Problem{}) {
		t.Error("no error is a problem")
	}
	for a := present.ActionRetry; a <= present.ActionDevice; a++ {
		if p.ActionLabel(a) == "" {
			t.Errorf("action %d has no label", a)
		}
	}
}

func TestOriginBanner(t *testing.T) {
	p := printer(t, present.English)
	if b := p.OriginBanner(catalog.Origin{Complete: true}); b.Text != "" {
		t.Errorf("a fresh answer has a banner: %q", b.Text)
	}
	b := p.OriginBanner(catalog.Origin{Kind: catalog.OriginLocal, Complete: true})
	if b.Text != "From your catalogue on this computer: complete." || b.Tone != present.ToneQuiet {
		t.Errorf("%+v", b)
	}
	b = p.OriginBanner(catalog.Origin{
		Kind: catalog.OriginLocal, Missing: catalog.Missing{Area: true, Pages: true, Collections: []catalog.CollectionID{"a"}},
		Cause: &catalog.Error{Kind: catalog.KindUnavailable},
	})
	want := "The service is out of reach. From your catalogue on this computer: incomplete; missing: a, part of the area, further pages."
	if b.Text != want || b.Tone != present.ToneWarning || b.Action != present.ActionRetry {
		t.Errorf("%+v", b)
	}
}
