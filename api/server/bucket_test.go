package server_test

import (
	"context"
	"sync"

	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/presign"
	"github.com/signgate/signgate/pkg/uploads"
)

// bucket stands where S3 is, for what can't be had from a real one when a test
// wants it: errors and moments. The real one is in the end-to-end tests.
type bucket struct {
	mu        sync.Mutex
	created   []presign.Upload
	arrived   []uploads.Part
	landed    uploads.Object
	completed []string // keys
	aborted   []string
	removed   []string
	promoted  []string
	tags      map[string]string // of what was promoted last
	listing   error             // of listing parts
	failure   error             // of everything that changes something
}

func (b *bucket) Create(_ context.Context, object presign.Upload, _ uploads.Algorithm) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.created = append(b.created, object)
	return "s3-upload", b.failure
}

func (b *bucket) Parts(context.Context, objectkey.Key, string) ([]uploads.Part, error) {
	return b.arrived, b.listing
}

func (b *bucket) Complete(_ context.Context, upload uploads.Upload, _ []uploads.Part, size int64) (uploads.Object, error) {
	b.completed = append(b.completed, upload.Key)
	return uploads.Object{Key: upload.Key, Size: size, ETag: `"whole"`}, b.failure
}

func (b *bucket) Abort(_ context.Context, key objectkey.Key, _ string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.aborted = append(b.aborted, key.String())
	return nil
}

func (b *bucket) Inspect(context.Context, objectkey.Key) (uploads.Object, error) {
	return b.landed, b.failure
}

func (b *bucket) Promote(_ context.Context, from uploads.Object, to objectkey.Key, tags map[string]string, _ bool) (uploads.Object, error) {
	b.tags = tags
	b.promoted = append(b.promoted, to.String())
	return uploads.Object{Key: to.String(), Size: from.Size, ETag: from.ETag}, nil
}

func (b *bucket) Remove(_ context.Context, key objectkey.Key) error {
	b.removed = append(b.removed, key.String())
	return nil
}
