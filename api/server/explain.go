package server

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/danielgtaylor/huma/v2"

	"github.com/signgate/signgate/pkg/signedurl"
)

// ExplainRequest is a signed URL that doesn't do what it should.
type ExplainRequest struct {
	URL     string `json:"url" maxLength:"8192" doc:"The signed URL, exactly as it was requested"`
	Address string `json:"address,omitempty" doc:"Where it was requested from, for URLs that are bound to an address; the caller's own if left out" example:"203.0.113.9"`
	Answer  string `json:"answer,omitempty" maxLength:"65536" doc:"The body of the error that came back, to tell CloudFront's from S3's"`
}

// Explanation is every check of the URL, and whose error the answer is.
type Explanation struct {
	signedurl.Explanation
	AnsweredBy *signedurl.Answerer `json:"answeredBy,omitempty" doc:"Who gave the answer that was sent along"`
}

type explainInput struct{ Body ExplainRequest }

type explainOutput struct{ Body Explanation }

func explainOperation() huma.Operation {
	return huma.Operation{
		OperationID: "explain", Method: http.MethodPost, Path: "/v1/explain", Tags: []string{"read"},
		Summary:     "Why the CDN takes a signed URL, or doesn't",
		Description: "Every check in the order in which it decides, what was found and what to do about it. Says nothing about who may read what, and whether anything is there.",
	}
}

func (s *Server) explain(ctx context.Context, input *explainInput) (*explainOutput, error) {
	from := input.Body.Address
	if from == "" {
		from = addressFrom(ctx)
	}
	address, err := netip.ParseAddr(from)
	if err != nil {
		return nil, invalid("/address", "must be an IP address")
	}
	output := &explainOutput{Body: Explanation{
		Explanation: s.parts.Verifier.Explain(signedurl.Viewer{URL: input.Body.URL, Address: address}),
	}}
	if input.Body.Answer != "" {
		answerer := signedurl.WhoAnswered(input.Body.Answer)
		output.Body.AnsweredBy = &answerer
	}
	return output, nil
}
