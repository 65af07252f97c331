package e2e_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/signgate/signgate/pkg/client"
	"github.com/signgate/signgate/pkg/problem"
)

const uploadsRole = "arn:aws:iam::123456789012:role/uploads"

// moto is a running server of moto's: STS, IAM and S3 at one address.
type moto struct {
	*process
	url string
}

func startMoto(t testing.TB) *moto {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", ".cache", "moto", "bin", "moto_server"))
	if err != nil {
		t.Fatal(err)
	}
	address := freeAddresses(t, 1)[0]
	host, port, _ := strings.Cut(address, ":")
	m := &moto{url: "http://" + address, process: launch(t, nil, nil, path, "--host="+host, "--port="+port)}
	m.waitFor(t, m.stderr, "Running on")
	return m
}

// iam calls IAM before moto asks who is calling.
func (m *moto) iam(t testing.TB, action string, parameters map[string]string) {
	t.Helper()
	form := url.Values{"Action": {action}, "Version": {"2010-05-08"}}
	for name, value := range parameters {
		form.Set(name, value)
	}
	got := send(t, http.MethodPost, m.url, map[string]string{
		"Content-Type":  "application/x-www-form-urlencoded",
		"Authorization": "AWS4-HMAC-SHA256 Credential=admin/20261121/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=none",
	}, []byte(form.Encode()))
	if got.status != http.StatusOK {
		t.Fatalf("%s: %d %s", action, got.status, got.body)
	}
}

// assumed is what moto's STS remembers of the one session.
func (m *moto) assumed(t testing.TB) (policy, name string) {
	t.Helper()
	var all struct {
		STS struct {
			AssumedRole []struct {
				Policy  string `json:"policy"`
				Name    string `json:"session_name"`
				RoleARN string `json:"role_arn"`
			}
		} `json:"sts"`
	}
	if err := json.Unmarshal(get(t, m.url+"/moto-api/data.json").body, &all); err != nil {
		t.Fatal(err)
	}
	if sessions := all.STS.AssumedRole; len(sessions) != 1 || sessions[0].RoleARN != uploadsRole {
		t.Fatalf("%+v", sessions)
	}
	return all.STS.AssumedRole[0].Policy, all.STS.AssumedRole[0].Name
}

// hold has the role allow nothing but what the session policy does, which moto
// doesn't look at by itself, and lets nobody in any more without credentials.
func (m *moto) hold(t testing.TB, policy string) {
	t.Helper()
	m.iam(t, "CreateRole", map[string]string{"RoleName": "uploads", "AssumeRolePolicyDocument": "{}"})
	m.iam(t, "PutRolePolicy", map[string]string{"RoleName": "uploads", "PolicyName": "session", "PolicyDocument": policy})
	if got := send(t, http.MethodPost, m.url+"/moto-api/reset-auth", nil, []byte("0")); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
}

func (m *moto) s3(id, secret, token, region string) *s3.Client {
	return s3.New(s3.Options{
		Region: region, BaseEndpoint: aws.String(m.url), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, token),
	})
}

func TestCredentialsOfTheGatewayUploadBelowTheirPrefixAndNothingElse(t *testing.T) {
	m := startMoto(t)
	g := startStack(t).startGateway(t, "--credentials-role="+uploadsRole, "--sts-endpoint="+m.url)
	asked := time.Now()
	lent, err := g.as(t, "alice").CreateUploadCredentials(t.Context(), client.CredentialsRequest{Prefix: "users/alice/inbox/"})
	if err != nil {
		t.Fatal(err)
	}
	if life := lent.ExpiresAt.Sub(asked); life < 15*time.Minute || life > 15*time.Minute+patience {
		t.Errorf("they live for %s", life)
	}
	policy, name := m.assumed(t)
	if name != "alice" {
		t.Errorf("the session is called %q", name)
	}
	if _, err := m.s3("admin", "none", "", lent.Region).CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(lent.Bucket)}); err != nil {
		t.Fatal(err)
	}
	m.hold(t, policy)
	mustOnlyUploadBelow(t, m.s3(lent.AccessKeyID, lent.SecretAccessKey, lent.SessionToken, lent.Region), lent.Bucket, "users/alice/inbox/")
	for where, text := range map[string]string{"output": g.stdout.String(), "log": g.stderr.String()} {
		if strings.Contains(text, lent.SecretAccessKey) || strings.Contains(text, lent.SessionToken) {
			t.Errorf("the %s tells the credentials", where)
		}
	}
}

func mustOnlyUploadBelow(t *testing.T, store *s3.Client, name, prefix string) {
	t.Helper()
	bucket, inside := aws.String(name), aws.String(prefix+"a/b.txt")
	put := func(key string) error {
		_, err := store.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: aws.String(key), Body: strings.NewReader("x")})
		return err
	}
	if err := put(*inside); err != nil {
		t.Errorf("an upload: %v", err)
	}
	begun, err := store.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: bucket, Key: inside})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: bucket, Key: inside, UploadId: begun.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("x")}); err != nil {
		t.Errorf("a part: %v", err)
	}
	if listed, err := store.ListParts(t.Context(), &s3.ListPartsInput{Bucket: bucket, Key: inside, UploadId: begun.UploadId}); err != nil || len(listed.Parts) != 1 {
		t.Errorf("to list parts: %v", err)
	}
	if _, err := store.AbortMultipartUpload(t.Context(), &s3.AbortMultipartUploadInput{Bucket: bucket, Key: inside, UploadId: begun.UploadId}); err != nil {
		t.Errorf("to abort: %v", err)
	}
	mustDeny(t, "a neighbour", put("users/alice/inbox2/a.txt"))
	mustDeny(t, "another person", put("users/bob/inbox/a.txt"))
	mustDeny(t, "the folder above", put("users/alice/a.txt"))
	_, err = store.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: inside})
	mustDeny(t, "reading", err)
	_, err = store.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: bucket, Key: inside})
	mustDeny(t, "deleting", err)
	_, err = store.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: bucket, Prefix: aws.String(prefix)})
	mustDeny(t, "listing", err)
}

func mustDeny(t testing.TB, what string, err error) {
	t.Helper()
	var answer smithy.APIError
	if !errors.As(err, &answer) || answer.ErrorCode() != "AccessDenied" {
		t.Errorf("%s: %v", what, err)
	}
}

func TestAGatewayWithoutTheRoleGivesNoCredentials(t *testing.T) {
	_, err := startStack(t).startGateway(t).as(t, "alice").CreateUploadCredentials(t.Context(), client.CredentialsRequest{Prefix: "users/alice/inbox/"})
	var document *problem.Document
	if !errors.As(err, &document) || document.Code != problem.Denied.Code {
		t.Errorf("%v", err)
	}
}
