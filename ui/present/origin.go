package present

import (
	"strings"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
)

// OriginBanner says where an answer comes from, as of when, and what may be missing. Empty for a fresh, complete answer.
func (p *Printer) OriginBanner(o catalog.Origin) Banner {
	if o.Kind == catalog.OriginRemote {
		return Banner{}
	}
	var b Banner
	if o.AsOf.IsZero() {
		b.Text = p.T("From your catalogue on this computer")
	} else {
		b.Text = p.T("From your catalogue, as of {when}", "when", p.Moment(o.AsOf))
	}
	switch {
	case o.Complete:
		b.Text += p.T(": complete.")
	case o.Missing.Everything:
		b.Tone = ToneWarning
		b.Text += p.T(": this question was never asked online, so images may be missing.")
	default:
		b.Tone = ToneWarning
		b.Text += p.T(": incomplete; missing: {parts}.", "parts", p.missing(o.Missing))
	}
	if o.Cause != nil {
		why := p.Explain(o.Cause)
		b.Text = why.Text + " " + b.Text
		b.Tone, b.Action = ToneWarning, why.Action
	}
	return b
}

func (p *Printer) missing(m catalog.Missing) string {
	var parts []string
	if len(m.Collections) > 0 {
		ids := make([]string, len(m.Collections))
		for i, c := range m.Collections {
			ids[i] = string(c)
		}
		parts = append(parts, strings.Join(ids, ", "))
	}
	for _, part := range []struct {
		is   bool
		text string
	}{
		{m.Area, p.T("part of the area")},
		{m.Time, p.T("part of the dates")},
		{m.Filter, p.T("images that an earlier filter left out")},
		{m.Pages, p.T("further pages")},
	} {
		if part.is {
			parts = append(parts, part.text)
		}
	}
	if len(parts) == 0 {
		return p.T("unknown")
	}
	return strings.Join(parts, ", ")
}
