package stores_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/policy"
	"github.com/signgate/signgate/infra/stores"
	"github.com/signgate/signgate/infra/synthtest"
)

func TestMain(m *testing.M) { synthtest.Main(m) }

const (
	gateway  = "arn:aws:iam::111122223333:role/gateway"
	deployer = "arn:aws:iam::111122223333:role/deployer"
)

// A table for what is shared, used by one's own role.
func ExampleNewTables() {
	stack := awscdk.NewStack(awscdk.NewApp(nil), jsii.String("Media"), nil)
	tables := stores.NewTables(stack, jsii.String("Tables"), &stores.Props{
		Gateway: awsiam.NewRole(stack, jsii.String("Gateway"), &awsiam.RoleProps{
			AssumedBy: awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
		}),
		Grants: true,
	})
	awscdk.NewCfnOutput(stack, jsii.String("GrantsTable"), &awscdk.CfnOutputProps{Value: tables.Grants().Name})

	fmt.Println(len(synthtest.Synth(stack).Of("AWS::DynamoDB::Table")), tables.Grants().Indexes)
	// Output: 1 [by-grantee]
}

// synth synthesizes tables, which must not have made CDK warn of anything.
func synth(t *testing.T, flags synthtest.Flags, props stores.Props) synthtest.Template {
	t.Helper()
	stack := synthtest.Stack(flags, "eu-central-1")
	props.Gateway = awsiam.Role_FromRoleArn(stack, jsii.String("Gateway"), jsii.String(gateway), nil)
	props.Guard = policy.Guard{Deployers: []string{deployer}}
	made := stores.NewTables(stack, jsii.String("Tables"), &props)
	for name, table := range map[string]*stores.Table{"Grants": made.Grants(), "APIKeys": made.APIKeys(), "Audit": made.Audit()} {
		if table != nil {
			awscdk.NewCfnOutput(stack, jsii.String(name), &awscdk.CfnOutputProps{Value: table.Name})
			awscdk.NewCfnOutput(stack, jsii.String(name+"ARN"), &awscdk.CfnOutputProps{Value: table.ARN})
		}
	}
	template := synthtest.Synth(stack)
	synthtest.Equal(t, "what CDK warns of", template.Warnings, "")
	synthtest.Equal(t, "what names more than one action", template.Wildcards(), []string(nil))
	return template
}

func key(partition, sort string) any {
	keys := []any{map[string]any{"AttributeName": partition, "KeyType": "HASH"}}
	if sort != "" {
		keys = append(keys, map[string]any{"AttributeName": sort, "KeyType": "RANGE"})
	}
	return any(keys)
}

func attributes(names ...string) any {
	var all []any
	for _, name := range names {
		name, kind, _ := strings.Cut(name, " ")
		all = append(all, map[string]any{"AttributeName": name, "AttributeType": kind})
	}
	return any(all)
}

func TestTablesHaveTheShapesOfTheirStores(t *testing.T) {
	for _, flags := range synthtest.BothFlags() {
		template := synth(t, flags, stores.Props{Grants: true, APIKeys: true, Audit: true})
		grants := template.Only(t, "AWS::DynamoDB::Table", "TablesGrants")
		synthtest.Equal(t, "grants", []any{grants.Get("KeySchema"), grants.Get("AttributeDefinitions"), grants.Get("TimeToLiveSpecification"), grants.Get("GlobalSecondaryIndexes")}, []any{
			key("pk", "sk"), attributes("pk S", "sk S", "gpk S", "gsk S"), map[string]any{"AttributeName": "ttl", "Enabled": true},
			[]any{map[string]any{"IndexName": "by-grantee", "KeySchema": key("gpk", "gsk"), "Projection": map[string]any{"ProjectionType": "ALL"}}},
		})
		keys := template.Only(t, "AWS::DynamoDB::Table", "TablesAPIKeys")
		synthtest.Equal(t, "API keys", []any{keys.Get("KeySchema"), keys.Get("AttributeDefinitions"), keys.Get("TimeToLiveSpecification")}, []any{key("id", ""), attributes("id S"), nil})
		audit := template.Only(t, "AWS::DynamoDB::Table", "TablesAudit")
		synthtest.Equal(t, "audit", []any{audit.Get("KeySchema"), audit.Get("AttributeDefinitions"), audit.Get("TimeToLiveSpecification")}, []any{key("chain", "seq"), attributes("chain S", "seq N"), nil})
	}
}

