package stores

import (
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/complaints"
	"github.com/signgate/signgate/infra/policy"
	apikeys "github.com/signgate/signgate/pkg/apikeys/dynamo"
	audit "github.com/signgate/signgate/pkg/audit/dynamo"
	"github.com/signgate/signgate/pkg/dynamotable"
	grants "github.com/signgate/signgate/pkg/grants/dynamo"
)

// ErrInvalid is wrapped by the error of Validate.
var ErrInvalid = errors.New("invalid stores")

// recoveryDays is the longest that DynamoDB lets one go back.
const recoveryDays = 35

// Props says which tables there are. Gateway has to be given, and one of them.
type Props struct {
	Gateway awsiam.IRole // who uses the tables, and so their key

	Grants  bool // what is shared: the setting grants-table
	APIKeys bool // of machines: api-keys-table
	Audit   bool // the trail: audit-table

	Retain bool         // keep the tables when the stack is deleted, and refuse to delete them before
	Guard  policy.Guard // of their key
}

// Validate says everything that is wrong, in one error that wraps ErrInvalid.
// NewTables panics with it, as CDK does.
func (p *Props) Validate() error {
	if p == nil {
		return fmt.Errorf("%w: there are no props", ErrInvalid)
	}
	var found complaints.List
	found.When(p.Gateway == nil, "Gateway is missing: who uses the tables?")
	found.When(!p.Grants && !p.APIKeys && !p.Audit, "no table is asked for")
	p.Guard.Check(&found)
	return found.Err(ErrInvalid)
}

// Table is one of them.
type Table struct {
	Name    *string  // a token
	ARN     *string  // a token
	Indexes []string // names of its global secondary indexes
}

// Tables are those that were asked for; the others are nil.
type Tables interface {
	constructs.Construct
	Grants() *Table
	APIKeys() *Table
	Audit() *Table
}

type tables struct {
	constructs.Construct
	props                  *Props
	key                    awskms.Key
	grants, apiKeys, audit *Table
}

func (t *tables) Grants() *Table  { return t.grants }
func (t *tables) APIKeys() *Table { return t.apiKeys }
func (t *tables) Audit() *Table   { return t.audit }

// NewTables makes the tables and the one key that encrypts them.
func NewTables(scope constructs.Construct, id *string, props *Props) Tables {
	if err := props.Validate(); err != nil {
		panic(err)
	}
	this := &tables{props: props}
	constructs.NewConstruct_Override(this, scope, id)
	this.key = props.Guard.NewKey(this, "Key", "signgate: tables of the gateway", this.removal(), this.uses()...)
	if props.Grants {
		this.grants = this.newTable("Grants", grants.Definition(), awsdynamodb.AttributeType_STRING)
	}
	if props.APIKeys {
		this.apiKeys = this.newTable("APIKeys", apikeys.Definition(), awsdynamodb.AttributeType_STRING)
	}
	if props.Audit {
		shape := audit.Definition()
		this.audit = this.newTable("Audit", dynamotable.Table{Partition: shape.Partition, Sort: shape.Sort}, awsdynamodb.AttributeType_NUMBER)
	}
	return this
}

// uses are what DynamoDB does with a key in the name of who makes or uses a
// table (Amazon DynamoDB Developer Guide, "Authorizing use of your customer
// managed key"). Whether deployers may is left to their own policies.
func (t *tables) uses() []awsiam.PolicyStatement {
	use := []string{
		"kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:DescribeKey",
	}
	through := policy.Conditions{"StringEquals": {"kms:ViaService": "dynamodb." + *awscdk.Stack_Of(t).Region() + "." + *awscdk.Aws_URL_SUFFIX()}}
	return []awsiam.PolicyStatement{
		policy.Allow("GatewayUses", awsiam.NewArnPrincipal(t.props.Gateway.RoleArn()), policy.Itself(), use, through),
		policy.Allow("DeployersMakeTables", awsiam.NewAccountRootPrincipal(), policy.Itself(), slices.Concat(use, []string{"kms:CreateGrant"}),
			through.With("ArnLike", policy.PrincipalARN, t.props.Guard.Keepers(t))),
	}
}

// newTable makes a table as its store asks for, paid by request, whose past
// can be gone back to.
func (t *tables) newTable(id string, shape dynamotable.Table, sort awsdynamodb.AttributeType) *Table {
	text := awsdynamodb.AttributeType_STRING
	props := &awsdynamodb.TableProps{
		PartitionKey: attribute(shape.Partition, text), SortKey: attribute(shape.Sort, sort),
		BillingMode: awsdynamodb.BillingMode_PAY_PER_REQUEST, Encryption: awsdynamodb.TableEncryption_CUSTOMER_MANAGED, EncryptionKey: t.key,
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{
			PointInTimeRecoveryEnabled: jsii.Bool(true), RecoveryPeriodInDays: jsii.Number(recoveryDays),
		},
		DeletionProtection: jsii.Bool(t.props.Retain), RemovalPolicy: t.removal(),
	}
	if shape.TimeToLive != "" {
		props.TimeToLiveAttribute = jsii.String(shape.TimeToLive)
	}
	table := awsdynamodb.NewTable(t, jsii.String(id), props)
	made := &Table{Name: table.TableName(), ARN: table.TableArn()}
	for _, index := range shape.Indexes {
		table.AddGlobalSecondaryIndex(&awsdynamodb.GlobalSecondaryIndexProps{
			IndexName: jsii.String(index.Name), PartitionKey: attribute(index.Partition, text), SortKey: attribute(index.Sort, text),
			ProjectionType: awsdynamodb.ProjectionType_ALL,
		})
		made.Indexes = append(made.Indexes, index.Name)
	}
	return made
}

// attribute is one of a key; none where it has no name.
func attribute(name string, kind awsdynamodb.AttributeType) *awsdynamodb.Attribute {
	if name == "" {
		return nil
	}
	return &awsdynamodb.Attribute{Name: jsii.String(name), Type: kind}
}

func (t *tables) removal() awscdk.RemovalPolicy {
	if t.props.Retain {
		return awscdk.RemovalPolicy_RETAIN
	}
	return awscdk.RemovalPolicy_DESTROY
}
