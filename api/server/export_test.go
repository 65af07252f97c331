package server

import (
	"context"
	"slices"

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

// Routes are the values that the attribute http.route may have.
func (s *Server) Routes() []string {
	all := append(slices.Clone(s.paths), "none")
	slices.Sort(all)
	return slices.Compact(all)
}
