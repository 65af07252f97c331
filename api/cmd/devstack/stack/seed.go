package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"math"
	"net/http"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/keyring"
)

const (
	activeKeyID   = "KLOCALP256ACTIVE"
	retiringKeyID = "KLOCALRSARETIRING"

	secretMode = 0o600
	dirMode    = 0o700
)

// seedFiles makes the keys and policies that aren't there yet.
func (s *Stack) seedFiles(context.Context) error {
	for _, name := range []string{"keys", "policies"} {
		if err := os.MkdirAll(s.path(name), dirMode); err != nil {
			return fmt.Errorf("data folder: %w", err)
		}
	}
	for id, algorithm := range map[string]keyring.Algorithm{activeKeyID: keyring.P256, retiringKeyID: keyring.RSA2048} {
		if err := writeKey(filepath.Join(s.path("keys"), id+".pem"), algorithm); err != nil {
			return err
		}
	}
	if err := s.seedDocument(); err != nil {
		return err
	}
	return copyPolicies(s.path("policies"))
}

// seedDocument writes which key signs, unless that is written already. The
// other files of the folder are trusted and no part of any rotation.
func (s *Stack) seedDocument() error {
	document := keyring.NewDocument(true)
	if err := document.Add(activeKeyID, keyring.Slot{KeyID: activeKeyID}, s.config.Now()); err != nil {
		return err
	}
	text, err := document.Marshal()
	if err != nil {
		return err
	}
	return writeNew(filepath.Join(s.path("keys"), "keys.json"), text)
}

func writeKey(path string, algorithm keyring.Algorithm) error {
	key, err := keyring.Generate(algorithm)
	if err != nil {
		return err
	}
	text, err := keyring.MarshalPrivatePEM(key)
	if err != nil {
		return err
	}
	return writeNew(path, text)
}

func copyPolicies(dir string) error {
	policies := access.Builtin()
	return fs.WalkDir(policies, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(policies, name)
		if err != nil {
			return err
		}
		return writeNew(filepath.Join(dir, name), text)
	})
}

// writeNew writes a file unless it is there: kept data stays as it is.
func writeNew(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, secretMode)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Close())
}

// seedPictures uploads a few pictures, so that there is something to see.
func (s *Stack) seedPictures(ctx context.Context) error {
	client := s.s3.Client(s.gateway)
	for i, person := range People() {
		for j, name := range []string{"sunrise", "meadow", "harbour"} {
			data, err := picture(i*3 + j)
			if err != nil {
				return err
			}
			_, err = client.PutObject(ctx, &s3.PutObjectInput{
				Bucket: aws.String(Bucket), Key: aws.String("users/" + person + "/pictures/" + name + ".png"),
				Body: bytes.NewReader(data), ContentType: aws.String("image/png"), IfNoneMatch: aws.String("*"),
			})
			var response *awshttp.ResponseError
			if errors.As(err, &response) && response.HTTPStatusCode() == http.StatusPreconditionFailed {
				continue // kept from an earlier run
			}
			if err != nil {
				return fmt.Errorf("upload the pictures: %w", err)
			}
		}
	}
	return nil
}

// picture draws waves in a colour that the number chooses.
func picture(number int) ([]byte, error) {
	const width, height = 480, 320
	canvas := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			wave := math.Sin(float64(x)/40+float64(number)) + math.Cos(float64(y)/30)
			canvas.Set(x, y, color.RGBA{
				R: uint8(128 + 60*math.Sin(float64(number)) + 30*wave),
				G: uint8(128 + 60*math.Cos(float64(number)) + 30*wave),
				B: uint8(255 * y / height),
				A: math.MaxUint8,
			})
		}
	}
	var data bytes.Buffer
	if err := png.Encode(&data, canvas); err != nil {
		return nil, fmt.Errorf("draw a picture: %w", err)
	}
	return data.Bytes(), nil
}
