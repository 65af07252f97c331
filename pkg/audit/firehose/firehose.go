// Package firehose keeps an audit trail in an Amazon Data Firehose stream,
// which delivers it to files in S3.
//
// The lines of a batch travel as one record of Firehose's, which takes it whole
// or not at all: PutRecordBatch could take the second half of a batch without
// the first, and a crash would leave a hole in the chain that looks as if somebody
// had made it. Firehose delivers at least once and in no order: audit.Gather
// sorts what it delivered and drops what came twice. The stream should have S3
// as its destination, compress or not, and transform nothing: a line that was
// changed on its way is changed.
//
// It is not a way to read the trail; that is S3's.
package firehose

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"

	"github.com/signgate/signgate/pkg/audit"
)

// What one record may hold (Amazon Data Firehose API Reference, PutRecord):
// 1,000 KiB, and 500 lines where they are to be taken apart again.
const (
	maxBytes = 1000 << 10
	maxLines = 500
)

// Config says where the stream is and who writes.
type Config struct {
	Stream      string
	Region      string
	Endpoint    string // empty for AWS itself
	Credentials aws.CredentialsProvider
	HTTP        aws.HTTPClient // nil for the SDK's own
}

// Sink is a Firehose stream. It is an audit.Sink.
type Sink struct {
	client *firehose.Client
	stream *string
}

var _ audit.Sink = (*Sink)(nil)

// New makes a sink. Nothing is asked of Firehose yet.
func New(config Config) *Sink {
	return &Sink{stream: aws.String(config.Stream), client: firehose.New(firehose.Options{}, func(o *firehose.Options) {
		o.Region, o.Credentials = config.Region, config.Credentials
		if config.Endpoint != "" {
			o.BaseEndpoint = aws.String(config.Endpoint)
		}
		if config.HTTP != nil {
			o.HTTPClient = config.HTTP
		}
	})}
}

// Store is audit.Sink's. Lines that Firehose may have taken already are sent
// again.
func (s *Sink) Store(ctx context.Context, _ string, lines []audit.Line) error {
	for len(lines) > 0 {
		var data []byte
		n := 0
		for n < len(lines) && n < maxLines && (n == 0 || len(data)+len(lines[n].Text)+1 <= maxBytes) {
			data = append(append(data, lines[n].Text...), '\n')
			n++
		}
		if _, err := s.client.PutRecord(ctx, &firehose.PutRecordInput{DeliveryStreamName: s.stream, Record: &types.Record{Data: data}}); err != nil {
			return fmt.Errorf("put into the stream %s: %w", *s.stream, err)
		}
		lines = lines[n:]
	}
	return nil
}
