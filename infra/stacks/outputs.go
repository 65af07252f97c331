package stacks

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsssm"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/go-json-experiment/json"
)

// gatewaySettings are the settings of the gateway that the stacks decide, by
// the names that package settings gives them.
func (e *Environment) gatewaySettings() map[string]string {
	values := map[string]string{
		"cdn-url":           "https://" + *e.distribution.DomainName(),
		"bucket":            *e.bucket.Bucket().BucketName(),
		"region":            *e.Content.Region(),
		"quarantine-prefix": quarantine,
		"s3-accelerate":     strconv.FormatBool(e.config.Content.TransferAcceleration),
		"max-read-life":     time.Duration(e.config.Limits.MaxReadLife).String(),
		"max-upload-life":   time.Duration(e.config.Limits.MaxUploadLife).String(),
	}
	// A page that reads with cookies, or uploads, asks the gateway first.
	if origins := slices.Concat(e.config.Content.UploadOrigins, e.config.Delivery.Origins); len(origins) > 0 {
		slices.Sort(origins)
		values["allowed-origins"] = strings.Join(slices.Compact(origins), ",")
	}
	e.gatewayAnswers(values)
	return values
}

// putOut leaves what a gateway starts from: a parameter of SSM for each
// setting, below one path, and an output of the stack for people and scripts.
func (e *Environment) putOut() {
	values := e.gatewaySettings()
	parameters := make([]constructs.IDependable, 0, len(values))
	for _, setting := range slices.Sorted(maps.Keys(values)) {
		id := camelCase(setting)
		parameters = append(parameters, awsssm.NewStringParameter(e.Content, jsii.String("Setting"+id), &awsssm.StringParameterProps{
			ParameterName: jsii.String(e.parameterName(setting)), StringValue: jsii.String(values[setting]),
			Description: jsii.String("signgate's setting " + setting),
		}))
		awscdk.NewCfnOutput(e.Content, jsii.String(id), &awscdk.CfnOutputProps{Value: jsii.String(values[setting])})
	}
	e.startAnew(values, parameters)
	if running := e.running(); running != nil && running.Target() != nil {
		awscdk.NewCfnOutput(e.Content, jsii.String("PublicUrlTarget"), &awscdk.CfnOutputProps{
			Value: running.Target(), Description: jsii.String("What the name of the gateway is to be pointed at (CNAME)"),
		})
	}
	for id, value := range map[string]*string{
		"DistributionId": e.distribution.DistributionID(), "GatewayRoleArn": e.gateway.RoleArn(),
		"SettingsPath": jsii.String(e.settingsPath()),
	} {
		awscdk.NewCfnOutput(e.Content, jsii.String(id), &awscdk.CfnOutputProps{Value: value})
	}
}

// startAnew has the gateway's processes start once its settings are there and
// keys to sign with, which no setting leads to where the distribution has a name
// of its own; and anew where a setting is another: those that run have read
// theirs already.
func (e *Environment) startAnew(values map[string]string, parameters []constructs.IDependable) {
	running := e.running()
	if running == nil {
		return
	}
	resolved, err := json.Marshal(e.Content.Resolve(values), json.Deterministic(true)) // tokens are other texts each time
	if err != nil {
		panic(fmt.Errorf("settings of %s: %w", e.config.Name, err))
	}
	running.StartAfter(fmt.Sprintf("%x", sha256.Sum256(resolved)), slices.Sorted(maps.Keys(values)), append(parameters, e.keys.trust.KeyGroup())...)
}

// camelCase makes ActiveKeyId of active-key-id.
func camelCase(name string) string {
	words := strings.Split(name, "-")
	for i, word := range words {
		words[i] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, "")
}

// ReadTemplate reads a synthesized template.
func ReadTemplate(path string) (map[string]any, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read a template: %w", err)
	}
	var template map[string]any
	if err := json.Unmarshal(text, &template); err != nil {
		return nil, fmt.Errorf("the template %s: %w", path, err)
	}
	return template, nil
}
