package presign

import (
	"net/http"
	"time"
)

// CORS is what a bucket has to answer browsers, so that pages can send what
// this package presigns.
type CORS struct {
	Methods []string
	Headers []string // any: which of them a request needs is part of its signature
	Expose  []string // what upload clients read of S3's answers
	MaxAge  time.Duration
}

// BrowserUploads returns what pages need that upload to a bucket directly.
func BrowserUploads() CORS {
	return CORS{
		Methods: []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPost, http.MethodDelete},
		Headers: []string{"*"},
		Expose:  []string{"ETag", "Location", "x-amz-version-id"},
		MaxAge:  time.Hour,
	}
}
