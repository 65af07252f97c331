package signingkeys

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/bundle"
	"github.com/signgate/signgate/infra/complaints"
	"github.com/signgate/signgate/infra/observability"
	"github.com/signgate/signgate/infra/policy"
	"github.com/signgate/signgate/infra/signingkeys/pairs"
	"github.com/signgate/signgate/pkg/keyring"
)

// Keygen is the import path of the function that makes keys.
const Keygen = "github.com/signgate/signgate/infra/signingkeys/keygen"

// ManagedProps is what managed keys are made of. Slots, Gateway, KeepFor and
// LogDays have to be given.
type ManagedProps struct {
	// Slots are the ids of 1 to MaxSlots keys. The first one signs at first;
	// after that the secret says which, and signgate keys rotate changes it.
	Slots []string
	// InKMS are the slots whose keys are in KMS, where their private halves
	// stay: by slot the ARN of an existing key (ECC_NIST_P256 or RSA_2048, for
	// SIGN_VERIFY), whose policy is its owner's matter, or nothing for a key of
	// the stack's own. The other slots' keys lie in the secret.
	InKMS map[string]string
	// Gateway is the role that signs: the only one, besides those of Guard and
	// the function that makes keys, that may read the secret.
	Gateway awsiam.IRole
	// KeepFor is how long the distribution has to know a key after it has
	// stopped signing: the longest life of a URL, and the gateway's
	// signing-grace. A deployment that forgets a key earlier fails.
	KeepFor time.Duration
	Code    awslambda.Code // of the function that makes keys; nil: it is built
	LogDays int            // how long its log is kept
	// Retain keeps the secret when the stack is deleted, and a slot's key in KMS
	// when its slot is gone too. Without it, such a key can be had back for 30
	// days.
	Retain bool
	Guard  policy.Guard // Deployers and Administrators may read and rotate
}

// Validate says everything that is wrong, in one error that wraps ErrInvalid.
// NewManaged panics with it, as CDK does.
func (p *ManagedProps) Validate() error {
	if p == nil {
		return fmt.Errorf("%w: no props", ErrInvalid)
	}
	var found complaints.List
	found.When(len(p.Slots) == 0 || len(p.Slots) > MaxSlots, "Slots holds 1 to %d keys, not %d", MaxSlots, len(p.Slots))
	ids := map[string]bool{}
	for _, id := range p.Slots {
		found.When(!regexp.MustCompile(slotPattern).MatchString(id), "slot %q: its id is 1 to 16 lower-case letters and digits", id)
		found.When(ids[id], "there are two slots %q", id)
		ids[id] = true
	}
	found.When(p.Gateway == nil, "Gateway is missing: the role that signs")
	found.When(p.KeepFor < time.Second, "KeepFor is missing: how long may a URL live?")
	found.When(p.LogDays < 1, "LogDays is at least 1: how long are logs kept?")
	for id, key := range p.InKMS {
		found.When(!ids[id], "InKMS names the slot %q, which isn't there", id)
		// Not even a token: another key would have to be another public key.
		found.When(key != "" && keyring.CheckKMSKey(key) != nil, "InKMS of slot %q: %q is no ARN of a key of KMS; an alias could be pointed elsewhere", id, key)
	}
	p.Guard.Check(&found)
	return found.Err(ErrInvalid)
}

// Managed is keys that nobody has ever held: their private halves were made in
// the account and lie in a secret, or are KMS's.
type Managed interface {
	constructs.Construct
	// KeyGroup is what a behaviour names as trusted.
	Trust() Trust
	// SecretARN names the secret with the document of keys, a token.
	SecretARN() *string
	// KeyARN names the key of KMS that encrypts the secret, a token.
	KeyARN() *string
	// SignWith are the ARNs of the keys in KMS that sign, by the order of the
	// slots.
	SignWith() []string
}

type managed struct {
	constructs.Construct
	props  *ManagedProps
	key    awskms.Key
	secret awssecretsmanager.CfnSecret
	trust  Trust
	inKMS  map[string]string // ARNs by slot
}

func (m *managed) Trust() Trust       { return m.trust }
func (m *managed) SecretARN() *string { return m.secret.Ref() }
func (m *managed) KeyARN() *string    { return m.key.KeyArn() }

