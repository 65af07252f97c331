package stacks_test

import (
	"archive/zip"
	"bytes"
	"io"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/go-json-experiment/json"

	"github.com/signgate/signgate/infra/policytest"
	"github.com/signgate/signgate/infra/synthtest"
	"github.com/signgate/signgate/pkg/settings"
)

// withGateway are the environments with a gateway of their own.
func withGateway() []string { return []string{"dev", "staging", "prod", "apart"} }

// properties are those of the one resource of a type whose logical id begins
// so.
func properties(t *testing.T, template policytest.Template, kind, prefix string) map[string]any {
	t.Helper()
	var found []map[string]any
	for id, resource := range of(template, kind) {
		if strings.HasPrefix(id, prefix) {
			properties, _ := resource["Properties"].(map[string]any)
			found = append(found, properties)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s: %d of %s begin with %s", template.Stack, len(found), kind, prefix)
	}
	return found[0]
}

// parameters are the settings of an environment in SSM, as a file has them. What
// CloudFormation fills in is the example of that setting.
func parameters(t *testing.T, template policytest.Template, environment string) map[string]string {
	t.Helper()
	examples := map[string]string{
		"cdn-url": "https://d111111abcdef8.cloudfront.net", "public-url": "https://a1b2c3.execute-api.eu-central-1.amazonaws.com", "bucket": "media", "region": "eu-central-1",
		"signing-secret": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:signing-AbCdEf",
		"grants-table":   "grants", "api-keys-table": "keys", "audit-table": "audit", "audit-stream": "trail",
	}
	found := map[string]string{}
	for id, resource := range of(template, "AWS::SSM::Parameter") {
		parameter, _ := resource["Properties"].(map[string]any)
		name, below := strings.CutPrefix(parameter["Name"].(string), "/signgate/"+environment+"/")
		if !below || parameter["Type"] != "String" {
			t.Errorf("%s is %v of type %v", id, parameter["Name"], parameter["Type"])
		}
		value, known := parameter["Value"].(string)
		if !known {
			if value, known = examples[name]; !known {
				t.Errorf("%s is %v", name, parameter["Value"])
			}
		}
		words := strings.Split(name, "-") // a file has the same settings in camelCase
		for i, word := range words[1:] {
			words[i+1] = strings.ToUpper(word[:1]) + word[1:]
		}
		found[strings.Join(words, "")] = value
	}
	return found
}

// variables are those of the function's environment.
func variables(t *testing.T, template policytest.Template) map[string]any {
	t.Helper()
	function := properties(t, template, "AWS::Lambda::Function", "Gateway")
	found, _ := function["Environment"].(map[string]any)["Variables"].(map[string]any)
	return found
}

// start takes settings as the gateway does: from its environment, then from
// Parameter Store.
func start(t *testing.T, template policytest.Template, environment string, variables map[string]any) settings.Gateway {
	t.Helper()
	var file bytes.Buffer
	if err := json.MarshalWrite(&file, parameters(t, template, environment)); err != nil {
		t.Fatal(err)
	}
	resolver, err := settings.File(&file)
	if err != nil {
		t.Fatal(err)
	}
	var gateway settings.Gateway
	parser, err := kong.New(&gateway, kong.Name("signgate"), kong.Resolvers(resolver))
	if err != nil {
		t.Fatal(err)
	}
	var arguments []string
	for name, value := range variables {
		if setting, ours := strings.CutPrefix(name, "SIGNGATE_"); ours && setting != "PARAMETERS" && setting != "PARAMETERS_ONLY" {
			arguments = append(arguments, "--"+strings.ToLower(strings.ReplaceAll(setting, "_", "-"))+"="+value.(string))
		}
	}
	if _, err := parser.Parse(arguments); err != nil {
		t.Fatalf("%s: %v", environment, err)
	}
	return gateway
}

// started is start of a gateway of any kind, by the file of its environment.
func started(t *testing.T, name, file string) settings.Gateway {
	t.Helper()
	if len(of(content(t, name), "AWS::ECS::TaskDefinition")) > 0 {
		return start(t, content(t, name), file, variablesOfTasks(t, name))
	}
	return start(t, content(t, name), file, variables(t, content(t, name)))
}

func TestAGatewayStartsWithTheSettingsThatItsStackLeaves(t *testing.T) {
	for _, name := range withGateway() {
		environment := name
		if name == "apart" {
			environment = "dev"
		}
		gateway := started(t, name, environment)
		if err := gateway.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if gateway.SigningSecret == "" || gateway.ActiveKeyID != "" || gateway.Policies != "/var/task/policies" || gateway.GrantsTable == "" {
			t.Errorf("%s: %+v", name, gateway.Signing)
		}
	}
	prod := started(t, "prod", "prod")
	synthtest.Equal(t, "prod", []string{prod.PublicURL, prod.Issuer, prod.Audience, prod.UploadRules, prod.APIKeysTable, prod.AuditTable, started(t, "staging", "staging").AuditStream},
		[]string{"https://api.example.com", "https://issuer.example.com", "signgate", "/var/task/upload-rules.json", "keys", "audit", "trail"})
}

// What an environment has no more is deleted after its gateway started anew.
func TestAGatewayTakesTheSettingsOfItsDeploymentAndNoOthers(t *testing.T) {
	for name, environment := range map[string]string{"prod": "prod", "staging": "staging", "apart": "dev", "service": "prod", "tasks": "dev"} {
		template := content(t, name)
		var names []string
		for _, resource := range of(template, "AWS::SSM::Parameter") {
			names = append(names, strings.TrimPrefix(at(resource, "Properties", "Name").(string), "/signgate/"+environment+"/"))
		}
		slices.Sort(names)
		var given map[string]any
		if len(of(template, "AWS::ECS::TaskDefinition")) > 0 {
			given = variablesOfTasks(t, name)
		} else {
			given = variables(t, template)
		}
		synthtest.Equal(t, name, given["SIGNGATE_PARAMETERS_ONLY"], any(strings.Join(names, ",")))
	}
}

func TestWhatAnEnvironmentSaysOfItsGatewayArrives(t *testing.T) {
	gateway := started(t, "apart", "dev")
	synthtest.Equal(t, "settings", []string{gateway.GroupsClaim, gateway.DecisionHook, gateway.DecisionHookSecret}, []string{"roles", "https://app.example.com/decisions", hookSecretARN})
	var reached []string
	for _, endpoint := range of(content(t, "apart"), "AWS::EC2::VPCEndpoint") {
		reached = append(reached, texts(endpoint["Properties"])...)
	}
	if !slices.Contains(reached, hookSecretARN) {
		t.Error("the endpoint doesn't let the gateway read the secret of the application's questions")
	}
}

func TestPagesThatReadAndPagesThatUploadMayCallTheGateway(t *testing.T) {
	for environment, want := range map[string][]string{
		"dev": {"http://localhost:3000"}, "prod": {"https://app.example.com"}, "apart": {"http://localhost:3000", "https://photos.example.com"},
	} {
		file := strings.Replace(environment, "apart", "dev", 1)
		synthtest.Equal(t, environment, started(t, environment, file).AllowedOrigins, want)
	}
}

// A name that no zone points has to be pointed by somebody, who has to be told
// where.
func TestANameThatIsPointedByHandIsToldWhere(t *testing.T) {
	for name, want := range map[string][]string{
		"tasks": {"GatewayLoadBalancer", "DNSName"}, "apart": {"GatewayDomain", "RegionalDomainName"}, "prod": nil, "service": nil, "dev": nil,
	} {
		outputs, _ := content(t, name).Body["Outputs"].(map[string]any)
		said := texts(at(outputs, "PublicUrlTarget", "Value"))
		if len(said) != len(want) || len(want) > 0 && (!strings.HasPrefix(said[0], want[0]) || said[1] != want[1]) {
			t.Errorf("%s is pointed at %v", name, said)
		}
	}
}

func TestAnEnvironmentSaysWhereItsGatewayIs(t *testing.T) {
	for _, name := range withGateway() {
		outputs, _ := content(t, name).Body["Outputs"].(map[string]any)
		for _, output := range []string{"PublicUrl", "CdnUrl", "SettingsPath", "SigningSecret"} {
			if _, there := outputs[output]; !there {
				t.Errorf("%s has no output %s", name, output)
			}
		}
	}
	if _, there := content(t, "plain").Body["Outputs"].(map[string]any)["PublicUrl"]; there {
		t.Error("without a gateway of its own it says where that is")
	}
}

func TestTheFunctionReadsItsOwnSettingsAndNoOthers(t *testing.T) {
	synthtest.Equal(t, "path", variables(t, content(t, "prod"))["SIGNGATE_PARAMETERS"], any("/signgate/prod"))
	for _, statement := range statements(t, content(t, "prod"), "GatewayPermissions") {
		if statement["Sid"] == "ReadsItsSettings" {
			if resource := strings.Join(texts(statement["Resource"]), ""); !strings.HasSuffix(resource, ":ssm:eu-central-1:444455556666:parameter/signgate/prod") {
				t.Errorf("it reads %s", resource)
			}
			return
		}
	}
	t.Error("it reads no settings")
}

// statements are those of a managed policy.
func statements(t *testing.T, template policytest.Template, prefix string) (found []map[string]any) {
	t.Helper()
	policy := properties(t, template, "AWS::IAM::ManagedPolicy", prefix)
	document, _ := policy["PolicyDocument"].(map[string]any)
	list, _ := document["Statement"].([]any)
	for _, statement := range list {
		found = append(found, statement.(map[string]any))
	}
	return found
}

// A gateway that runs elsewhere has the role, its settings and its keys.
func TestAGatewayElsewhereReadsItsSettingsAndKeys(t *testing.T) {
	for name, want := range map[string][]string{
		"plain":     {"ReadsItsSettings"}, // its keys are a folder of its own
		"managed a": {"ReadsItsSettings", "ReadsItsKeys", "DecryptsItsKeys"},
		"kms a":     {"ReadsItsSettings", "ReadsItsKeys", "DecryptsItsKeys", "Signs", "KnowsThePublicHalf"},
	} {
		var found []string
		for _, statement := range statements(t, content(t, name), "GatewayReads") {
			found = append(found, statement["Sid"].(string))
		}
		synthtest.Equal(t, name, found, want)
	}
}

// texts are all texts in a value, in their order; of a function of
// CloudFormation, those that it joins.
func texts(value any) (found []string) {
	switch value := value.(type) {
	case string:
		return []string{value}
	case []any:
		for _, element := range value {
			found = append(found, texts(element)...)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			found = append(found, texts(value[name])...)
		}
	}
	return found
}

func TestAGatewayWithoutTheInternetReachesWhatItNeedsOfAWS(t *testing.T) {
	services := map[string]bool{}
	for _, endpoint := range of(content(t, "apart"), "AWS::EC2::VPCEndpoint") {
		name := texts(endpoint["Properties"].(map[string]any)["ServiceName"])
		services[strings.TrimPrefix(name[len(name)-1], ".")] = true
	}
	synthtest.Equal(t, "endpoints", services, map[string]bool{"s3": true, "ssm": true, "secretsmanager": true, "kms": true, "kinesis-firehose": true, "dynamodb": true})
	for name, want := range map[string]bool{"apart": true, "prod": true, "dev": false} {
		function := properties(t, content(t, name), "AWS::Lambda::Function", "Gateway")
		if _, inside := function["VpcConfig"]; inside != want {
			t.Errorf("%s is in a VPC: %v", name, inside)
		}
	}
}

// secretForms are what secrets look like: private keys with something in them,
// AWS's keys, this gateway's keys of machines and secrets of hooks.
var secretForms = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----(\\n|\s)+[A-Za-z0-9+/=]{16}|\b(AKIA|ASIA)[A-Z2-7]{16}\b|\bsgk_[A-Z2-7]{16}_[A-Z2-7]{59}\b|\bwhsec_[A-Za-z0-9+/]{24,}|[Aa][Ww][Ss].{0,20}[Ss]ecret.{0,20}["'=][A-Za-z0-9/+]{40}["']`)

// Everything that a deployment of any environment is made of is looked at, not
// only templates: what is in archives too.
func TestNothingThatIsSynthesizedHoldsASecret(t *testing.T) {
	for _, sample := range []string{
		"-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIIGl4mJ4Tg", `"-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqG"`, "AKIAIOSFODNN7EXAMPLE",
		"sgk_" + strings.Repeat("A", 16) + "_" + strings.Repeat("B", 59), "whsec_" + strings.Repeat("c", 32), `aws_secret_access_key="` + strings.Repeat("d", 40) + `"`,
	} {
		if !secretForms.MatchString(sample) {
			t.Errorf("%s isn't found", sample)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(variants())) {
		files, folder := 0, os.DirFS(synthesize(t, name).folder)
		err := fs.WalkDir(folder, ".", func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := fs.ReadFile(folder, path)
			files++
			mustHoldNoSecret(t, name+": "+path, text)
			for _, secret := range []string{"PRIVATE KEY", "privateKey", "tokenSecrets", `"SecretString"`, `"GenerateSecretString"`, "{{resolve:secretsmanager", "{{resolve:ssm-secure"} {
				if bytes.Contains(text, []byte(secret)) {
					t.Errorf("%s: %s holds %s", name, path, secret)
				}
			}
			return err
		})
		if err != nil || files == 0 {
			t.Errorf("%s: %d files, %v", name, files, err)
		}
	}
}

// mustHoldNoSecret looks into a file, and into those in it where it is an
// archive.
func mustHoldNoSecret(t *testing.T, where string, text []byte) {
	t.Helper()
	if found := secretForms.Find(text); found != nil {
		t.Errorf("%s holds a secret of the form %.12s…", where, found)
	}
	archive, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		return // none
	}
	for _, member := range archive.File {
		file, err := member.Open()
		if err != nil {
			t.Errorf("%s: %v", where, err)
			continue
		}
		inner, err := io.ReadAll(file)
		_ = file.Close()
		if err != nil {
			t.Errorf("%s: %v", where, err)
		}
		if found := secretForms.Find(inner); found != nil {
			t.Errorf("%s: %s holds a secret of the form %.12s…", where, member.Name, found)
		}
	}
}

func TestWhatTheGatewayKeepsStaysWhenItsStackGoes(t *testing.T) {
	tables := of(content(t, "prod"), "AWS::DynamoDB::Table")
	for id, table := range tables {
		protected := table["Properties"].(map[string]any)["DeletionProtectionEnabled"]
		if table["DeletionPolicy"] != "Retain" || table["UpdateReplacePolicy"] != "Retain" || protected != true {
			t.Errorf("%s would be deleted", id)
		}
	}
	if len(tables) != 3 {
		t.Errorf("there are %d tables", len(tables))
	}
}
