package config_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/signgate/signgate/infra/config"
)

func TestEverythingThatIsWrongWithAlarmsIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		says []string
	}{
		"thresholds": {`{"observability": {"alarms": {"gatewayTopicArn": "arn:aws:sns:us-east-1:111122223333:x", "errorRate": 1, "refusals": 1,
			"serverErrors": 100, "denials": 101, "latency": "1us", "keyAge": -1}}, ` + keys + `}`, []string{
			"alarms.gatewayTopicArn is for an environment", "alarms.serverErrors", "alarms.denials", "alarms.latency", "alarms.keyAge",
		}},
		"topics of the wrong regions": {`{"account": "111122223333", "region": "eu-central-1", "gateway": {"policySet": "photos", "issuer": "https://issuer.example.com", "audience": "a"},
			"observability": {"alarms": {"topicArn": "arn:aws:sns:eu-central-1:111122223333:x", "gatewayTopicArn": "arn:aws:sns:us-east-1:111122223333:x",
				"email": "a@b.c", "errorRate": 1, "refusals": 1}}, ` + keys + `}`, []string{
			"topicArn is the ARN of something of sns in us-east-1", "gatewayTopicArn is the ARN of something of sns in eu-central-1", "alarms.email is for a topic that is made",
		}},
	} {
		_, err := config.Load(folder(t, test.text), "e")
		if !errors.Is(err, config.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, said := range test.says {
			if !strings.Contains(err.Error(), said) {
				t.Errorf("%s: %v doesn't say %s", name, err, said)
			}
		}
	}
}

func TestAddressesAreTakenWhereATopicIsMade(t *testing.T) {
	t.Parallel()
	const gateway = `"signingKeys": {"slots": [{"id": "a"}]}, "gateway": {"policySet": "photos", "issuer": "https://issuer.example.com", "audience": "a"}`
	for region, apart := range map[string]bool{"us-east-1": false, "eu-central-1": true} {
		for alarms, takes := range map[string]bool{
			`"email": "ops@example.com"`: true,
			`"email": "ops@example.com", "topicArn": "arn:aws:sns:us-east-1:111122223333:x"`: apart, // the gateway's is made
		} {
			text := `{"account": "111122223333", "region": "` + region + `", ` + gateway + `, "observability": {"alarms": {` + alarms + `, "errorRate": 1, "refusals": 1}}}`
			e, err := config.Load(folder(t, text), "e")
			if (err == nil) != takes || err == nil && e.AlarmsApart() != apart {
				t.Errorf("%s in %s: %v", alarms, region, err)
			}
		}
	}
}
