package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/presign"
	"github.com/signgate/signgate/pkg/problem"
	"github.com/signgate/signgate/pkg/uploads"
)

// What a token is sealed for. One kind is never taken for another.
const (
	kindUpload  = "upload"         // the id of an upload
	kindSession = "upload-session" // the address of an upload session
	kindCall    = "s3-call"        // the address of one call in S3's own words
)

// opened is an upload in progress, in the hands of the person who began it.
type opened struct {
	uploads.Upload
	key      objectkey.Key // where the object is to be
	landing  objectkey.Key // where its bytes are
	action   access.Action
	decision decision
	expires  time.Time
}

// openUpload reads the id of an upload and asks again whether the caller may
// do what was allowed when it began.
func (s *Server) openUpload(issue *issue, token string) (opened, error) {
	var upload uploads.Upload
	expires, err := s.parts.Sealer.Open(kindUpload, token, &upload)
	if err != nil || upload.Subject != issue.principal().Subject {
		return opened{}, errNoUpload()
	}
	return s.resume(issue, upload, expires)
}

func (s *Server) resume(issue *issue, upload uploads.Upload, expires time.Time) (opened, error) {
	found := opened{Upload: upload, expires: expires, action: access.Write}
	var err error
	if found.key, err = objectkey.Parse(upload.Key); err != nil {
		return opened{}, err
	}
	if found.landing, err = upload.LandingKey(); err != nil {
		return opened{}, err
	}
	if found.decision, err = issue.authorizeKey(access.Write, found.key); err != nil {
		return opened{}, err
	}
	if upload.Overwrite {
		found.action = access.Overwrite
		var overwriting decision
		overwriting, err = issue.authorizeKey(access.Overwrite, found.key)
		found.decision = found.decision.and(overwriting)
	}
	return found, err
}

// needParts refuses what makes sense for parts only.
func (o opened) needParts() error {
	if o.S3ID == "" {
		return problem.New(problem.InvalidRequest, "This upload has no parts.")
	}
	return nil
}

// signParts signs the requests that carry parts. Their sizes are bound where
// the size of the whole is known, or where the caller says them.
func (s *Server) signParts(issue *issue, upload opened, parts []presign.Part, life time.Duration) ([]presign.Request, error) {
	if err := upload.needParts(); err != nil {
		return nil, err
	}
	numbers := make([]int, len(parts))
	for n := range parts {
		exact, err := upload.PartLength(parts[n].Number)
		if err != nil {
			return nil, invalid(fmt.Sprintf("/items/%d/partNumber", n), err.Error())
		}
		if exact != 0 && parts[n].Length != 0 && parts[n].Length != exact {
			return nil, invalid(fmt.Sprintf("/items/%d/contentLength", n), fmt.Sprintf("must be %d: that is this part's size", exact))
		}
		parts[n].Length = max(exact, parts[n].Length)
		numbers[n] = parts[n].Number
	}
	now := s.parts.Now()
	life = upload.decision.limitLife(now, min(life, upload.expires.Sub(now)))
	if life < time.Second {
		return nil, errNoUpload()
	}
	signed, err := s.parts.Presigner.Parts(issue.ctx, upload.landing, upload.S3ID, parts, life)
	if err != nil {
		return nil, err
	}
	issue.step(stepParts, upload.action, upload.Upload, upload.decision, signed[0].Expires)
	issue.records[len(issue.records)-1].Parts = ranges(numbers)
	return signed, nil
}

// listParts asks S3 which parts have arrived.
func (s *Server) listParts(issue *issue, upload opened) ([]uploads.Part, error) {
	if err := upload.needParts(); err != nil {
		return nil, err
	}
	issue.step(stepList, upload.action, upload.Upload, upload.decision, upload.expires)
	if err := issue.done(); err != nil {
		return nil, err
	}
	return s.parts.Uploads.Parts(issue.ctx, upload.landing, upload.S3ID)
}

// completeUpload puts the parts together, all that have arrived if none are
// named, and brings what has to be verified to its key. It is recorded before
// it is done. Done again after it broke off, it goes on where it was.
func (s *Server) completeUpload(issue *issue, upload opened, named []uploads.Part) (uploads.Object, error) {
	if upload.S3ID == "" && !upload.Verified() {
		return uploads.Object{}, problem.New(problem.InvalidRequest, "This upload needs no completion: the object is there when S3 has taken it.")
	}
	issue.step(stepComplete, upload.action, upload.Upload, upload.decision, upload.expires)
	if err := issue.done(); err != nil {
		return uploads.Object{}, err
	}
	// It goes on where its caller has gone away: S3 would begin anew otherwise,
	// and what takes long would never end.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(issue.ctx), completionTime)
	defer cancel()
	var object uploads.Object
	if upload.S3ID != "" {
		var err error
		object, err = s.joinParts(ctx, upload, named)
		joinedBefore := upload.Verified() && errors.Is(err, uploads.ErrGone)
		if err != nil && !joinedBefore {
			return uploads.Object{}, err
		}
	}
	if !upload.Verified() {
		return object, nil
	}
	return s.verify(ctx, upload)
}

