package keyring

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	// fileSuffix is what the name of a key's file ends in; the rest of the name
	// is the key's id.
	fileSuffix = ".pem"
	// documentFile is the name of the document beside PEM files.
	documentFile = "keys.json"
	// lockFile keeps two changes of the document from crossing.
	lockFile = "keys.lock"

	secretMode = 0o600
	publicMode = 0o644
)

// Folder is a source of keys: files "<key id>.pem", and keys.json, which says
// which of them signs. It is safe for concurrent use.
type Folder struct {
	dir      string
	activeID string
	open     Opener
}

var _ Source = (*Folder)(nil)

// NewFolder makes a source of a folder. Without keys.json there, activeID says
// which key signs, and all others are retiring. Beside keys.json activeID must
// be empty or name the same key: whoever wants it otherwise is told. open
// returns the keys of slots in KMS; nil: there are none.
func NewFolder(dir, activeID string, open Opener) *Folder {
	return &Folder{dir: dir, activeID: activeID, open: open}
}

// folderFiles is what a folder held at one time.
type folderFiles struct {
	document []byte // nil: there is none
	keys     map[string][]byte
}

func (f *Folder) files() (folderFiles, error) {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return folderFiles{}, err
	}
	files := folderFiles{keys: map[string][]byte{}}
	for _, entry := range entries {
		id, isKey := strings.CutSuffix(entry.Name(), fileSuffix)
		if !isKey && entry.Name() != documentFile {
			continue
		}
		data, err := os.ReadFile(filepath.Join(f.dir, entry.Name()))
		if err != nil {
			return folderFiles{}, fmt.Errorf("signing key: %w", err)
		}
		if isKey {
			files.keys[id] = data
		} else {
			files.document = data
		}
	}
	return files, nil
}

func (f folderFiles) revision() string {
	all := sha256.New()
	_, _ = fmt.Fprintf(all, "%t %x\n", f.document != nil, sha256.Sum256(f.document)) // a hash takes everything
	for _, id := range slices.Sorted(maps.Keys(f.keys)) {
		_, _ = fmt.Fprintf(all, "%q %x\n", id, sha256.Sum256(f.keys[id]))
	}
	return hex.EncodeToString(all.Sum(nil))
}

// Load is Source's. Files with other endings than .pem are left alone; one
// with the right ending that can't be read is an error that names it, because
// a key that silently goes missing is an outage.
func (f *Folder) Load(ctx context.Context, before *Keys) (*Keys, error) {
	files, err := f.files()
	if err != nil {
		return nil, err
	}
	revision := files.revision()
	if before != nil && before.Revision == revision {
		return before, nil
	}
	if files.document == nil {
		return f.loadPlain(files, revision)
	}
	document, err := ParseDocument(files.document)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(f.dir, documentFile), err)
	}
	if active := document.Slots[document.Active].KeyID; f.activeID != "" && f.activeID != active {
		return nil, fmt.Errorf("%w: the settings say %s and %s says %s; leave the setting out",
			ErrNoActiveKey, f.activeID, filepath.Join(f.dir, documentFile), active)
	}
	keys, err := document.Keys(ctx, revision, f.opener(files))
	if err != nil {
		return nil, err
	}
	return f.withOthers(keys, files)
}

// loadPlain makes keys of PEM files alone.
func (f *Folder) loadPlain(files folderFiles, revision string) (*Keys, error) {
	if len(files.keys) == 0 {
		return nil, fmt.Errorf("%w: the folder %s holds no file named <key id>%s", ErrNoActiveKey, f.dir, fileSuffix)
	}
	if f.activeID == "" {
		return nil, fmt.Errorf("%w: the folder %s has no %s, so the setting has to say which key signs", ErrNoActiveKey, f.dir, documentFile)
	}
	keys, err := f.parse(files.keys)
	if err != nil {
		return nil, err
	}
	ring, err := New(f.activeID, keys...)
	if err != nil {
		return nil, err
	}
	return &Keys{Ring: ring, Revision: revision}, nil
}

// withOthers trusts the files too that the document doesn't speak of.
func (f *Folder) withOthers(keys *Keys, files folderFiles) (*Keys, error) {
	others := maps.Clone(files.keys)
	for _, slot := range keys.Document.Slots {
		delete(others, slot.KeyID)
	}
	if len(others) == 0 {
		return keys, nil
	}
	parsed, err := f.parse(others)
	if err != nil {
		return nil, err
	}
	ring, err := New(keys.Ring.Active().ID, append(keys.Ring.Keys(), parsed...)...)
	if err != nil {
		return nil, err
	}
	keys.Ring = ring
	return keys, nil
}

func (f *Folder) parse(files map[string][]byte) ([]Key, error) {
	var keys []Key
	for _, id := range slices.Sorted(maps.Keys(files)) {
		signer, err := f.parseFile(id, files[id])
		if err != nil {
			return nil, err
		}
		keys = append(keys, Key{ID: id, Signer: signer})
	}
	return keys, nil
}

