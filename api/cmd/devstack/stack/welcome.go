package stack

import (
	"fmt"
	"io"
)

// Welcome writes where everything is and what to paste first. kept says
// whether the data folder stays.
func (s *Stack) Welcome(w io.Writer, kept bool) error {
	fate := "gone when this ends; keep it with --data=DIR"
	if kept {
		fate = "kept"
	}
	_, err := fmt.Fprintf(w, `signgate's local stack is running. Ctrl-C ends it.

  gateway   %[1]s   (its interface: %[1]s/docs)
  edge      %[2]s   (stands where CloudFront does)
  S3        %[3]s   (bucket %[4]s, private)
  issuer    %[5]s   (demo people: alice, bob, carol)
  data      %[6]s   (%[7]s)

A first read: alice fetches a picture of hers through a signed URL.

  TOKEN=$(curl -s %[5]s/token/alice)
  curl -sL -H "Authorization: Bearer $TOKEN" %[1]s/v1/read/users/alice/pictures/sunrise.png -o sunrise.png -w '%%{http_code} %%{content_type} %%{size_download} bytes\n'

A first upload: the gateway signs, the bytes go straight to S3.

  printf 'hello, world' > hello.txt
  curl -s -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' %[1]s/v1/uploads -d '{"key":"users/alice/hello.txt","contentType":"text/plain","contentLength":12}' -o upload.json
  curl -s -T hello.txt -H 'Content-Type: text/plain' -H 'If-None-Match: *' "$(sed 's/.*"url":"\([^"]*\)".*/\1/' upload.json)" -w 'upload: %%{http_code}\n'
  curl -sL -H "Authorization: Bearer $TOKEN" %[1]s/v1/read/users/alice/hello.txt -w '\n'

A first refusal: bob may not read it, and without a signature nobody may.

  curl -s -H "Authorization: Bearer $(curl -s %[5]s/token/bob)" %[1]s/v1/read/users/alice/hello.txt -w '%%{http_code}\n'
  curl -s %[2]s/users/alice/hello.txt -w '\n%%{http_code}\n'

`, s.GatewayURL(), s.EdgeURL(), s.S3URL(), Bucket, s.IssuerURL(), s.config.Dir, fate)
	return err
}
