package policytest

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
)

// bucket reads what decides about a bucket beside its policy.
func (g *reading) bucket(s *stack, id string, resource map[string]any) error {
	arn, err := s.textAttribute(id, "Arn")
	if err != nil {
		return err
	}
	bucket := &Bucket{Account: g.Account, Region: s.Region}
	g.Buckets[arn] = bucket
	acl, err := s.property(resource, "AccessControl")
	if err != nil {
		return err
	}
	if acl != nil && acl != "Private" && acl != "LogDeliveryWrite" {
		return fmt.Errorf("its ACL %v gives rights that aren't modelled", acl)
	}
	block, err := s.property(resource, "PublicAccessBlockConfiguration")
	if err != nil {
		return err
	}
	settings, _ := block.(map[string]any)
	bucket.RestrictPublicBuckets = fmt.Sprint(settings["RestrictPublicBuckets"]) == "true"
	encryption, err := s.property(resource, "BucketEncryption")
	if err != nil || encryption == nil {
		return err
	}
	configuration, _ := encryption.(map[string]any)
	rules, _ := configuration["ServerSideEncryptionConfiguration"].([]any)
	if len(rules) != 1 {
		return fmt.Errorf("BucketEncryption has %d rules", len(rules))
	}
	rule, _ := rules[0].(map[string]any)
	byDefault, _ := rule["ServerSideEncryptionByDefault"].(map[string]any)
	switch byDefault["SSEAlgorithm"] {
	case "AES256":
		return nil
	case "aws:kms", "aws:kms:dsse":
		key, ok := byDefault["KMSMasterKeyID"].(string)
		if !ok {
			return errors.New("it is encrypted with the key aws/s3, whose policy isn't known")
		}
		bucket.Key, bucket.BucketKey = s.keyARN(key), fmt.Sprint(rule["BucketKeyEnabled"]) == "true"
		return nil
	}
	return fmt.Errorf("SSEAlgorithm is %v", byDefault["SSEAlgorithm"])
}

// keyARN makes an ARN of a key's id or of an alias.
func (s *stack) keyARN(key string) string {
	switch {
	case strings.HasPrefix(key, "arn:"):
		return key
	case !strings.HasPrefix(key, "alias/"):
		key = "key/" + key
	}
	return s.arn("kms", key)
}

// key reads a key; without a policy of its own it has AWS's default, which
// hands the decision to the account ("Default key policy").
func (g *reading) key(s *stack, id string, resource map[string]any) error {
	policy, err := s.policy(Resource, id, resource, "KeyPolicy")
	if err != nil {
		return err
	}
	if policy == nil {
		parsed, err := policyFrom(s.Stack+"/"+id, Resource, map[string]any{"Statement": map[string]any{
			"Sid": "default", "Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": map[string]any{"AWS": g.Account},
		}})
		if err != nil {
			return err
		}
		policy = &parsed
	}
	arn, err := s.textAttribute(id, "Arn")
	g.Keys[arn] = &Key{Account: g.Account, Policy: *policy}
	return err
}

func (g *reading) alias(s *stack, resource map[string]any) error {
	name, err := s.name(resource, "AliasName")
	if err != nil {
		return err
	}
	key, err := s.name(resource, "TargetKeyId")
	if err != nil {
		return err
	}
	g.Aliases[s.keyARN(name)] = s.keyARN(key)
	return nil
}

func (g *reading) bucketPolicy(s *stack, id string, resource map[string]any) error {
	policy, err := s.policy(Resource, id, resource, "PolicyDocument")
	if err != nil || policy == nil {
		return cmp.Or(err, errors.New("it has no PolicyDocument"))
	}
	name, err := s.name(resource, "Bucket")
	if err != nil {
		return err
	}
	arn := "arn:" + g.Partition + ":s3:::" + name
	bucket, ok := g.Buckets[arn]
	if !ok { // one that no template makes
		bucket = &Bucket{Account: g.Account, Region: s.Region}
		g.Buckets[arn] = bucket
	}
	if bucket.Policy != nil {
		return fmt.Errorf("the bucket has the policy %s already", bucket.Policy.Name)
	}
	bucket.Policy = policy
	return nil
}

