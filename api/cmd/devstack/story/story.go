package story

import (
	"context"
	"io"

	"github.com/signgate/signgate/api/cmd/devstack/stack"
)

// Tell tells.
func Tell(ctx context.Context, local *stack.Stack, w io.Writer) error { return nil }
