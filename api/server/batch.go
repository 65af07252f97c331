package server

import (
	"errors"
	"fmt"

	"github.com/signgate/signgate/pkg/problem"
)

// Item names one object in a batch.
type Item struct {
	Key       string `json:"key" doc:"Key of the object: UTF-8, at most 1,024 bytes, segments separated by single slashes" example:"users/alice/a.png"`
	ExpiresIn *int64 `json:"expiresIn,omitempty" doc:"Life in seconds; the gateway's default if left out" example:"300"`
}

// Batch names the objects that a request is about.
type Batch struct {
	Items []Item `json:"items" minItems:"1" maxItems:"1000" nullable:"false" doc:"The objects, answered in the same order"`
}

// answerEach answers every item on its own, as each does. All is recorded
// before any of it is returned.
func answerEach[I, T any](
	issue *issue, items []I,
	answer func(issue *issue, item I, pointer string) (T, error),
	refuse func(item I, document *problem.Document) T,
) ([]T, error) {
	answers, err := each(issue, items, answer, refuse)
	if err != nil {
		return nil, errors.Join(err, issue.done()) // what was denied before stays on record
	}
	if err := issue.done(); err != nil {
		return nil, err
	}
	return answers, nil
}

// each takes every item on its own: a problem stays with its item, any other
// error is the whole request's. Nothing is recorded yet.
func each[I, T any](
	issue *issue, items []I,
	answer func(issue *issue, item I, pointer string) (T, error),
	refuse func(item I, document *problem.Document) T,
) ([]T, error) {
	answers := make([]T, len(items))
	for n, item := range items {
		one, err := answer(issue, item, fmt.Sprintf("/items/%d", n))
		if document, ok := errors.AsType[*problem.Document](err); ok {
			one = refuse(item, document)
		} else if err != nil {
			return nil, err
		}
		answers[n] = one
	}
	return answers, nil
}
