package oidc

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"

	"golang.org/x/text/language"
)

//go:embed page.html
var pageSource string

// page is one of the answers to the browser.
type page uint8

const (
	pageDone page = iota
	pageFailed
	pageForeign
)

type pageText struct{ Title, Text string }

func pageTexts(fr bool) [3]pageText {
	if fr {
		return [3]pageText{
			{"Vous êtes connecté", "Vous pouvez fermer cet onglet et retourner à DINAMIS Desktop."},
			{"La connexion a échoué", "Retournez à DINAMIS Desktop ; vous pouvez fermer cet onglet."},
			{"Cette réponse n’est pas attendue", "Elle n’appartient à aucune connexion en cours. Fermez cet onglet et recommencez depuis DINAMIS Desktop."},
		}
	}
	return [3]pageText{
		{"You are logged in", "You can close this tab and go back to DINAMIS Desktop."},
		{"The login failed", "Go back to DINAMIS Desktop; you can close this tab."},
		{"This answer is not expected", "It belongs to no login that is under way. Close this tab and start again from DINAMIS Desktop."},
	}
}

// showPage answers in the language of the browser. detail is shown as text.
func showPage(w http.ResponseWriter, r *http.Request, status int, p page, detail string) {
	want, _, _ := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	_, i, _ := language.NewMatcher([]language.Tag{language.English, language.French}).Match(want...)
	d := struct {
		pageText
		Lang, Detail string
		Bad          bool
	}{pageTexts(i == 1)[p], [2]string{"en", "fr"}[i], detail, p != pageDone}
	var b bytes.Buffer
	t, err := template.New("page").Parse(pageSource)
	if err == nil {
		err = t.Execute(&b, d)
	}
	if err != nil {
		http.Error(w, d.Title, http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Connection", "close")
	w.WriteHeader(status)
	w.Write(b.Bytes()) //nolint:errcheck // the browser is gone
}
