package signingkeys

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	"github.com/aws/aws-cdk-go/awscdk/v2/interfaces/interfacesawscloudfront"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/complaints"
	"github.com/signgate/signgate/infra/config"
)

// ErrInvalid is wrapped by every complaint about Props.
var ErrInvalid = errors.New("invalid signing keys")

// MaxSlots is CloudFront's quota of public keys in a key group (CloudFront
// Developer Guide, "Quotas on key groups").
const MaxSlots = 5

const (
	slotPattern        = `^[a-z0-9]{1,16}$`
	fingerprintPattern = `^[0-9a-f]{16,64}$`

	// shown is how much of a fingerprint ids and names hold: 64 bits tell the
	// keys of one slot apart.
	shown = 16
	// longestName leaves room for slot and fingerprint in the 128 characters
	// of a public key's name.
	longestName = 80
)

// Props are the keys to be trusted.
type Props struct {
	Slots   []Slot // 1 to MaxSlots, in any order
	Active  string // id of the slot whose private half signs
	Comment string // on the key group; none: one that says what it is
}

// Slot is one public key.
type Slot struct {
	ID  string // 1 to 16 lower-case letters and digits
	PEM string // ECDSA on P-256 or RSA with 2,048 bits

	// Fingerprint stands for the content of a PEM that isn't known before it
	// is deployed, such as what a custom resource puts out: 16 to 64
	// hexadecimal digits, others whenever the key is another. CloudFront alone
	// checks such a PEM. Empty for a PEM that is known.
	Fingerprint string
}

// Validate says everything that is wrong, in one error that wraps ErrInvalid.
func (p *Props) Validate() error {
	if p == nil {
		return fmt.Errorf("%w: no props", ErrInvalid)
	}
	var found complaints.List
	found.When(len(p.Slots) == 0 || len(p.Slots) > MaxSlots, "Slots holds 1 to %d keys, not %d", MaxSlots, len(p.Slots))
	ids, contents := map[string]bool{}, map[string]string{}
	for _, slot := range p.Slots {
		if err := slot.check(); err != nil {
			found.When(true, "slot %q: %s", slot.ID, err)
		} else if content, err := slot.fingerprint(); err == nil {
			other, ok := contents[content]
			found.When(ok, "slot %q holds the key of slot %q", slot.ID, other)
			contents[content] = slot.ID
		}
		found.When(ids[slot.ID], "there are two slots %q", slot.ID)
		ids[slot.ID] = true
	}
	found.When(!ids[p.Active], "Active %q is none of the slots", p.Active)
	return found.Err(ErrInvalid)
}

func (s Slot) check() error {
	switch {
	case !regexp.MustCompile(slotPattern).MatchString(s.ID):
		return errors.New("its ID is 1 to 16 lower-case letters and digits")
	case s.Fingerprint == "":
		return config.CheckPublicKey(s.PEM)
	case !regexp.MustCompile(fingerprintPattern).MatchString(s.Fingerprint):
		return errors.New("its Fingerprint is 16 to 64 hexadecimal digits in lower case")
	case s.PEM == "" || strings.Contains(s.PEM, "-----BEGIN"):
		return errors.New("its Fingerprint is for a PEM that is known only once it is deployed")
	}
	return nil
}

// fingerprint is of the key itself, not of how its text is wrapped or ends.
func (s Slot) fingerprint() (string, error) {
	if s.Fingerprint != "" {
		return s.Fingerprint, nil
	}
	der, err := s.der()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:]), nil
}

// der is the key in the one encoding that Go writes.
func (s Slot) der() ([]byte, error) {
	block, _ := pem.Decode([]byte(s.PEM))
	if block == nil {
		return nil, errors.New("isn't PEM")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKIXPublicKey(key)
}

// encoded is the PEM that CloudFront gets. CloudFormation compares it as text,
// so of one key there is one text.
func (s Slot) encoded() (string, error) {
	if s.Fingerprint != "" {
		return s.PEM, nil
	}
	der, err := s.der()
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), nil
}

// Trust is the key group of a distribution.
type Trust interface {
	constructs.Construct
	// KeyGroup is what a behaviour names as trusted.
	KeyGroup() awscloudfront.IKeyGroup
	// KeyIDs are CloudFront's ids of the keys, the gateway's Key-Pair-Id, by
	// the order of the slots' ids. They are tokens.
	KeyIDs() *[]*string
	// IDs are the same by slot.
	IDs() map[string]*string
	// ActiveKeyID is the id of the active slot's key, a token.
	ActiveKeyID() *string
}

type trust struct {
	constructs.Construct
	group  awscloudfront.IKeyGroup
	ids    []*string
	slots  map[string]*string
	active *string
}

func (t *trust) KeyGroup() awscloudfront.IKeyGroup { return t.group }

func (t *trust) KeyIDs() *[]*string { return new(slices.Clone(t.ids)) }

func (t *trust) IDs() map[string]*string { return maps.Clone(t.slots) }

func (t *trust) ActiveKeyID() *string { return t.active }

// NewTrust makes the public keys and their group. It panics with the error of
// Validate, as CDK does.
func NewTrust(scope constructs.Construct, id *string, props *Props) Trust {
	if err := props.Validate(); err != nil {
		panic(err)
	}
	this := &trust{slots: map[string]*string{}}
	constructs.NewConstruct_Override(this, scope, id)
	slots := slices.SortedFunc(slices.Values(props.Slots), func(a, b Slot) int { return strings.Compare(a.ID, b.ID) })
	items := make([]interfacesawscloudfront.IPublicKeyRef, 0, len(slots))
	for _, slot := range slots {
		key, err := this.newKey(slot)
		if err != nil {
			panic(fmt.Errorf("%w: slot %q: %w", ErrInvalid, slot.ID, err))
		}
		items = append(items, key)
		this.ids = append(this.ids, key.PublicKeyId())
		this.slots[slot.ID] = key.PublicKeyId()
		if slot.ID == props.Active {
			this.active = key.PublicKeyId()
		}
	}
	comment := props.Comment
	if comment == "" {
		comment = "Public keys whose signatures are trusted"
	}
	this.group = awscloudfront.NewKeyGroup(this, jsii.String("Group"), &awscloudfront.KeyGroupProps{Items: &items, Comment: &comment})
	return this
}

// newKey binds the construct's id and the key's name to slot and content.
func (t *trust) newKey(slot Slot) (awscloudfront.PublicKey, error) {
	content, err := slot.fingerprint()
	if err != nil {
		return nil, err
	}
	encoded, err := slot.encoded()
	if err != nil {
		return nil, err
	}
	name := slot.ID + "-" + content[:shown]
	// The path begins with the stack's name, so environments don't collide.
	prefix := awscdk.Names_UniqueResourceName(t, &awscdk.UniqueResourceNameOptions{MaxLength: jsii.Number(longestName), Separator: jsii.String("-")})
	return awscloudfront.NewPublicKey(t, jsii.String("Key-"+name), &awscloudfront.PublicKeyProps{
		EncodedKey: &encoded, PublicKeyName: jsii.String(*prefix + "-" + name),
		Comment: jsii.Sprintf("Signing key of slot %s", slot.ID),
	}), nil
}
