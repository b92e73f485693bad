package signing

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strings"
)

//go:embed openapi.json
var openAPITemplate []byte

//go:embed docs.html
var docsTemplate string

// openAPI returns the description of the API with the addresses of this one in it. The SDKs read nothing but tokenUrl.
func openAPI(cfg Config) ([]byte, error) {
	var doc struct {
		OpenAPI    string          `json:"openapi"`
		Info       json.RawMessage `json:"info"`
		Servers    []any           `json:"servers"`
		Paths      json.RawMessage `json:"paths"`
		Components map[string]any  `json:"components"`
	}
	if err := json.Unmarshal(openAPITemplate, &doc); err != nil {
		return nil, fmt.Errorf("openapi.json: %w", err)
	}
	doc.Servers = []any{map[string]string{"url": strings.TrimSuffix(cfg.PublicURL, "/")}}
	doc.Components["securitySchemes"] = map[string]any{
		"OAuth2PasswordBearer": map[string]any{
			"type":  "oauth2",
			"flows": map[string]any{"password": map[string]any{"scopes": map[string]any{}, "tokenUrl": cfg.TokenURL}},
		},
	}
	return json.MarshalIndent(doc, "", "  ")
}

func docsPage(cfg Config) []byte {
	var b bytes.Buffer
	base := strings.TrimSuffix(cfg.PublicURL, "/") + "/"
	t := template.Must(template.New("docs").Parse(docsTemplate))
	if err := t.Execute(&b, map[string]any{
		"ObjectsURL": strings.TrimSuffix(cfg.ObjectsURL, "/"), "PublicURL": base, "OpenAPI": base + "openapi.json", "Hours": cfg.DefaultDuration.Hours(),
	}); err != nil {
		panic(err) // the template is ours
	}
	return b.Bytes()
}

func (a *API) serveOpenAPI(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(a.openapi) // a client that went away needs no answer
	return nil
}

func (a *API) serveDocs(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(a.docs) // a client that went away needs no answer
	return nil
}
