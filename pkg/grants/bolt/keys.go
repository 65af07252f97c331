package bolt

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/signgate/signgate/pkg/grants"
)

const (
	placeBytes = 3 * grants.MarkBytes
	timeBytes  = 8
	// endOfResource ends a resource within a key: no resource has a control
	// character, so none is mistaken for the beginning of another.
	endOfResource = 0
)

var errKey = errors.New("a key of the file is none of ours")

// resourcePrefix is what the keys of all grants on a resource begin with.
func resourcePrefix(resource string) []byte {
	key := make([]byte, 0, len(resource)+1+2*grants.MarkBytes)
	return append(append(key, resource...), endOfResource)
}

// grantKey puts the grants on a resource side by side, and among them those of
// a grantee, in order of time.
func grantKey(resource string, place grants.Place) []byte {
	return append(append(resourcePrefix(resource), place.Grantee[:]...), place.Serial[:]...)
}

// parseGrantKey returns the resource and the place.
func parseGrantKey(key []byte) (string, grants.Place, error) {
	end := len(key) - 2*grants.MarkBytes - 1
	if end < 1 || key[end] != endOfResource {
		return "", grants.Place{}, errKey
	}
	resource, rest := string(key[:end]), key[end+1:]
	return resource, grants.Place{
		Resource: grants.MarkOf(resource), Grantee: grants.Mark(rest[:grants.MarkBytes]), Serial: grants.Mark(rest[grants.MarkBytes:]),
	}, nil
}

// granteeKey puts the grants of a grantee side by side, in order of time. It
// has all that an id has.
func granteeKey(place grants.Place) []byte {
	return join(place.Grantee[:], place.Serial[:], place.Resource[:])
}

func parseGranteeKey(key []byte) (grants.Place, error) {
	if len(key) != placeBytes {
		return grants.Place{}, errKey
	}
	return grants.Place{
		Grantee: grants.Mark(key[:grants.MarkBytes]), Serial: grants.Mark(key[grants.MarkBytes : 2*grants.MarkBytes]),
		Resource: grants.Mark(key[2*grants.MarkBytes:]),
	}, nil
}

// expiryKey puts the grants that expire in order of when they do.
func expiryKey(expires time.Time, place grants.Place) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(expires.UnixNano())), granteeKey(place)...)
}

func parseExpiryKey(key []byte) (time.Time, grants.Place, error) {
	if len(key) != timeBytes+placeBytes {
		return time.Time{}, grants.Place{}, errKey
	}
	place, err := parseGranteeKey(key[timeBytes:])
	return time.Unix(0, int64(binary.BigEndian.Uint64(key))), place, err //nolint:gosec // written by expiryKey
}

func join(parts ...[]byte) []byte {
	key := make([]byte, 0, placeBytes)
	for _, part := range parts {
		key = append(key, part...)
	}
	return key
}
