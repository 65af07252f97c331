package server

import (
	"context"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/callers"
	"github.com/signgate/signgate/pkg/objectkey"
)

// MayRead is the decision about reading an object, as every request makes it,
// without the request.
func (s *Server) MayRead(ctx context.Context, caller callers.Caller, key objectkey.Key) (bool, error) {
	decided, err := s.newIssue(context.WithValue(ctx, callerKey{}, caller)).decideKey(access.Read, key)
	return decided.Allowed, err
}
