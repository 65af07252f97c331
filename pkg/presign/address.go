package presign

import "github.com/signgate/signgate/pkg/objectkey"

// Address is the object's own, without any signature: what names it, not what
// opens it.
func (p *Presigner) Address(key objectkey.Key) string {
	return p.address.Scheme + "://" + p.address.Host + p.address.Path + key.Path()
}

// Tagging returns the tags as the x-amz-tagging header has them; "" for none.
func (u Upload) Tagging() string { return tagHeader(u.Tags) }
