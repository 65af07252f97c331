package server

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"
	"github.com/swaggest/swgui/v5emb"
)

const docsURL = "/docs"

// serveDocs serves the OpenAPI document and a page to read it. The page's
// scripts are embedded, so that it works without the internet.
func (s *Server) serveDocs(api huma.API) error {
	for _, own := range []string{"ErrorModel", "ErrorDetail"} { // huma's, replaced by Problem
		delete(api.OpenAPI().Components.Schemas.Map(), own)
	}
	document, err := json.MarshalIndent(api.OpenAPI(), "", "  ")
	if err != nil {
		return err
	}
	s.echo.GET(openAPIURL, func(c echo.Context) error {
		return c.Blob(http.StatusOK, jsonType, document)
	})
	page := v5emb.New("signgate", openAPIURL, docsURL+"/")
	serve := func(c echo.Context) error {
		found := &notFoundAsError{ResponseWriter: c.Response()}
		page.ServeHTTP(found, c.Request())
		if found.missing {
			return echo.ErrNotFound
		}
		return nil
	}
	s.echo.GET(docsURL, serve)
	s.echo.GET(docsURL+"/*", serve)
	return nil
}

// notFoundAsError keeps the page's handler from answering for a file that
// isn't there, so that the answer is a problem like any other.
type notFoundAsError struct {
	http.ResponseWriter
	missing bool
}

// WriteHeader holds back a 404.
func (w *notFoundAsError) WriteHeader(status int) {
	if status == http.StatusNotFound {
		w.missing = true
		for name := range w.Header() {
			if strings.HasPrefix(name, "Content-") {
				w.Header().Del(name)
			}
		}
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write holds back the words of a 404.
func (w *notFoundAsError) Write(p []byte) (int, error) {
	if w.missing {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}
