package access

import (
	_ "embed"
	"fmt"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"
)

//go:embed schema.cedarschema
var schemaText []byte

// Schema returns the schema that policies are checked against, in Cedar's own
// form, for editors and other tools.
func Schema() []byte { return append([]byte(nil), schemaText...) }

// newValidator reads the schema.
func newValidator() (*validate.Validator, error) {
	var parsed schema.Schema
	parsed.SetFilename("schema.cedarschema")
	if err := parsed.UnmarshalCedar(schemaText); err != nil {
		return nil, fmt.Errorf("%w: the schema: %w", ErrPolicy, err)
	}
	resolved, err := parsed.Resolve()
	if err != nil {
		return nil, fmt.Errorf("%w: the schema: %w", ErrPolicy, err)
	}
	return validate.New(resolved, validate.WithStrict()), nil
}

// check holds a policy to the schema.
func check(validator *validate.Validator, file string, id cedar.PolicyID, policy *cedar.Policy) error {
	if err := validator.Policy(string(id), (*ast.Policy)(policy.AST())); err != nil {
		return fmt.Errorf("%w: %s: policy %q doesn't fit the schema: %w", ErrPolicy, file, id, err)
	}
	return nil
}
