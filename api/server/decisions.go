package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/signgate/signgate/pkg/access"
)

// DecisionRequest asks what the caller may do.
type DecisionRequest struct {
	Action string `json:"action" enum:"read,list,write,overwrite,delete,share,revoke,audit" doc:"What is to be done"`
	Key    string `json:"key" doc:"Key of the object"`
}

// Decision says what the caller may do, and why.
type Decision struct {
	Allowed  bool     `json:"allowed" doc:"Whether the caller may do it now"`
	Policies []string `json:"policies,omitempty" doc:"Ids of the policies that decided; of a no only where the caller may read the object"`
	Grant    string   `json:"grant,omitempty" doc:"Share that it rests on"`
	Detail   string   `json:"detail" doc:"The same in words"`
}

type decideInput struct{ Body DecisionRequest }

type decideOutput struct{ Body Decision }

func decideOperation() huma.Operation {
	return huma.Operation{
		OperationID: "explainDecision", Method: http.MethodPost, Path: "/v1/decisions", Tags: []string{"share"},
		Summary:     "May I, and why",
		Description: "Safe to show to people: of what the caller may not read it says the same as of what isn't there. Nothing is issued, and no use of a share is counted.",
	}
}

// explainDecision decides without issuing. It is recorded only where it is
// asked in earnest.
func (s *Server) explainDecision(ctx context.Context, input *decideInput) (*decideOutput, error) {
	key, err := parseKey(input.Body.Key, "/key")
	if err != nil {
		return nil, err
	}
	issue, action := s.newIssue(ctx), access.Action(input.Body.Action)
	decided, err := issue.decideKey(action, key)
	reading, readErr := issue.decideKey(access.Read, key)
	if err := errors.Join(err, readErr); err != nil {
		return nil, err
	}
	answer := Decision{Allowed: decided.Allowed, Detail: fmt.Sprintf("There is no such object, or nothing lets you %s it.", action)}
	switch {
	case decided.Allowed && decided.grantID() != "":
		answer.Policies, answer.Grant = decided.Policies, decided.grantID()
		answer.Detail = fmt.Sprintf("You may %s it because it was shared: %s.", action, strings.Join(decided.Policies, ", "))
	case decided.Allowed:
		answer.Policies, answer.Detail = decided.Policies, fmt.Sprintf("You may %s it by the policies: %s.", action, strings.Join(decided.Policies, ", "))
	case reading.Allowed && len(decided.Policies) > 0:
		answer.Policies, answer.Detail = slices.Clone(decided.Policies), fmt.Sprintf("You may read it; that you %s it is forbidden by: %s.", action, strings.Join(decided.Policies, ", "))
	case reading.Allowed:
		answer.Detail = fmt.Sprintf("You may read it; no policy and no share lets you %s it.", action)
	}
	return &decideOutput{Body: answer}, nil
}
