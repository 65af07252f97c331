package story

import (
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/signgate/signgate/pkg/client"
)

const (
	album       = "users/alice/pictures/"
	ownPicture  = album + "meadow.png"
	saveAs      = "Größe \"1\" + 日本.png"
	elsewhere   = "203.0.113.0/24"
	secondPhoto = album + "harbour.png"
)

// readingInOtherWays shows an album opened by cookies, a name to save under,
// and a URL that works from one address only.
func (t *teller) readingInOtherWays() error {
	t.chapter("albums, names and addresses")
	cookies := ""
	for _, step := range []struct {
		what, want string
		do         func() (string, error)
	}{
		{"alice asks for cookies for her album", "cookies", func() (words string, err error) {
			cookies, words, err = t.cookies("alice", album)
			return words, err
		}},
		{"a picture of the album, by cookies", "200", func() (string, error) { return t.byCookies(cookies, ownPicture) }},
		{"another one, by the same cookies", "200", func() (string, error) { return t.byCookies(cookies, secondPhoto) }},
		{"her drawing elsewhere, by these cookies", fromCloudFront, func() (string, error) { return t.byCookies(cookies, pngKey) }},
		{"bob asks for cookies for alice's album", "404 not-found", func() (string, error) {
			_, words, err := t.cookies("bob", album)
			return words, err
		}},
		{"a picture, to be saved under a difficult name", "200 " + saveAs, t.savedName},
		{"a URL that works from another address only", fromCloudFront, func() (string, error) {
			url, words, err := t.read("alice", client.ReadItem{Key: ownPicture, Conditions: client.Conditions{Address: elsewhere}})
			if err != nil || url == "" {
				return words, err
			}
			got, err := t.send(http.MethodGet, url, nil, nil)
			return got.String(), err
		}},
		{"the same question twice, for a stable URL", "the same URL", t.askTwice},
	} {
		if err := t.step(step.what, step.want, step.do); err != nil {
			return err
		}
	}
	return nil
}

// cookies asks for cookies and returns them as a browser sends them.
func (t *teller) cookies(person, prefix string) (cookies, words string, err error) {
	caller, err := t.as(person)
	if err != nil {
		return "", "", err
	}
	grant, err := caller.ReadCookies(t.ctx, client.PrefixRequest{Prefix: prefix})
	if err != nil {
		words, err = told(err)
		return "", words, err
	}
	values := make([]string, len(grant.Cookies))
	for i, cookie := range grant.Cookies {
		values[i] = cookie.Name + "=" + cookie.Value
	}
	return strings.Join(values, "; "), "cookies", nil
}

func (t *teller) byCookies(cookies, key string) (string, error) {
	got, err := t.send(http.MethodGet, t.stack.EdgeURL()+"/"+key, map[string]string{"Cookie": cookies}, nil)
	return got.String(), err
}

// savedName reads a picture and says under which name a browser saves it.
func (t *teller) savedName() (string, error) {
	url, words, err := t.read("alice", client.ReadItem{Key: ownPicture, Filename: saveAs})
	if err != nil || url == "" {
		return words, err
	}
	got, err := t.send(http.MethodGet, url, nil, nil)
	if err != nil {
		return "", err
	}
	_, parameters, err := mime.ParseMediaType(got.header.Get("Content-Disposition"))
	return fmt.Sprintf("%s %s", got, parameters["filename"]), err
}

func (t *teller) askTwice() (string, error) {
	var urls [2]string
	for i := range urls {
		var words string
		var err error
		if urls[i], words, err = t.read("alice", client.ReadItem{Key: ownPicture, Stable: true}); err != nil || urls[i] == "" {
			return words, err
		}
	}
	if urls[0] != urls[1] {
		return "two URLs", nil
	}
	return "the same URL", nil
}
