package config

import "time"

// alarmsRegion is where CloudFront's metrics are, and so their alarms.
const alarmsRegion = "us-east-1"

func (e *Environment) checkAlarms(found *list) {
	a := e.Observability.Alarms
	if a == nil {
		return
	}
	found.arn("observability.alarms.topicArn", a.TopicARN, "sns", alarmsRegion)
	found.arn("observability.alarms.gatewayTopicArn", a.GatewayTopicARN, "sns", e.Region)
	found.match("observability.alarms.email", a.Email, emailPattern, "is an address of e-mail", true)
	two := e.AlarmsApart()
	found.When(a.GatewayTopicARN != "" && !two, "observability.alarms.gatewayTopicArn is for an environment with a gateway in another region than %s: here all alarms tell one topic", alarmsRegion)
	made := a.TopicARN == "" || two && a.GatewayTopicARN == ""
	found.When(a.Email != "" && !made, "observability.alarms.email is for a topic that is made: an existing one has its own subscribers")
	for member, percent := range map[string]float64{"errorRate": a.ErrorRate, "refusals": a.Refusals} {
		found.When(percent <= 0 || percent >= 100, "observability.alarms.%s is percent of the requests, above 0 and below 100", member)
	}
	found.When(a.ServerErrors < 0 || a.ServerErrors >= 100, "observability.alarms.serverErrors is percent of the requests, below 100")
	found.When(a.Denials < 0 || a.Denials > 100, "observability.alarms.denials is percent, at most 100")
	latency := time.Duration(a.Latency)
	found.When(latency < 0 || latency%time.Millisecond != 0, "observability.alarms.latency is whole milliseconds, such as 1500ms, not %s", latency)
	found.atLeast("observability.alarms.keyAge", a.KeyAge, 0)
}

// AlarmsApart says whether alarms of the gateway take a topic of their own: an
// alarm tells only a topic of its region.
func (e *Environment) AlarmsApart() bool {
	return e.Gateway != nil && e.Region != "" && e.Region != alarmsRegion
}
