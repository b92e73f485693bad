package stacapi

import (
	"bytes"
	_ "embed" // for the description and its page
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
)

//go:embed openapi.json
var openAPISource []byte

//go:embed api.html
var apiPageSource string

// openAPIDoc is what the page needs of the description.
type openAPIDoc struct {
	Info    map[string]any
	Servers []struct {
		URL string `json:"url"`
	}
	Tags  []struct{ Name string }
	Paths map[string]map[string]struct {
		OperationID string
		Tags        []string
		Summary     string
		Parameters  []struct {
			Ref string `json:"$ref"`
		}
	}
	Components struct{ Parameters map[string]parameterDoc }
}

type parameterDoc struct{ Name, Description, Example string }

type operationDoc struct {
	ID, Method, Path, Summary string
	Parameters                []parameterDoc
}

type tagDoc struct {
	Name       string
	Operations []operationDoc
}

// describe returns the OpenAPI description and the page made from it, for this configuration.
func describe(cfg Config) (description, page []byte, err error) {
	server := cfg.PublicURL
	if server == "" {
		server = "/" + strings.Trim(cfg.BasePath, "/") // relative to the host (OpenAPI 3.1 § 4.8.5)
		if cfg.BasePath == "" {
			server = "/stac"
		}
	}
	var doc map[string]any
	if err := json.Unmarshal(openAPISource, &doc); err != nil {
		return nil, nil, fmt.Errorf("openapi.json: %w", err)
	}
	info := doc["info"].(map[string]any)
	info["title"], info["description"] = cfg.Title, cfg.Description
	doc["servers"] = []any{map[string]any{"url": server}}
	if description, err = json.Marshal(doc); err != nil {
		return nil, nil, err
	}
	var parsed openAPIDoc
	if err := json.Unmarshal(description, &parsed); err != nil {
		return nil, nil, fmt.Errorf("openapi.json: %w", err)
	}
	t, err := template.New("api").Parse(apiPageSource)
	if err != nil {
		return nil, nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, map[string]any{
		"Title": cfg.Title, "Description": cfg.Description, "Server": strings.TrimRight(server, "/"), "Tags": parsed.byTag(),
	})
	return description, b.Bytes(), err
}

// byTag groups the operations in the order of the tags, then of their paths.
func (d openAPIDoc) byTag() []tagDoc {
	var tags []tagDoc
	for _, t := range d.Tags {
		tag := tagDoc{Name: t.Name}
		for path, methods := range d.Paths {
			for method, op := range methods {
				if !slices.Contains(op.Tags, t.Name) {
					continue
				}
				o := operationDoc{ID: op.OperationID, Method: strings.ToUpper(method), Path: path, Summary: op.Summary}
				for _, p := range op.Parameters {
					o.Parameters = append(o.Parameters, d.Components.Parameters[strings.TrimPrefix(p.Ref, "#/components/parameters/")])
				}
				tag.Operations = append(tag.Operations, o)
			}
		}
		slices.SortFunc(tag.Operations, func(a, b operationDoc) int {
			return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method)
		})
		tags = append(tags, tag)
	}
	return tags
}

func (a *API) api(w http.ResponseWriter, r *request) error {
	return a.reply(w, r, typeOpenAPI, a.openAPI, true)
}

func (a *API) apiHTML(w http.ResponseWriter, r *request) error {
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	return a.reply(w, r, typeHTML, a.apiPage, true)
}
