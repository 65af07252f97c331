package s3server_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// A browser that pauses an upload hangs up in the middle of a body.
func TestABodyThatIsCutOffIsNotKept(t *testing.T) {
	server := start(t, t.TempDir())
	client := server.Client(writer)
	presign := s3.NewPresignClient(client)
	object, part := &s3.PutObjectInput{Bucket: aws.String("media"), Key: aws.String("cut.bin")}, aws.String("parts.bin")
	put, err := presign.PresignPutObject(t.Context(), object)
	if err != nil {
		t.Fatal(err)
	}
	upload, err := client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String("media"), Key: part})
	if err != nil {
		t.Fatal(err)
	}
	uploadPart, err := presign.PresignUploadPart(t.Context(), &s3.UploadPartInput{
		Bucket: aws.String("media"), Key: part, UploadId: upload.UploadId, PartNumber: aws.Int32(1),
	})
	if err != nil {
		t.Fatal(err)
	}
	hangUp(t, put.URL)
	hangUp(t, uploadPart.URL)

	list, err := client.ListParts(t.Context(), &s3.ListPartsInput{Bucket: aws.String("media"), Key: part, UploadId: upload.UploadId})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Parts) != 0 {
		t.Errorf("a part of %d bytes, of which half came", *list.Parts[0].Size)
	}
	if versions, _, err := server.Versions(t.Context(), "media", "cut.bin"); err != nil || versions != 0 {
		t.Errorf("%d versions of an object of which half came, %v", versions, err)
	}
}

// hangUp sends half of a PUT and waits until the server is done with it.
func hangUp(t *testing.T, address string) {
	t.Helper()
	const length = 6 << 20
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", target.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	_, err = fmt.Fprintf(connection, "PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n%s",
		target.RequestURI(), target.Host, length, make([]byte, length/2))
	if err != nil {
		t.Fatal(err)
	}
	sending, ok := connection.(*net.TCPConn)
	if !ok {
		t.Fatalf("%T", connection)
	}
	if err := errors.Join(sending.CloseWrite(), sending.SetReadDeadline(time.Now().Add(10*time.Second))); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, connection); err != nil { // an answer, or the end
		t.Fatal(err)
	}
}
