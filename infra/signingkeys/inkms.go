package signingkeys

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/policy"
)

// SignWith is Managed's.
func (m *managed) SignWith() []string {
	var keys []string
	for _, slot := range m.props.Slots {
		if key, there := m.inKMS[slot]; there {
			keys = append(keys, key)
		}
	}
	return keys
}

// newKeysInKMS makes the keys that are asked for. Only the gateway signs with
// them, and only what it signs; not even those who govern them.
func (m *managed) newKeysInKMS(maker awsiam.IRole) {
	m.inKMS = map[string]string{}
	for _, slot := range m.props.Slots {
		existing, there := m.props.InKMS[slot]
		switch {
		case !there:
		case existing == "":
			made := m.props.Guard.NewSigningKey(m, "SigningKey-"+slot, "signgate: signing key of slot "+slot, removal(m.props.Retain), m.signs(maker)...)
			m.inKMS[slot] = *made.KeyArn()
		default:
			m.inKMS[slot] = existing
			m.tellOwner(slot, maker)
		}
	}
}

// signs is what may be done with a signing key.
func (m *managed) signs(maker awsiam.IRole) []awsiam.PolicyStatement {
	gateway, keygen := awsiam.NewArnPrincipal(m.props.Gateway.RoleArn()), awsiam.NewArnPrincipal(maker.RoleArn())
	digests := policy.Conditions{"StringEquals": {"kms:SigningAlgorithm": "ECDSA_SHA_256", "kms:MessageType": "DIGEST"}}
	return []awsiam.PolicyStatement{
		policy.Allow("GatewaySigns", gateway, policy.Itself(), []string{"kms:Sign"}, digests),
		policy.Allow("GatewayKnowsThePublicHalf", gateway, policy.Itself(), []string{"kms:GetPublicKey"}, nil),
		policy.Allow("KeygenReadsThePublicHalf", keygen, policy.Itself(), []string{"kms:GetPublicKey"}, nil),
	}
}

// tellOwner says what the policy of a key has to hold that isn't the stack's.
func (m *managed) tellOwner(slot string, maker awsiam.IRole) {
	statements := m.signs(maker)
	needed := make([]string, 0, len(statements))
	for _, statement := range statements {
		needed = append(needed, *statement.Sid())
	}
	awscdk.Annotations_Of(m).AddWarningV2(jsii.String("signgate:signing-key-policy-"+slot),
		jsii.Sprintf("The key of slot %s belongs to somebody else: its owner has to let the gateway's role and that of what makes keys use it, by the statements %s, as package signingkeys writes them for a key of its own. An RSA_2048 key signs by RSASSA_PKCS1_V1_5_SHA_256 and not by ECDSA_SHA_256", slot, strings.Join(needed, ", ")))
}