// joinParts completes a multipart upload, having looked at what has arrived.
func (s *Server) joinParts(ctx context.Context, upload opened, named []uploads.Part) (uploads.Object, error) {
	arrived, err := s.parts.Uploads.Parts(ctx, upload.landing, upload.S3ID)
	if err != nil {
		return uploads.Object{}, err
	}
	parts, size, err := choose(arrived, named)
	if err != nil {
		return uploads.Object{}, err
	}
	if count := upload.PartCount(); count != 0 && len(parts) != count {
		return uploads.Object{}, invalid("/parts", fmt.Sprintf("must be %d, and %d have arrived", count, len(parts)))
	}
	if size < upload.MinLength || size > upload.MaxLength {
		// Nothing can make this one right any more.
		err := s.parts.Uploads.Abort(ctx, upload.landing, upload.S3ID)
		return uploads.Object{}, errors.Join(invalid("/parts", fmt.Sprintf(
			"have %d bytes together, and the upload was for %d to %d; it is ended", size, upload.MinLength, upload.MaxLength)), err)
	}
	return s.parts.Uploads.Complete(ctx, upload.Upload, parts, size)
}

// choose returns the parts to put together, in order, and their size: those
// named, as they have arrived, or all.
func choose(arrived, named []uploads.Part) ([]uploads.Part, int64, error) {
	byNumber := map[int]uploads.Part{}
	for _, part := range arrived {
		byNumber[part.Number] = part
	}
	chosen := arrived
	if named != nil {
		chosen = nil
		for n, part := range named {
			there, ok := byNumber[part.Number]
			if !ok || strings.Trim(part.ETag, `"`) != strings.Trim(there.ETag, `"`) {
				return nil, 0, invalid(fmt.Sprintf("/parts/%d", n), "has not arrived, or another has under its number")
			}
			chosen = append(chosen, there)
			delete(byNumber, part.Number) // named twice is once too often
		}
	}
	if len(chosen) == 0 {
		return nil, 0, invalid("/parts", "must hold at least one part that has arrived")
	}
	slices.SortFunc(chosen, func(a, b uploads.Part) int { return a.Number - b.Number })
	size := int64(0)
	for _, part := range chosen {
		size += part.Size
	}
	return chosen, size, nil
}

// verify looks at what has landed in quarantine and moves it to its key. What
// isn't what was announced is removed.
func (s *Server) verify(ctx context.Context, upload opened) (uploads.Object, error) {
	landed, err := s.parts.Uploads.Inspect(ctx, upload.landing)
	if errors.Is(err, uploads.ErrGone) {
		return uploads.Object{}, problem.New(problem.NotFound, "Nothing has been uploaded yet, or the upload is over.")
	}
	if err != nil {
		return uploads.Object{}, err
	}
	if err := upload.Fits(landed); err != nil {
		return uploads.Object{}, errors.Join(err, s.parts.Uploads.Remove(ctx, upload.landing))
	}
	object, err := s.parts.Uploads.Promote(ctx, landed, upload.key, upload.Tags, upload.Overwrite)
	if left, ok := errors.AsType[*uploads.LeftBehindError](err); ok {
		logFrom(ctx).WarnContext(ctx, "an object is left in quarantine", "key", left.Key, "error", left.Cause)
		return object, nil
	}
	return object, err
}

// abortUpload ends an upload and removes what has arrived of it.
func (s *Server) abortUpload(issue *issue, upload opened) error {
	if upload.S3ID == "" && !upload.Verified() {
		return problem.New(problem.InvalidRequest, "This upload can't be given up: its request works until it expires.")
	}
	issue.step(stepAbort, upload.action, upload.Upload, upload.decision, upload.expires)
	if err := issue.done(); err != nil {
		return err
	}
	if upload.S3ID != "" {
		if err := s.parts.Uploads.Abort(issue.ctx, upload.landing, upload.S3ID); err != nil && !errors.Is(err, uploads.ErrGone) {
			return err
		}
	}
	if upload.Verified() {
		return s.parts.Uploads.Remove(issue.ctx, upload.landing)
	}
	return nil
}

// ranges writes numbers as an audit record holds them: "1-3,7".
func ranges(numbers []int) string {
	sorted := slices.Compact(slices.Sorted(slices.Values(numbers)))
	var text strings.Builder
	for begin := 0; begin < len(sorted); {
		end := begin
		for end+1 < len(sorted) && sorted[end+1] == sorted[end]+1 {
			end++
		}
		if begin > 0 {
			text.WriteByte(',')
		}
		text.WriteString(strconv.Itoa(sorted[begin]))
		if end > begin {
			text.WriteString("-" + strconv.Itoa(sorted[end]))
		}
		begin = end + 1
	}
	return text.String()
}
