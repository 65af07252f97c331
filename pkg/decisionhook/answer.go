package decisionhook

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
)

// maxAnswer is the largest answer in bytes that is read.
const maxAnswer = 16 << 10

// maxSeconds bounds the times of an answer: a year says enough, and more
// wouldn't fit everywhere.
const maxSeconds = 366 * 24 * 60 * 60

// answerDocument is the answer as it comes.
type answerDocument struct {
	Decision  string `json:"decision"`
	ExpiresIn *int64 `json:"expiresIn"`
	CacheFor  int64  `json:"cacheFor"`
	Reason    string `json:"reason"`
	Message   string `json:"message"`
}

func readAnswer(response *http.Response) (Answer, time.Duration, error) {
	if response.StatusCode != http.StatusOK {
		return Answer{}, 0, fmt.Errorf("it answers with the status %d", response.StatusCode)
	}
	if kind, _, err := mime.ParseMediaType(response.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return Answer{}, 0, errors.New("its answer isn't application/json")
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return Answer{}, 0, err
	}
	if len(body) > maxAnswer {
		return Answer{}, 0, fmt.Errorf("its answer is longer than %d bytes", maxAnswer)
	}
	return parseAnswer(body)
}

// parseAnswer reads an answer, and for how long it may stand. Errors hold
// nothing of it: what the application writes there isn't for every log.
func parseAnswer(body []byte) (Answer, time.Duration, error) {
	var document answerDocument
	if err := json.Unmarshal(body, &document, json.RejectUnknownMembers(true)); err != nil {
		return Answer{}, 0, errors.New("its answer isn't one JSON object of the members decision, expiresIn, cacheFor, reason and message")
	}
	if document.Decision != "allow" && document.Decision != "deny" {
		return Answer{}, 0, errors.New(`decision is neither "allow" nor "deny"`)
	}
	answer := Answer{Allowed: document.Decision == "allow", Reason: document.Reason, Message: document.Message}
	if document.ExpiresIn != nil {
		if *document.ExpiresIn < 1 || *document.ExpiresIn > maxSeconds {
			return Answer{}, 0, fmt.Errorf("expiresIn is not between 1 and %d seconds", maxSeconds)
		}
		answer.Life = time.Duration(*document.ExpiresIn) * time.Second
	}
	if document.CacheFor < 0 || document.CacheFor > maxSeconds {
		return Answer{}, 0, fmt.Errorf("cacheFor is not between 0 and %d seconds", maxSeconds)
	}
	return answer, time.Duration(document.CacheFor) * time.Second, nil
}
