package pairs_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/signgate/signgate/infra/signingkeys/pairs"
	"github.com/signgate/signgate/pkg/keyring"
)

// memory keeps a document where a secret would.
type memory struct{ document *keyring.Document }

func (m *memory) Read(context.Context) (*keyring.Document, string, error) {
	if m.document == nil {
		return nil, "", keyring.ErrNoDocument
	}
	return m.document, "1", nil
}

func (m *memory) Write(_ context.Context, document *keyring.Document, _ string) error {
	m.document = document
	return nil
}

// CloudFormation makes the key of a slot.
func Example() {
	store := &memory{}
	handler := pairs.NewHandler(pairs.Config{Open: func(string) pairs.Store { return store }, Now: time.Now})
	id, data, err := handler.Handle(context.Background(), cfn.Event{
		RequestType: cfn.RequestCreate, ResourceType: pairs.Pair, ResourceProperties: map[string]any{"Secret": "signing", "Slot": "a"},
	})
	fmt.Println(id, data["PublicKey"] == store.document.Slots["a"].PublicPEM(), err)
	// Output: signing#a#P-256 true <nil>
}
