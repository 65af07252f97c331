package main

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/signgate/signgate/pkg/audit/dynamo"
	"github.com/signgate/signgate/pkg/dynamotable"
)

// run writes every line that a table keeps.
func (c exportCommand) run(ctx context.Context, stdout io.Writer) error {
	aws, err := config.LoadDefaultConfig(ctx, config.WithRegion(c.Region))
	if err != nil {
		return fmt.Errorf("%w: AWS configuration: %w", errUnread, err)
	}
	trail := dynamo.New(dynamotable.Config{Table: c.Table, Region: c.Region, Endpoint: c.Endpoint, Credentials: aws.Credentials})
	out := bufio.NewWriter(stdout)
	err = trail.Lines(ctx, func(line []byte) error {
		_, err := out.Write(append(line, '\n'))
		return err
	})
	if err != nil {
		return fmt.Errorf("%w: %w", errUnread, err)
	}
	return out.Flush()
}
