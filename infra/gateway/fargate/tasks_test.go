package fargate_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/signgate/signgate/infra/gateway/fargate"
)

func ExampleTasks_OrDefaults() {
	fmt.Printf("%+v\n", fargate.Tasks{CPU: 2048, Least: 12}.OrDefaults())
	// Output: {CPU:2048 Memory:4096 Least:12 Most:12 CPUTarget:50}
}

func TestWhatFargateOffersIsTakenAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, tasks := range []fargate.Tasks{
		{}, {CPU: 256}, {CPU: 256, Memory: 512}, {CPU: 256, Memory: 2048}, {CPU: 512, Memory: 4096}, {CPU: 1024, Memory: 8192}, {CPU: 2048, Memory: 5120},
		{CPU: 4096, Memory: 30720}, {CPU: 8192, Memory: 20480}, {CPU: 16384}, {Least: 20}, {Most: 1}, {Least: 3, Most: 3}, {CPUTarget: 90},
	} {
		if found := tasks.Complaints(); len(found) != 0 {
			t.Errorf("%+v: %v", tasks, found)
		}
	}
	for want, tasks := range map[string]fargate.Tasks{
		"cpu is 256, 512": {CPU: 500}, "memory with 256 units of CPU is 512 to 2048": {CPU: 256, Memory: 1536}, "memory with 512": {Memory: 512},
		"memory with 1024": {CPU: 1024, Memory: 2500}, "memory with 8192 units of CPU is 16384 to 61440 MiB in steps of 4096": {CPU: 8192, Memory: 17408}, "memory with 4096": {CPU: 4096, Memory: 31744},
		"leastTasks is at least 1": {Least: -1}, "not 5 to 4": {Least: 5, Most: 4}, "not -2 to -2": {Most: -2}, "cpuTarget is 10 to 90": {CPUTarget: 95}, "percent, not 5": {CPUTarget: 5},
	} {
		found := tasks.Complaints()
		if len(found) != 1 || !strings.Contains(found[0], want) {
			t.Errorf("%+v: %v doesn't say %q", tasks, found, want)
		}
	}
}

func TestAnImageIsNamedByItsDigest(t *testing.T) {
	t.Parallel()
	digest := "@sha256:" + strings.Repeat("0f", 32)
	const registry = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/"
	for uri, want := range map[string]bool{
		registry + "signgate" + digest: true, registry + "team/signgate" + digest: true, "111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn/signgate" + digest: true,
		registry + "signgate:latest": false, registry + "signgate": false, registry + "signgate:v1" + digest: false, "docker.io/signgate" + digest: false,
		registry + "*" + digest: false, registry + "signgate" + digest[:20]: false, "": false,
	} {
		if fargate.IsImage(uri) != want {
			t.Errorf("%q is an image: %v", uri, !want)
		}
	}
}

func TestAWebACLIsRegional(t *testing.T) {
	t.Parallel()
	for arn, want := range map[string]bool{
		"arn:aws:wafv2:eu-central-1:111122223333:regional/webacl/acl/1234abcd": true,
		"arn:aws:wafv2:us-east-1:111122223333:global/webacl/acl/1234abcd":      false,
		"arn:aws:wafv2:eu-central-1:111122223333:regional/webacl/*":            false, "acl": false,
	} {
		if fargate.IsWebACL(arn) != want {
			t.Errorf("%q is one: %v", arn, !want)
		}
	}
}