// role reads what is said at the role itself.
func (g *reading) role(s *stack, id string, resource map[string]any) error {
	arn, err := s.textAttribute(id, "Arn")
	if err != nil {
		return err
	}
	role := g.Roles[arn]
	inline, err := s.list(resource, "Policies")
	if err != nil {
		return err
	}
	for _, element := range inline {
		members, err := object(element, "PolicyName", "PolicyDocument")
		if err != nil {
			return err
		}
		policy, err := policyFrom(fmt.Sprintf("%s/%s/%v", s.Stack, id, members["PolicyName"]), Identity, members["PolicyDocument"])
		if err != nil {
			return err
		}
		role.Identity = append(role.Identity, policy)
	}
	managed, err := s.list(resource, "ManagedPolicyArns")
	if err != nil {
		return err
	}
	for _, arn := range managed {
		policy, err := g.managedPolicy(fmt.Sprint(arn))
		if err != nil {
			return err
		}
		role.Identity = append(role.Identity, policy)
	}
	boundary, err := s.property(resource, "PermissionsBoundary")
	if err != nil || boundary == nil {
		return err
	}
	policy, err := g.managedPolicy(fmt.Sprint(boundary))
	role.Boundary = &policy
	return err
}

func (g *reading) managedPolicy(arn string) (Policy, error) {
	if policy, ok := g.managed[arn]; ok {
		return policy, nil
	}
	document, ok := g.Managed[arn]
	if !ok {
		return Policy{}, fmt.Errorf("the managed policy %s is to be given in Context.Managed", arn)
	}
	return ParsePolicy(arn[strings.LastIndex(arn, "/")+1:], Identity, document)
}

// attach reads a policy that names its roles.
func (g *reading) attach(s *stack, kind, id string, resource map[string]any) error {
	properties, _ := resource["Properties"].(map[string]any)
	if properties["Users"] != nil || properties["Groups"] != nil {
		return errors.New("it is attached to users or groups, which aren't modelled")
	}
	policy, err := s.policy(Identity, id, resource, "PolicyDocument")
	if err != nil {
		return err
	}
	property := "Roles"
	if kind == "AWS::IAM::RolePolicy" {
		property = "RoleName"
	}
	names, err := s.property(resource, property)
	if err != nil {
		return err
	}
	if names == nil && kind == "AWS::IAM::ManagedPolicy" {
		return nil // attached elsewhere
	}
	roles, err := texts(names, false)
	if err != nil || policy == nil {
		return cmp.Or(err, errors.New("it has no PolicyDocument"))
	}
	for _, name := range roles {
		role := g.roleNamed(name)
		role.Identity = append(role.Identity, *policy)
	}
	return nil
}

// roleNamed finds a role by its name, whatever its path; one that no template
// makes is taken to have none.
func (g *reading) roleNamed(name string) *IAMRole {
	for arn, role := range g.Roles {
		if arn[strings.LastIndex(arn, "/")+1:] == name {
			return role
		}
	}
	role := &IAMRole{}
	g.Roles["arn:"+g.Partition+":iam::"+g.Account+":role/"+name] = role
	return role
}

// endpoint reads a VPC endpoint; without a policy it lets everything through.
func (g *reading) endpoint(s *stack, id string, resource map[string]any) error {
	policy, err := s.policy(Resource, id, resource, "PolicyDocument")
	if err != nil {
		return err
	}
	if policy == nil {
		parsed, err := policyFrom(s.Stack+"/"+id, Resource, map[string]any{"Statement": map[string]any{
			"Sid": "default", "Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "*",
		}})
		if err != nil {
			return err
		}
		policy = &parsed
	}
	name, err := s.textAttribute(id, "")
	g.Endpoints[name] = *policy
	return err
}

// attachTo reads the policy of resources that are named by their ARNs.
func (g *reading) attachTo(s *stack, id string, resource map[string]any, document, target string) error {
	policy, err := s.policy(Resource, id, resource, document)
	if err != nil || policy == nil {
		return cmp.Or(err, fmt.Errorf("it has no %s", document))
	}
	value, err := s.property(resource, target)
	if err != nil {
		return err
	}
	arns, err := texts(value, false)
	for _, arn := range arns {
		if _, taken := g.Attached[arn]; taken {
			return fmt.Errorf("%s has a policy already", arn)
		}
		g.Attached[arn] = *policy
	}
	return err
}
