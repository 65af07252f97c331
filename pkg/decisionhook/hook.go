package decisionhook

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	lru "github.com/hashicorp/golang-lru/v2"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

var (
	// ErrConfig is wrapped by errors of New and ParseSecrets.
	ErrConfig = errors.New("unusable decision hook")
	// ErrUnavailable is wrapped by every error of Ask: there is no answer, so
	// nothing is allowed.
	ErrUnavailable = errors.New("the application that decides gave no answer")
)

// cachedAnswers bounds the cache.
const cachedAnswers = 10_000

// Principal is who asks to do something.
type Principal struct {
	Kind    string   `json:"kind"`              // "person", "machine" or "anonymous"
	Subject string   `json:"subject,omitempty"` // nothing of somebody anonymous
	Groups  []string `json:"groups,omitempty"`
	Tenant  string   `json:"tenant,omitempty"`
	Scopes  []string `json:"scopes,omitempty"` // of a machine's key
}

// Question is what the application is asked, about Key or about everything
// below Prefix.
type Question struct {
	Principal Principal `json:"principal"`
	Action    string    `json:"action"`
	Key       string    `json:"key,omitempty"`
	Prefix    string    `json:"prefix,omitempty"`
	Address   string    `json:"address,omitempty"` // that the request came from
}

// Answer is what the application said.
type Answer struct {
	ID      string // of the question that it answered: the webhook-id
	Allowed bool
	Reason  string        // for the log
	Message string        // for people
	Life    time.Duration // longest of each thing issued on it; 0: not limited
}

// Config says whom to ask, and how.
type Config struct {
	URL       string            // https, but for this machine itself
	Secrets   []Secret          // that sign, at least one
	Timeout   time.Duration     // of one question, the wait for its turn included
	Parallel  int               // most questions at a time
	CacheLife time.Duration     // longest that an answer stands; 0: never
	Transport http.RoundTripper // nil: one of its own
	Now       func() time.Time
	NewID     func() string // ids of questions: unguessable, letters and digits
}

// Hook asks. It is safe for concurrent use.
type Hook struct {
	config  Config
	client  *http.Client
	signers []*standardwebhooks.Webhook
	turns   chan struct{}
	answers *lru.Cache[[sha256.Size]byte, standing]
}

// standing is an answer and how long it stands.
type standing struct {
	answer Answer
	until  time.Time
}

// New makes a hook. Nothing is asked yet: the application may start later.
// Errors wrap ErrConfig.
func New(config Config) (*Hook, error) {
	if config.URL == "" || len(config.Secrets) == 0 || config.Timeout <= 0 || config.Parallel < 1 || config.CacheLife < 0 || config.Now == nil || config.NewID == nil {
		return nil, fmt.Errorf("%w: address, secret, timeout, parallel questions, clock and ids are needed", ErrConfig)
	}
	answers, err := lru.New[[sha256.Size]byte, standing](cachedAnswers)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	hook := &Hook{config: config, turns: make(chan struct{}, config.Parallel), answers: answers}
	for _, secret := range config.Secrets {
		signer, err := standardwebhooks.NewWebhookRaw(secret.key)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrConfig, err)
		}
		hook.signers = append(hook.signers, signer)
	}
	if config.Transport == nil {
		config.Transport = newTransport(config.Parallel)
	}
	hook.client = &http.Client{
		Transport: config.Transport,
		// A redirect could lead the question anywhere: its answer isn't one.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return hook, nil
}

func newTransport(parallel int) *http.Transport {
	const idle, headers = time.Minute, 16 << 10
	return &http.Transport{
		MaxIdleConnsPerHost: parallel, MaxConnsPerHost: parallel, IdleConnTimeout: idle, ForceAttemptHTTP2: true,
		MaxResponseHeaderBytes: headers, DisableCompression: true,
	}
}

// Parallel is how many questions are asked at a time at most.
func (h *Hook) Parallel() int { return h.config.Parallel }

// Ask returns what the application says, or said to the same question while
// that stands. Errors wrap ErrUnavailable and are never remembered.
func (h *Hook) Ask(ctx context.Context, question Question) (Answer, error) {
	data, err := json.Marshal(question, json.Deterministic(true))
	if err != nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	place := sha256.Sum256(data)
	if kept, ok := h.answers.Get(place); ok && h.config.Now().Before(kept.until) {
		return kept.answer, nil
	}
	ctx, cancel := context.WithTimeout(ctx, h.config.Timeout)
	defer cancel()
	select {
	case h.turns <- struct{}{}:
		defer func() { <-h.turns }()
	case <-ctx.Done():
		return Answer{}, fmt.Errorf("%w: too many questions wait: %w", ErrUnavailable, ctx.Err())
	}
	answer, cacheFor, err := h.post(ctx, question)
	if err != nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if life := min(cacheFor, h.config.CacheLife); life > 0 {
		h.answers.Add(place, standing{answer, h.config.Now().Add(life)})
	}
	return answer, nil
}

// envelope is the question as it is sent.
type envelope struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      Question  `json:"data"`
}

func (h *Hook) post(ctx context.Context, question Question) (Answer, time.Duration, error) {
	id, now := h.config.NewID(), h.config.Now().UTC().Truncate(time.Second)
	body, err := json.Marshal(envelope{Type: "signgate.decision", Timestamp: now, Data: question})
	if err != nil {
		return Answer{}, 0, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.config.URL, bytes.NewReader(body))
	if err != nil {
		return Answer{}, 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "signgate")
	request.Header.Set(standardwebhooks.HeaderWebhookID, id)
	request.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	signatures := make([]string, len(h.signers))
	for n, signer := range h.signers {
		if signatures[n], err = signer.Sign(id, now, body); err != nil {
			return Answer{}, 0, err
		}
	}
	request.Header.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	response, err := h.client.Do(request)
	if err != nil {
		return Answer{}, 0, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, cacheFor, err := readAnswer(response)
	answer.ID = id
	return answer, cacheFor, err
}
