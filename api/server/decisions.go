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
	Hook     string   `json:"hook,omitempty" doc:"Id of the question that the application answered, where the gateway asks one; of a no only where the caller may read the object"`
	Message  string   `json:"message,omitempty" doc:"What the application says to people about its answer, where hook is given"`
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
	issue.decideAhead([]resource{{key: key}}, action, access.Read)
	decided, err := issue.decideKey(action, key)
	reading, readErr := issue.decideKey(access.Read, key)
	if err := errors.Join(err, readErr); err != nil {
		return nil, err
	}
	answer := Decision{Allowed: decided.Allowed, Detail: fmt.Sprintf("There is no such object, or nothing lets you %s it.", action)}
	if decided.Allowed || reading.Allowed {
		answer.explain(action, decided)
	}
	return &decideOutput{Body: answer}, nil
}

// explain says why, to somebody who may know.
func (d *Decision) explain(action access.Action, decided decision) {
	by := strings.Join(decided.Policies, ", ")
	if d.Policies = slices.Clone(decided.Policies); decided.answer != nil {
		d.Hook, d.Message = decided.answer.ID, decided.answer.Message
	}
	switch asked := decided.answer != nil; {
	case decided.Allowed && decided.grantID() != "":
		d.Grant = decided.grantID()
		d.Detail = fmt.Sprintf("You may %s it because it was shared: %s.", action, by)
	case decided.Allowed && by == "" && asked:
		d.Detail = fmt.Sprintf("You may %s it because the application allows it.", action)
	case decided.Allowed:
		d.Detail = fmt.Sprintf("You may %s it by the policies: %s.", action, by)
	case asked:
		d.Detail = fmt.Sprintf("You may read it; that you %s it is denied by the application.", action)
	case by != "":
		d.Detail = fmt.Sprintf("You may read it; that you %s it is forbidden by: %s.", action, by)
	default:
		d.Detail = fmt.Sprintf("You may read it; no policy and no share lets you %s it.", action)
	}
	if decided.Allowed && by != "" && decided.answer != nil {
		d.Detail = strings.TrimSuffix(d.Detail, ".") + ", and the application agrees."
	}
}