// NewManaged makes the secret, the function that makes keys in it, a key for
// each slot, and the key group of them. CloudFormation only ever sees public
// halves.
func NewManaged(scope constructs.Construct, id *string, props *ManagedProps) Managed {
	if err := props.Validate(); err != nil {
		panic(err)
	}
	this := &managed{props: props}
	constructs.NewConstruct_Override(this, scope, id)
	maker := awsiam.NewRole(this, jsii.String("KeygenRole"), &awsiam.RoleProps{
		AssumedBy:   awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
		Description: jsii.String("Makes signing keys when they are deployed, and does nothing else"),
	})
	this.key = props.Guard.NewKey(this, "Key", "signgate: the secret of the signing keys", removal(props.Retain), this.uses(maker)...)
	// Without a value: CDK's own construct would have one made up.
	this.secret = awssecretsmanager.NewCfnSecret(this, jsii.String("Secret"), &awssecretsmanager.CfnSecretProps{
		Description: jsii.String("signgate: private signing keys"), KmsKeyId: this.key.KeyArn(),
	})
	this.secret.ApplyRemovalPolicy(removal(props.Retain), nil)
	this.newKeysInKMS(maker)
	fence := this.fence(maker)
	keygen := this.newKeygen(maker)
	keygen.Node().AddDependency(fence)
	this.newKeys(keygen)
	return this
}

// uses lets what makes keys use the key through Secrets Manager, and leaves it
// to the policies of the gateway, deployers and administrators whether they do:
// the gateway's says for which secret, whose ARN this policy can't name, because
// the secret names the key.
func (m *managed) uses(maker awsiam.IRole) []awsiam.PolicyStatement {
	through := policy.Conditions{"StringEquals": {"kms:ViaService": "secretsmanager." + *awscdk.Stack_Of(m).Region() + "." + *awscdk.Aws_URL_SUFFIX()}}
	gateway := through.With("ArnEquals", policy.PrincipalARN, *m.props.Gateway.RoleArn())
	write := []string{"kms:Decrypt", "kms:GenerateDataKey"}
	return []awsiam.PolicyStatement{
		policy.Allow("KeygenWrites", awsiam.NewArnPrincipal(maker.RoleArn()), policy.Itself(), write, through),
		policy.Allow("GatewayReads", awsiam.NewAccountRootPrincipal(), policy.Itself(), []string{"kms:Decrypt"}, gateway),
		policy.Allow("KeepersRotate", awsiam.NewAccountRootPrincipal(), policy.Itself(), write, through.With("ArnLike", policy.PrincipalARN, m.props.Guard.Keepers(m))),
	}
}

// fence keeps everybody else from the secret, whatever they are allowed
// elsewhere. BatchGetSecretValue is about no resource, and answers only with
// secrets that its caller may have by GetSecretValue (AWS Secrets Manager API
// Reference, "BatchGetSecretValue").
func (m *managed) fence(maker awsiam.IRole) awssecretsmanager.CfnResourcePolicy {
	keepers := m.props.Guard.Keepers(m)
	with := func(roles ...awsiam.IRole) policy.Conditions {
		all := append([]string(nil), keepers...)
		for _, role := range roles {
			all = append(all, *role.RoleArn())
		}
		return policy.Unless(all)
	}
	document := awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &[]awsiam.PolicyStatement{
		policy.Deny("OnlyTheGatewayReads", policy.Itself(), []string{"secretsmanager:GetSecretValue"}, with(maker, m.props.Gateway)),
		policy.Deny("OnlyKeygenWrites", policy.Itself(), []string{"secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"}, with(maker)),
		policy.Deny("OnlyDeployersGovern", policy.Itself(), []string{
			"secretsmanager:DeleteSecret", "secretsmanager:UpdateSecret", "secretsmanager:PutResourcePolicy", "secretsmanager:DeleteResourcePolicy",
			"secretsmanager:ReplicateSecretToRegions", "secretsmanager:RotateSecret",
		}, with()),
	}})
	fence := awssecretsmanager.NewCfnResourcePolicy(m, jsii.String("SecretPolicy"), &awssecretsmanager.CfnResourcePolicyProps{
		SecretId: m.secret.Ref(), ResourcePolicy: document, BlockPublicPolicy: jsii.Bool(true),
	})
	fence.ApplyRemovalPolicy(removal(m.props.Retain), nil) // a secret that is kept isn't left unguarded
	return fence
}

