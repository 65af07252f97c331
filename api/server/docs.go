package server

import (
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"
	"github.com/swaggest/swgui/v5emb"
)

const docsURL = "/docs"

// serveDocs serves the OpenAPI document and a page to read it. The page's
// scripts are embedded, so that it works without the internet.
func (s *Server) serveDocs(api huma.API) error {
	delete(api.OpenAPI().Components.Schemas.Map(), "ErrorModel") // huma's own, replaced by Document
	document, err := json.MarshalIndent(api.OpenAPI(), "", "  ")
	if err != nil {
		return err
	}
	s.echo.GET(openAPIURL, func(c echo.Context) error {
		return c.Blob(http.StatusOK, jsonType, document)
	})
	page := echo.WrapHandler(v5emb.New("signgate", openAPIURL, docsURL+"/"))
	s.echo.GET(docsURL, page)
	s.echo.GET(docsURL+"/*", page)
	return nil
}