func TestTablesAreEncryptedRecoverableAndKept(t *testing.T) {
	for retain, want := range map[bool]string{true: "Retain", false: "Delete"} {
		template := synth(t, synthtest.NoFlags, stores.Props{Grants: true, APIKeys: true, Audit: true, Retain: retain})
		encrypts := template.Only(t, "AWS::KMS::Key", "")
		synthtest.Equal(t, "the key is kept", []string{encrypts.DeletionPolicy, encrypts.UpdateReplacePolicy}, []string{want, want})
		for _, table := range template.Of("AWS::DynamoDB::Table") {
			synthtest.Equal(t, table.ID, []any{
				table.Get("SSESpecification"), table.Get("PointInTimeRecoverySpecification"), table.Get("BillingMode"), table.Get("DeletionProtectionEnabled"),
				table.DeletionPolicy, table.UpdateReplacePolicy,
			}, []any{
				map[string]any{"SSEEnabled": true, "SSEType": "KMS", "KMSMasterKeyId": "${" + encrypts.ID + ".Arn}"},
				map[string]any{"PointInTimeRecoveryEnabled": true, "RecoveryPeriodInDays": 35.0}, "PAY_PER_REQUEST", retain, want, want,
			})
		}
	}
}

func TestTheKeyIsForDynamoDBOnly(t *testing.T) {
	use := []string{"kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:DescribeKey"}
	through := "dynamodb.eu-central-1.${AWS::URLSuffix}"
	found := synthtest.Statements(t, synth(t, synthtest.NoFlags, stores.Props{Grants: true}).Only(t, "AWS::KMS::Key", "").Get("KeyPolicy"))
	synthtest.Equal(t, "the gateway", found["GatewayUses"], synthtest.Allow("AWS "+gateway, use, []string{"*"}, map[string][]string{"StringEquals kms:ViaService": {through}}))
	synthtest.Equal(t, "deployers", found["DeployersMakeTables"], synthtest.Allow("AWS arn:${AWS::Partition}:iam::111122223333:root", append(use, "kms:CreateGrant"), []string{"*"},
		map[string][]string{"StringEquals kms:ViaService": {through}, "ArnLike aws:PrincipalArn": {deployer}}))
	if len(found) != 4 {
		t.Errorf("%d statements", len(found))
	}
}

func TestOnlyTheTablesThatAreAskedForAreMade(t *testing.T) {
	for name, props := range map[string]stores.Props{"TablesGrants": {Grants: true}, "TablesAPIKeys": {APIKeys: true}, "TablesAudit": {Audit: true}} {
		template := synth(t, synthtest.NoFlags, props)
		if len(template.Of("AWS::DynamoDB::Table")) != 1 || len(template.Outputs) != 2 {
			t.Errorf("beside %s there are others: %v", name, template.Outputs)
		}
		template.Only(t, "AWS::DynamoDB::Table", name)
	}
}

func TestStoresSayWhatIsWrong(t *testing.T) {
	for want, props := range map[string]*stores.Props{"no props": nil, "Gateway is missing": {Grants: true}, "no table": {}, "RequireMFA": {Guard: policy.Guard{RequireMFA: true}}} {
		if err := props.Validate(); !errors.Is(err, stores.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v doesn't say %s", err, want)
		}
	}
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, stores.ErrInvalid) {
			t.Errorf("the constructor panics with %v", err)
		}
	}()
	stores.NewTables(synthtest.Stack(synthtest.NoFlags, ""), jsii.String("Tables"), &stores.Props{})
}