// newKeygen makes the function, which may do nothing but change this secret.
func (m *managed) newKeygen(role awsiam.IRole) awslambda.IFunction {
	logKey := m.props.Guard.NewKey(m, "LogKey", "signgate: the log of what makes signing keys", removal(m.props.Retain), observability.LogGroupsEncrypt(m))
	logs := observability.NewLogGroup(m, jsii.String("Logs"), logKey, m.props.LogDays, m.props.Retain)
	permissions := []awsiam.PolicyStatement{
		policy.Permit("WritesItsLog", []string{*logs.AttrArn()}, "logs:CreateLogStream", "logs:PutLogEvents"),
		policy.Permit("KeepsKeys", []string{*m.secret.Ref()}, "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"),
	}
	if keys := m.SignWith(); len(keys) > 0 {
		permissions = append(permissions, policy.Permit("ReadsPublicHalves", keys, "kms:GetPublicKey"))
	}
	allowed := policy.Attach(m, "Permissions", role, permissions...)
	code := m.props.Code
	if code == nil {
		code = bundle.Program{Package: Keygen}.Code()
	}
	// A request that Lambda couldn't run before CloudFormation gave it up mustn't
	// run at all: it would undo what the deployment's rollback has done.
	const memory, seconds, latest = 256, 60, 240
	function := awslambda.NewFunction(m, jsii.String("Keygen"), &awslambda.FunctionProps{
		Description:  jsii.String("signgate: makes signing keys when they are deployed"),
		Architecture: awslambda.Architecture_ARM_64(), Runtime: awslambda.Runtime_PROVIDED_AL2023(), Handler: jsii.String("bootstrap"), Code: code,
		LogGroup:   awslogs.LogGroup_FromLogGroupName(m, jsii.String("LogsByName"), logs.Ref()),
		Role:       awsiam.Role_FromRoleArn(m, jsii.String("Role"), role.RoleArn(), &awsiam.FromRoleArnOptions{Mutable: jsii.Bool(false)}),
		MemorySize: jsii.Number(memory), Timeout: awscdk.Duration_Seconds(jsii.Number(seconds)), MaxEventAge: awscdk.Duration_Seconds(jsii.Number(latest)),
	})
	function.Node().AddDependency(allowed)
	return function
}

// newKeys has the pairs made one after the other, for they are written into
// one document, and the ids written down before the key group is changed: what
// refuses to forget a key so keeps it in the group.
func (m *managed) newKeys(keygen awslambda.IFunction) {
	custom := func(id, kind string, properties map[string]any) awscdk.CustomResource {
		properties["Secret"] = m.secret.Ref()
		return awscdk.NewCustomResource(m, jsii.String(id), &awscdk.CustomResourceProps{
			ServiceToken: keygen.FunctionArn(), ServiceTimeout: awscdk.Duration_Minutes(jsii.Number(5)), ResourceType: jsii.String(kind), Properties: &properties,
		})
	}
	props := &Props{Active: m.props.Slots[0]}
	var before awscdk.CustomResource
	for _, slot := range m.props.Slots {
		properties := map[string]any{"Slot": slot}
		if key, there := m.inKMS[slot]; there {
			properties["KMSKey"] = key
		}
		pair := custom("Pair-"+slot, pairs.Pair, properties)
		if before != nil {
			pair.Node().AddDependency(before)
		}
		before = pair
		// A slot's key is never another, so the slot stands for its content,
		// together with the key in KMS.
		content := sha256.Sum256([]byte("managed " + slot))
		if existing, there := m.props.InKMS[slot]; there {
			content = sha256.Sum256([]byte("kms " + slot + " " + existing))
		}
		props.Slots = append(props.Slots, Slot{ID: slot, PEM: *pair.GetAttString(jsii.String("PublicKey")), Fingerprint: hex.EncodeToString(content[:])})
	}
	m.trust = NewTrust(m, jsii.String("Trust"), props)
	ids := map[string]any{}
	for slot, id := range m.trust.IDs() {
		ids[slot] = id
	}
	known := custom("KeyIDs", pairs.IDs, map[string]any{"KeyIDs": ids, "KeepFor": m.props.KeepFor.String()})
	m.trust.KeyGroup().Node().AddDependency(known)
}

func removal(retain bool) awscdk.RemovalPolicy {
	if retain {
		return awscdk.RemovalPolicy_RETAIN
	}
	return awscdk.RemovalPolicy_DESTROY
}
