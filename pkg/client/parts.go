package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sync/errgroup"

	"github.com/signgate/signgate/pkg/problem"
)

const (
	// partsAtOnce is how many parts are on their way together.
	partsAtOnce = 4
	// partsPerSigning is how many are signed together: few enough that the last
	// is sent before its request dies.
	partsPerSigning = 64
)

// SendParts sends the content of an upload in parts, several at a time, and
// completes it. What has arrived already isn't sent again, so an upload that
// broke off goes on where it was. A part that fails is sent again, under a new
// signature. The error is as of Send, of SignParts or of CompleteUpload.
func (c *Client) SendParts(ctx context.Context, upload Upload, content io.ReaderAt, length int64) (UploadedObject, error) {
	if upload.PartSize < 1 {
		return UploadedObject{}, fmt.Errorf("%w: the upload has no size of parts: give contentLength when it begins", ErrAnswer)
	}
	arrived, err := c.ListParts(ctx, upload.UploadID)
	if document, ok := errors.AsType[*problem.Document](err); ok && document.Status == http.StatusNotFound {
		// The parts may have been put together before it broke off; only
		// completing tells.
		return c.CompleteUpload(ctx, upload.UploadID)
	}
	if err != nil {
		return UploadedObject{}, err
	}
	there := map[int]bool{}
	for _, part := range arrived {
		there[part.PartNumber] = part.Size == upload.partLength(part.PartNumber, length)
	}
	var missing []PartItem
	for number := 1; int64(number-1)*upload.PartSize < length; number++ {
		if !there[number] {
			missing = append(missing, PartItem{PartNumber: number})
		}
	}
	for len(missing) > 0 {
		some := missing[:min(len(missing), partsPerSigning)]
		missing = missing[len(some):]
		if err := c.sendSome(ctx, upload, some, content, length); err != nil {
			return UploadedObject{}, err
		}
	}
	return c.CompleteUpload(ctx, upload.UploadID)
}

// partLength is the size of a part of content of a length.
func (u Upload) partLength(number int, length int64) int64 {
	return min(u.PartSize, length-int64(number-1)*u.PartSize)
}

func (c *Client) sendSome(ctx context.Context, upload Upload, some []PartItem, content io.ReaderAt, length int64) error {
	signed, _, err := c.SignParts(ctx, upload.UploadID, some...)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(partsAtOnce)
	for _, part := range signed {
		group.Go(func() error { return c.sendPart(ctx, upload, part, content, length) })
	}
	return group.Wait()
}

// sendPart sends one part until S3 has it. A request that has died is a 403,
// which a new signature mends.
func (c *Client) sendPart(ctx context.Context, upload Upload, part SignedPart, content io.ReaderAt, length int64) error {
	size := upload.partLength(part.PartNumber, length)
	begin := int64(part.PartNumber-1) * upload.PartSize
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval = c.config.Pause
	first := true
	_, err := backoff.Retry(ctx, func() (Sent, error) {
		if !first {
			again, _, err := c.SignParts(ctx, upload.UploadID, PartItem{PartNumber: part.PartNumber})
			if err != nil {
				return Sent{}, backoff.Permanent(err)
			}
			part = again[0]
		}
		first = false
		sent, err := c.Send(ctx, part.SignedRequest, io.NewSectionReader(content, begin, size), size)
		refused, isRefusal := errors.AsType[*RefusedError](err)
		if isRefusal && refused.Status < http.StatusInternalServerError && refused.Status != http.StatusForbidden && refused.Status != http.StatusTooManyRequests {
			return sent, backoff.Permanent(err)
		}
		return sent, err
	}, backoff.WithBackOff(pauses), backoff.WithMaxTries(maxTries))
	if err != nil {
		return fmt.Errorf("part %d: %w", part.PartNumber, err)
	}
	return nil
}
