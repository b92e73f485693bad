// Package idptest runs an identity provider for tests, and a scripted browser that logs in at it as a person would: it reads
// pages, fills forms and follows redirects.
//
// Nothing here may be imported by a program that is shipped.
package idptest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/html"
)

// maxSteps bounds the pages of one login.
const maxSteps = 12

// Browser is a person with a browser. The zero value of the fields that aren't set does the usual thing.
type Browser struct {
	Username, Password string
	// Deny refuses the device, or cancels the login.
	Deny bool
	// Jar keeps cookies between uses; nil starts with none each time.
	Jar http.CookieJar
	// Language is sent as Accept-Language; empty means "en".
	Language string
	// Visit, if set, is called with each page's status and text.
	Visit func(status int, page string)
}

// Open fetches address and goes through all pages until there is no form left. It fails if the last page isn't
// 200, which a wrong password is.
func (b Browser) Open(address string) error {
	_, err := b.Walk(address)
	return err
}

// Page is where a walk ended.
type Page struct {
	URL    *url.URL
	Status int
	Text   string
}

// Walk is Open, and returns the last page.
func (b Browser) Walk(address string) (Page, error) {
	jar := b.Jar
	if jar == nil {
		jar, _ = cookiejar.New(nil) // It can't fail without options.
	}
	c := &http.Client{Jar: jar, Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	req, err := http.NewRequest(http.MethodGet, address, nil)
	for range maxSteps {
		if err != nil {
			return Page{}, err
		}
		p, err2 := b.load(c, req)
		if err2 != nil {
			return p, err2
		}
		if p.Status >= 400 {
			return p, fmt.Errorf("%s answered %d", p.URL.Path, p.Status)
		}
		form, ok := findForm(p.Text)
		if !ok {
			return p, nil
		}
		req, err = b.fill(p.URL, form)
	}
	return Page{}, errors.New("the login doesn't come to an end")
}

func (b Browser) load(c *http.Client, req *http.Request) (Page, error) {
	lang := b.Language
	if lang == "" {
		lang = "en"
	}
	req.Header.Set("Accept-Language", lang)
	req.Header.Set("Accept", "text/html")
	resp, err := c.Do(req)
	if err != nil {
		return Page{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if b.Visit != nil {
		b.Visit(resp.StatusCode, string(text))
	}
	return Page{URL: resp.Request.URL, Status: resp.StatusCode, Text: string(text)}, err
}

// form is what a page wants to know.
type form struct {
	action string
	fields url.Values
	// buttons are the named buttons, which are sent only when pressed.
	buttons url.Values
}

func (b Browser) fill(base *url.URL, f form) (*http.Request, error) {
	for name, value := range map[string]string{"username": b.Username, "password": b.Password} {
		if _, ok := f.fields[name]; ok {
			f.fields.Set(name, value)
		}
	}
	switch {
	case f.buttons.Has("decision") && b.Deny:
		f.fields.Set("decision", "deny")
	case f.buttons.Has("decision"):
		f.fields.Set("decision", "allow")
	case f.buttons.Has("cancel") && b.Deny && b.Username == "":
		f.fields.Set("cancel", "1")
	}
	to, err := base.Parse(f.action)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest(http.MethodPost, to.String(), strings.NewReader(f.fields.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", to.Scheme+"://"+to.Host)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return req, nil
}

// findForm returns the first form that is posted.
func findForm(page string) (form, bool) {
	f := form{fields: url.Values{}, buttons: url.Values{}}
	in := false
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return f, false
		case html.EndTagToken:
			if in && z.Token().Data == "form" {
				return f, true
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			switch {
			case t.Data == "form" && strings.EqualFold(attr(t, "method"), "post"):
				in, f.action = true, attr(t, "action")
			case in && t.Data == "input":
				f.fields.Add(attr(t, "name"), attr(t, "value"))
			case in && t.Data == "button" && attr(t, "name") != "":
				f.buttons.Add(attr(t, "name"), attr(t, "value"))
			}
		}
	}
}

func attr(t html.Token, key string) string {
	for _, a := range t.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}