func (f *Folder) parseFile(id string, data []byte) (crypto.Signer, error) {
	path := filepath.Join(f.dir, id+fileSuffix)
	if data == nil {
		return nil, fmt.Errorf("%w: %s is missing", ErrPEM, path)
	}
	signer, err := ParsePrivatePEM(data)
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", path, err)
	}
	return signer, nil
}

func (f *Folder) opener(files folderFiles) Opener {
	return func(ctx context.Context, slot Slot) (crypto.Signer, error) {
		switch {
		case slot.KMSKey == "":
			return f.parseFile(slot.KeyID, files.keys[slot.KeyID])
		case f.open == nil:
			return nil, fmt.Errorf("%w: nothing here asks KMS", ErrUnavailable)
		}
		return f.open(ctx, slot)
	}
}

// Read returns the document and what Write wants to know of it. A folder with
// PEM files alone has one that speaks of the active key only. Errors wrap
// ErrNoDocument where there is nothing.
func (f *Folder) Read(context.Context) (*Document, string, error) {
	files, err := f.files()
	if err != nil {
		return nil, "", err
	}
	revision := files.revision()
	if files.document != nil {
		document, err := ParseDocument(files.document)
		if err != nil {
			return nil, revision, fmt.Errorf("%s: %w", filepath.Join(f.dir, documentFile), err)
		}
		return document, revision, nil
	}
	if f.activeID == "" || files.keys[f.activeID] == nil {
		return nil, revision, fmt.Errorf("%w: %s holds no %s, and no key is said to be active", ErrNoDocument, f.dir, documentFile)
	}
	// No token secret: gateways that have yet to see one couldn't open what
	// others seal under it.
	document := NewDocument(false)
	document.Active, document.Slots[f.activeID] = f.activeID, Slot{KeyID: f.activeID}
	return document, revision, nil
}

// Write puts a document in the place of the one that was read under the
// revision. Private halves stay in the document or are in files already.
// Errors wrap ErrConflict where the folder has changed since.
func (f *Folder) Write(_ context.Context, document *Document, revision string) error {
	data, err := document.Marshal()
	if err != nil {
		return err
	}
	unlock, err := lock(filepath.Join(f.dir, lockFile))
	if err != nil {
		return err
	}
	files, err := f.files()
	if err != nil {
		return errors.Join(err, unlock())
	}
	if files.revision() != revision {
		return errors.Join(fmt.Errorf("%w: %s", ErrConflict, f.dir), unlock())
	}
	return errors.Join(replace(filepath.Join(f.dir, documentFile), data, secretMode), unlock())
}

// Signer returns the private half of a slot of the folder's document.
func (f *Folder) Signer(ctx context.Context, slot Slot) (crypto.Signer, error) {
	files, err := f.files()
	if err != nil {
		return nil, err
	}
	return slot.Open(ctx, f.opener(files))
}

// replace writes a file so that whoever reads it finds the old one or the new
// one, whole.
func replace(path string, data []byte, mode fs.FileMode) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	err = errors.Join(err, file.Chmod(mode), file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// Group is a folder of the public halves that a distribution trusts, one file
// "<key id>.pem" each: what the key group is to CloudFront. The local edge
// reads one.
type Group struct{ dir string }

// NewGroup makes a group of a folder.
func NewGroup(dir string) *Group { return &Group{dir: dir} }

// Keys returns the trusted keys by id. Errors name the file that can't be read.
func (g *Group) Keys() (map[string]crypto.PublicKey, error) {
	entries, err := os.ReadDir(g.dir)
	if err != nil {
		return nil, err
	}
	keys := map[string]crypto.PublicKey{}
	for _, entry := range entries {
		id, isKey := strings.CutSuffix(entry.Name(), fileSuffix)
		if !isKey {
			continue
		}
		if err := CheckID(id); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(g.dir, entry.Name()), err)
		}
		data, err := os.ReadFile(filepath.Join(g.dir, entry.Name()))
		if err != nil {
			return nil, err
		}
		if keys[id], err = ParsePublicPEM(data); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(g.dir, entry.Name()), err)
		}
	}
	return keys, nil
}

// Add has a key trusted. Adding it again changes nothing; an id keeps the key
// that it was given, as CloudFront's do (ErrKeyID).
func (g *Group) Add(_ context.Context, id string, public crypto.PublicKey) error {
	if err := CheckID(id); err != nil {
		return err
	}
	text, err := MarshalPublicPEM(public)
	if err != nil {
		return err
	}
	path := filepath.Join(g.dir, id+fileSuffix)
	if there, err := os.ReadFile(path); err == nil {
		if !bytes.Equal(there, text) {
			return fmt.Errorf("%w: %s names another key already", ErrKeyID, id)
		}
		return nil
	}
	return replace(path, text, publicMode)
}

// Remove has a key trusted no more. Removing it again changes nothing.
func (g *Group) Remove(_ context.Context, id string) error {
	if err := CheckID(id); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(g.dir, id+fileSuffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
