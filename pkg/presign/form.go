package presign

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/signgate/signgate/pkg/objectkey"
)

const (
	// maxFormBytes is S3's limit on a form without its file (Amazon S3
	// developer guide, "Creating an HTML Form (Using AWS Signature Version 4)").
	maxFormBytes = 20 << 10
	// fieldBytes is what multipart/form-data adds to a field: a boundary of at
	// most 70 bytes (RFC 2046, section 5.1.1), Content-Disposition and line ends.
	fieldBytes = 128
	// fileBytes is the header of the file, with its name and content type.
	fileBytes = 1 << 10

	// filename is what S3 replaces by the name of the sent file, in every
	// field (same source as maxFormBytes).
	filename = "${filename}"
)

// Form describes the one object that a form may create. Unlike an Upload it
// bounds the length from both sides, and can't refuse to overwrite: S3 takes
// If-None-Match with PutObject and CompleteMultipartUpload only (Amazon S3
// User Guide, "How to prevent object overwrites with conditional writes").
type Form struct {
	Key                objectkey.Key     // must not hold "${filename}", and nor must any other field
	MinLength          int64             // bytes
	MaxLength          int64             // bytes, 1 to MaxPutBytes
	ContentType        string            // a media type as in RFC 9110, section 8.3.1
	ChecksumSHA256     []byte            // the 32 bytes of the file's digest; nil leaves the content open
	Metadata           map[string]string // user-defined, names in lower case without "x-amz-meta-"
	Tags               map[string]string // for lifecycle rules and policies; at most 10
	ContentDisposition string            // kept with the object
	CacheControl       string            // kept with the object
}

// FormRequest is what the holder has to send: a POST of multipart/form-data
// to the URL with exactly these fields, then the file as field "file", the
// last one. S3 answers 201 with a document that names the object. It may be
// sent again, and overwrites, until Expires.
type FormRequest struct {
	URL     string
	Fields  map[string]string // to be sent as they are
	Expires time.Time         // UTC, whole seconds
}

// Check says whether S3 could hold a client to this description. The error
// is an *UploadError.
func (f Form) Check() error {
	if err := checkKey(f.Key); err != nil {
		return err
	}
	switch {
	case f.MinLength < 0:
		return &UploadError{"MinLength", "is negative"}
	case f.MaxLength < 1 || f.MaxLength > MaxPutBytes:
		return &UploadError{"MaxLength", fmt.Sprintf("is not between 1 and %d bytes", int64(MaxPutBytes))}
	case f.MinLength > f.MaxLength:
		return &UploadError{"MinLength", "is more than MaxLength"}
	}
	if err := checkChecksums(f.ChecksumSHA256, nil, nil); err != nil {
		return err
	}
	if err := checkStored(f.ContentType, f.ContentDisposition, f.CacheControl, f.Metadata, f.Tags); err != nil {
		return err
	}
	return f.checkFilename()
}

// checkFilename refuses what S3 would change before it compares. Tags can't
// hold it.
func (f Form) checkFilename() error {
	refuse := func(field, value string) error {
		if strings.Contains(value, filename) {
			return &UploadError{field, "must not hold " + filename + ", which S3 replaces by the name of the file"}
		}
		return nil
	}
	for _, text := range [][2]string{
		{"Key", f.Key.String()}, {"ContentType", f.ContentType},
		{"ContentDisposition", f.ContentDisposition}, {"CacheControl", f.CacheControl},
	} {
		if err := refuse(text[0], text[1]); err != nil {
			return err
		}
	}
	for _, value := range f.Metadata {
		if err := refuse("Metadata", value); err != nil {
			return err
		}
	}
	return nil
}

// Form presigns an upload by form. Every field is held to its value; only the
// length has a range. Errors wrap ErrUpload, ErrLife or ErrCredentials.
func (p *Presigner) Form(ctx context.Context, form Form, life time.Duration) (FormRequest, error) {
	if err := form.Check(); err != nil {
		return FormRequest{}, err
	}
	granted, err := p.grant(ctx, life)
	if err != nil {
		return FormRequest{}, err
	}
	fields := form.fields()
	maps.Copy(fields, p.config.encryption())
	maps.Copy(fields, granted.fields(p.config.Region))
	expires := granted.now.Add(granted.life)
	document, err := policy(fields, p.config.Bucket, form.MinLength, form.MaxLength, expires)
	if err != nil {
		return FormRequest{}, fmt.Errorf("presign form: %w", err)
	}
	fields["policy"] = base64.StdEncoding.EncodeToString(document)
	fields["x-amz-signature"] = signPolicy(fields["policy"], granted.credentials.SecretAccessKey, p.config.Region, granted.now)
	if size := formBytes(fields); size > maxFormBytes {
		return FormRequest{}, &UploadError{"Form", fmt.Sprintf("takes %d bytes with its signature, and S3 reads %d: it needs fewer tags or less metadata", size, maxFormBytes)}
	}
	return FormRequest{URL: p.formURL(), Fields: fields, Expires: expires}, nil
}

// fields are those that describe the object. Tags are XML in a field of their
// own here: S3 ignores x-amz-tagging (aws-sdk-js issue 3790).
func (f Form) fields() map[string]string {
	fields := map[string]string{"key": f.Key.String(), "Content-Type": f.ContentType, "success_action_status": "201"}
	if f.ChecksumSHA256 != nil {
		fields["x-amz-checksum-algorithm"] = "SHA256"
		fields["x-amz-checksum-sha256"] = encodeChecksum(f.ChecksumSHA256)
	}
	if f.ContentDisposition != "" {
		fields["Content-Disposition"] = f.ContentDisposition
	}
	if f.CacheControl != "" {
		fields["Cache-Control"] = f.CacheControl
	}
	if len(f.Tags) > 0 {
		fields["tagging"] = tagXML(f.Tags)
	}
	for name, value := range f.Metadata {
		fields["x-amz-meta-"+name] = value
	}
	return fields
}

// formURL is the bucket's address, which S3 wants a form sent to.
func (p *Presigner) formURL() string {
	path := p.address.Path
	if path == "" {
		path = "/"
	}
	return p.address.Scheme + "://" + p.address.Host + path
}

func formBytes(fields map[string]string) int {
	size := fileBytes
	for name, value := range fields {
		size += len(name) + len(value) + fieldBytes
	}
	return size
}
