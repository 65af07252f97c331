package policytest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// A Context is what only a deployment tells.
type Context struct {
	Account   string
	Partition string // empty: aws
	URLSuffix string // empty: amazonaws.com
	// Values of parameters and physical ids as Stack/LogicalId, of attributes
	// as Stack/LogicalId.Attribute. The ids of common resources are made up.
	Values map[string]string
	// Managed policies that no template defines, by ARN.
	Managed map[string][]byte
	// Ignore names resource types whose policies don't matter to the requests.
	Ignore []string
}

// ErrUnresolved is wrapped by every error of Resolve that comes of something
// in a template, and names where.
var ErrUnresolved = errors.New("template not resolved")

// Resolve reads all policies out of templates that are deployed together. A
// policy that it doesn't know how to read, wherever it hides, is an error.
func Resolve(context Context, templates ...Template) (*Policies, error) {
	context.Partition = cmp.Or(context.Partition, "aws")
	context.URLSuffix = cmp.Or(context.URLSuffix, "amazonaws.com")
	in := &account{Context: context}
	for _, template := range templates {
		in.stacks = append(in.stacks, &stack{Template: template, in: in})
	}
	policies := &Policies{
		Buckets: map[string]*Bucket{}, Keys: map[string]*Key{}, Aliases: map[string]string{},
		Roles: map[string]*IAMRole{}, Attached: map[string]Policy{}, Endpoints: map[string]Policy{},
	}
	reading := &reading{Policies: policies, account: in, managed: map[string]Policy{}}
	// What is attached by name is read after what bears the name.
	for _, read := range []func(*stack, string, string, map[string]any) error{reading.first, reading.second} {
		for _, s := range in.stacks {
			for _, id := range slices.Sorted(maps.Keys(s.section("Resources"))) {
				resource, exists, err := s.resource(id)
				kind, _ := resource["Type"].(string)
				if err == nil && exists {
					err = read(s, kind, id, resource)
				}
				if err != nil {
					return nil, fmt.Errorf("%w: %s/%s (%s): %w", ErrUnresolved, s.Stack, id, kind, err)
				}
			}
		}
	}
	return policies, nil
}

// reading gathers the policies of one Resolve.
type reading struct {
	*Policies
	*account
	managed map[string]Policy
}

// first reads what others refer to: buckets, keys, roles' trust, managed policies.
func (g *reading) first(s *stack, kind, id string, resource map[string]any) error {
	switch kind {
	case "AWS::S3::Bucket":
		return g.bucket(s, id, resource)
	case "AWS::KMS::Key", "AWS::KMS::ReplicaKey":
		return g.key(s, id, resource)
	case "AWS::IAM::Role":
		policy, err := s.policy(Trust, id, resource, "AssumeRolePolicyDocument")
		if err != nil {
			return err
		}
		arn, err := s.textAttribute(id, "Arn")
		g.Roles[arn] = &IAMRole{Trust: policy}
		return err
	case "AWS::IAM::ManagedPolicy":
		policy, err := s.policy(Identity, id, resource, "PolicyDocument")
		if err != nil {
			return err
		}
		if policy == nil {
			return errors.New("it has no PolicyDocument")
		}
		arn, err := s.textAttribute(id, "")
		g.managed[arn] = *policy
		return err
	}
	return nil
}

// second reads what is attached to them, and refuses policies of other types.
func (g *reading) second(s *stack, kind, id string, resource map[string]any) error {
	switch kind {
	case "AWS::S3::Bucket", "AWS::KMS::Key", "AWS::KMS::ReplicaKey":
		return nil
	case "AWS::KMS::Alias":
		return g.alias(s, resource)
	case "AWS::S3::BucketPolicy":
		return g.bucketPolicy(s, id, resource)
	case "AWS::IAM::Role":
		return g.role(s, id, resource)
	case "AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::ManagedPolicy":
		return g.attach(s, kind, id, resource)
	case "AWS::EC2::VPCEndpoint":
		return g.endpoint(s, id, resource)
	case "AWS::SecretsManager::ResourcePolicy":
		return g.attachTo(s, id, resource, "ResourcePolicy", "SecretId")
	case "AWS::SNS::TopicPolicy":
		return g.attachTo(s, id, resource, "PolicyDocument", "Topics")
	}
	if slices.Contains(g.Ignore, kind) {
		return nil
	}
	switch kind {
	case "AWS::IAM::User", "AWS::IAM::Group", "AWS::IAM::UserPolicy", "AWS::IAM::GroupPolicy", "AWS::IAM::UserToGroupAddition",
		"AWS::S3::AccessPoint", "AWS::Lambda::Permission", "AWS::SNS::TopicInlinePolicy", "AWS::Logs::ResourcePolicy":
		return errors.New("it gives rights that aren't modelled; Context.Ignore takes its type if they don't matter")
	}
	if holdsStatements(resource["Properties"]) {
		return errors.New("it holds a policy that isn't modelled; Context.Ignore takes its type if it doesn't matter")
	}
	return nil
}

// holdsStatements finds statements of policies wherever they are. (A firewall's
// rules have a Statement, too, but no Effect.)
func holdsStatements(value any) bool {
	switch value := value.(type) {
	case map[string]any:
		found := value["Effect"] != nil && (value["Action"] != nil || value["NotAction"] != nil)
		for _, member := range value {
			found = found || holdsStatements(member)
		}
		return found
	case []any:
		return slices.ContainsFunc(value, holdsStatements)
	}
	return false
}

// policy reads the document in a property; nil if there is none.
func (s *stack) policy(kind Kind, id string, resource map[string]any, property string) (*Policy, error) {
	document, err := s.property(resource, property)
	if err != nil || document == nil {
		return nil, err
	}
	policy, err := policyFrom(s.Stack+"/"+id, kind, document)
	return &policy, err
}

// textAttribute is an attribute, or with no name what Ref gives.
func (s *stack) textAttribute(id, name string) (string, error) {
	reference := map[string]any{"Fn::GetAtt": []any{id, name}}
	if name == "" {
		reference = map[string]any{"Ref": id}
	}
	return s.text(reference)
}
