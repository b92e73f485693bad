package present_test

import (
	"testing"

	"go.uber.org/goleak"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/assets"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func printer(t testing.TB, l present.Language) *present.Printer {
	t.Helper()
	p, err := present.NewPrinter(assets.Translations, "translations", l)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
