package catalog

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/jsonscan"
)

// Words splits s into the words that free text is compared by: runs of letters and digits, without accents and case.
// Whatever else there is separates, so that the parts of "SPOT6_MS_2022" are words.
func Words(s string) []string {
	return strings.FieldsFunc(fold(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
}

// fold strips accents and case.
func fold(s string) string {
	ascii := true
	for i := 0; i < len(s) && ascii; i++ {
		ascii = s[i] < 0x80
	}
	if ascii {
		return strings.ToLower(s)
	}
	s = cases.Fold().String(norm.NFKD.String(s))
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFKD.String(s))
}

// Words returns the words of an item that free text searches: of its id, title, description and keywords.
func (it Item) Words() []string {
	words := append(Words(string(it.Key.Item)), Words(it.Title)...)
	eachMember(jsonscan.Get(it.Raw, "properties"), func(k, v []byte) {
		switch {
		case jsonscan.KeyIs(k, "description"):
			s, _ := jsonscan.StringOf(v)
			words = append(words, Words(s)...)
		case jsonscan.KeyIs(k, "keywords"):
			for _, s := range stringsOf(v) {
				words = append(words, Words(s)...)
			}
		}
	})
	return words
}
