package presign_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/presign"
)

// Whatever passes Check is covered to the last field, in a form and in a PUT.
func FuzzDescriptions(f *testing.F) {
	f.Add("a", "text/plain", `attachment; filename="a"`, "no-store", "album", "7", "team", "media")
	f.Add("${filename}", "a/b", "${filename}", " ", "A", "a  b", "aws:x", "é")
	f.Add("a$b", "a/b; c=\"<&>\"", "", "", "a-b", "\"", "a/b", "\xff")
	f.Fuzz(func(t *testing.T, name, contentType, disposition, cache, metaName, metaValue, tagName, tagValue string) {
		key, err := objectkey.Parse(name)
		if err != nil {
			return
		}
		metadata, tags := map[string]string{metaName: metaValue}, map[string]string{tagName: tagValue}
		put := presign.Upload{Key: key, Length: 1, ContentType: contentType, ContentDisposition: disposition, CacheControl: cache, Metadata: metadata, Tags: tags}
		if put.Check() == nil {
			request, err := newPresigner(t, nil).Put(t.Context(), put, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			mustBeSigned(t, request)
		}
		description := presign.Form{Key: key, MaxLength: 1, ContentType: contentType, ContentDisposition: disposition, CacheControl: cache, Metadata: metadata, Tags: tags}
		request, err := newPresigner(t, nil).Form(t.Context(), description, time.Minute)
		if err != nil {
			if !errors.Is(err, presign.ErrUpload) {
				t.Fatal(err)
			}
			return
		}
		mustBeCovered(t, request, 0, 1)
		for _, value := range request.Fields {
			if strings.Contains(value, "${filename}") || strings.ContainsAny(value, "\r\n") {
				t.Errorf("S3 would read another value than %q", value)
			}
		}
	})
}
