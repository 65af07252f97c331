package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"

	"github.com/signgate/signgate/pkg/problem"
)

const (
	jsonType   = "application/json"
	bearerName = "bearer"
	publicName = "public" // marks an operation that needs no token
	openAPIURL = "/openapi.json"
)

// newAPI makes the API whose operations the OpenAPI document describes.
func (s *Server) newAPI() huma.API {
	config := huma.DefaultConfig("signgate", s.parts.Build.Version)
	config.Info.Description = "Hands out access to private objects in S3 without touching their bytes: " +
		"signed CloudFront URLs for reading, presigned S3 requests for writing and deleting.\n\n" +
		"Every error is an RFC 9457 problem. Times are RFC 3339 in UTC, lives are whole seconds. " +
		"`expiresAt` in an answer is the truth, even where it is earlier than what was asked for."
	config.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", "" // served by docs.go
	config.CreateHooks = nil                                             // no $schema members in answers
	config.RejectUnknownQueryParameters = true
	config.DefaultFormat = jsonType
	format := huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: unmarshal}
	config.Formats = map[string]huma.Format{jsonType: format, "json": format} // the latter for …+json
	config.Transformers = []huma.Transformer{s.toDocument}
	config.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		bearerName: {Type: "http", Scheme: "bearer", Description: "An OIDC access token (a JWT), or an API key (sgk_…) of a machine."},
	}
	config.Security = []map[string][]string{{bearerName: {}}}
	api := humaecho.New(s.echo, config)
	api.UseMiddleware(s.authenticate(api), s.wholeBody(api))
	return api
}

// pointerEnd stands between the pointer and the reason in errors of unmarshal.
const pointerEnd = ": "

// unmarshal reads JSON by go-json-experiment, which refuses duplicate members
// and invalid UTF-8, where encoding/json lets them through changed. Members
// are told apart by case, which huma's validation doesn't do.
func unmarshal(data []byte, v any) error {
	err := json.Unmarshal(data, v, json.RejectUnknownMembers(true))
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		reason := "is not what the schema says; a whole number has neither point nor exponent and fits into 64 bits"
		if errors.Is(semantic.Err, json.ErrUnknownName) {
			reason = "is unknown; names of members are case-sensitive"
		}
		return fmt.Errorf("%s%s%s", semantic.JSONPointer, pointerEnd, reason)
	}
	return err
}

// schemaName names the schemas of the document after what they are to a
// client rather than after our types.
func schemaName(t reflect.Type, hint string) string {
	bare := t
	if bare.Kind() == reflect.Pointer {
		bare = bare.Elem()
	}
	switch bare {
	case reflect.TypeFor[problem.Document]():
		return "Problem"
	case reflect.TypeFor[problem.Field]():
		return "ProblemField"
	}
	return huma.DefaultSchemaNamer(t, hint)
}

// register adds an operation, its errors documented as problems. A handler's
// error becomes a problem by the one table in errors.go.
func register[I, O any](s *Server, api huma.API, operation huma.Operation, handler func(context.Context, *I) (*O, error)) {
	schema := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[problem.Document](), true, "Problem")
	operation.Responses = map[string]*huma.Response{"default": {
		Description: "A problem",
		Content:     map[string]*huma.MediaType{problem.ContentType: {Schema: schema}},
	}}
	operation.MaxBodyBytes = s.parts.Limits.MaxBodyBytes + 1 // huma refuses a body that reaches its limit
	huma.Register(api, operation, func(ctx context.Context, input *I) (*O, error) {
		output, err := handler(ctx, input)
		if err != nil {
			return nil, problemFor(ctx, err)
		}
		return output, nil
	})
}

// public opens an operation to callers without a token. It is the exception:
// an operation that nobody marks needs one.
func public(operation huma.Operation) huma.Operation {
	operation.Security = []map[string][]string{}
	operation.Metadata = map[string]any{publicName: true}
	return operation
}

// toDocument turns huma's own errors into ours and gives every problem the
// id of its request.
func (s *Server) toDocument(ctx huma.Context, _ string, body any) (any, error) {
	document, ok := body.(*problem.Document)
	if model, isModel := body.(*huma.ErrorModel); isModel {
		document, ok = s.fromModel(ctx.Context(), model), true
	}
	if !ok {
		return body, nil
	}
	s.instruments.problem(ctx.Context(), document.Code)
	whole := *document
	whole.RequestID = requestIDOf(ctx.Context())
	return &whole, nil
}

// fromModel keeps what huma found out about the request and drops the rest:
// details of an error of our own may hold anything.
func (s *Server) fromModel(ctx context.Context, model *huma.ErrorModel) *problem.Document {
	kind := problem.ForStatus(model.Status)
	switch {
	case kind == problem.TooLarge:
		return problem.New(kind, fmt.Sprintf("The body must be at most %d bytes.", s.parts.Limits.MaxBodyBytes))
	case kind.Status >= http.StatusInternalServerError:
		logFrom(ctx).ErrorContext(ctx, "internal error", "error", model)
		return problem.New(kind, "")
	}
	fields := make([]problem.Field, 0, len(model.Errors))
	for _, detail := range model.Errors {
		if detail == nil {
			continue
		}
		fields = append(fields, field(kind, detail))
	}
	if len(fields) == 0 {
		return problem.New(kind, model.Detail)
	}
	return problem.New(kind, "", fields...)
}

// field names the part of the request that is wrong, and replaces a parser's
// words, which speak of Go types, by ours.
func field(kind problem.Kind, detail *huma.ErrorDetail) problem.Field {
	at := pointer(detail.Location)
	switch kind {
	case problem.MalformedRequest:
		return problem.Field{Pointer: at, Detail: "must be one JSON document in UTF-8 without duplicate members"}
	case problem.UnsupportedMedia:
		return problem.Field{Pointer: at, Detail: "must be sent as application/json"}
	}
	if inside, reason, ok := strings.Cut(detail.Message, pointerEnd); ok && strings.HasPrefix(inside, "/") {
		return problem.Field{Pointer: inside, Detail: reason} // from unmarshal
	}
	if missing, ok := strings.CutPrefix(detail.Message, "expected required property "); ok {
		return problem.Field{Pointer: at + "/" + strings.TrimSuffix(missing, " to be present"), Detail: "is missing"}
	}
	return problem.Field{Pointer: at, Detail: detail.Message}
}

// pointer turns huma's location ("body.items[0].key") into a JSON pointer
// ("/items/0/key"); a parameter keeps its name.
func pointer(location string) string {
	rest, inBody := strings.CutPrefix(location, "body")
	if !inBody {
		return location
	}
	rest = strings.NewReplacer("[", ".", "]", "").Replace(rest)
	return strings.ReplaceAll(rest, ".", "/")
}

// keepKeyTogether makes the slashes of a key one path parameter for the
// router, which would otherwise end the parameter at the first.
func keepKeyTogether(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		u := c.Request().URL
		if key, ok := strings.CutPrefix(u.EscapedPath(), readPrefix); ok {
			u.RawPath = readPrefix + strings.ReplaceAll(key, "/", "%2F")
		}
		return next(c)
	}
}
