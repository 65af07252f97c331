package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/signgate/signgate/pkg/problem"
)

// Check is one thing that the gateway needs. Run returns an error where it
// isn't there; the error goes to the log, its name to whoever asks.
type Check struct {
	Name string
	Run  func(ctx context.Context) error
}

// errDegraded is wrapped by the error of a check where the gateway still does
// its work, and an operator should know that it may not for long.
var errDegraded = errors.New("degraded")

// checkTimeout bounds all checks together: orchestrators give up after some
// seconds.
const checkTimeout = 3 * time.Second

// Build says which gateway this is.
type Build struct {
	Version   string `json:"version" doc:"Version of the gateway" example:"v0.1.0"`
	Commit    string `json:"commit,omitempty" doc:"Commit it was built from"`
	GoVersion string `json:"goVersion" doc:"Version of Go it was built with" example:"go1.26.8"`
}

type statusOutput struct {
	Body struct {
		Status string            `json:"status" enum:"ok" doc:"Always ok; anything else is a problem"`
		Checks map[string]string `json:"checks,omitempty" doc:"What was checked"`
	}
}

type versionOutput struct{ Body Build }

func liveOperation() huma.Operation {
	return huma.Operation{
		OperationID: "livez", Method: http.MethodGet, Path: "/livez", Tags: []string{"operate"},
		Summary: "Whether the process answers",
	}
}

func (s *Server) live(context.Context, *struct{}) (*statusOutput, error) {
	output := &statusOutput{}
	output.Body.Status = "ok"
	return output, nil
}

func readyOperation() huma.Operation {
	return huma.Operation{
		OperationID: "readyz", Method: http.MethodGet, Path: "/readyz", Tags: []string{"operate"},
		Summary:     "Whether the gateway can do its work",
		Description: "Signs with the active key and verifies it, looks at when the signing keys were seen for the last time, counts policies, fetches AWS credentials, looks for the issuers' keys, asks the stores of shares and of API keys, and looks whether the last audit record could be written.",
	}
}

func (s *Server) ready(ctx context.Context, _ *struct{}) (*statusOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	output := &statusOutput{}
	output.Body.Status, output.Body.Checks = "ok", map[string]string{}
	var failed []problem.Field
	for _, check := range s.parts.Checks {
		err := check.Run(ctx)
		s.instruments.check(ctx, check.Name, err)
		if errors.Is(err, errDegraded) {
			logFrom(ctx).WarnContext(ctx, "ready, but degraded", "check", check.Name, "error", err)
			output.Body.Checks[check.Name] = "degraded; the log says why"
			continue
		}
		if err != nil {
			logFrom(ctx).ErrorContext(ctx, "not ready", "check", check.Name, "error", err)
			failed = append(failed, problem.Field{Pointer: check.Name, Detail: "failed; the log says why"})
			continue
		}
		output.Body.Checks[check.Name] = "ok"
	}
	if len(failed) > 0 {
		return nil, problem.New(problem.Unavailable, "The gateway is not ready.", failed...)
	}
	return output, nil
}

// lookAround runs the checks for those who look at metrics.
func (s *Server) lookAround(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	for _, check := range s.parts.Checks {
		s.instruments.check(ctx, check.Name, check.Run(ctx))
	}
}

func versionOperation() huma.Operation {
	return huma.Operation{
		OperationID: "version", Method: http.MethodGet, Path: "/version", Tags: []string{"operate"},
		Summary: "Which gateway this is",
	}
}

func (s *Server) version(context.Context, *struct{}) (*versionOutput, error) {
	return &versionOutput{Body: s.parts.Build}, nil
}
