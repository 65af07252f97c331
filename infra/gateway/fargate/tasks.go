package fargate

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
)

// Defaults of what is left out.
const (
	DefaultCPU       = 512  // units, of which a processor has 1,024
	DefaultMemory    = 1024 // MiB
	DefaultLeast     = 2    // so that one may fail, or its zone
	DefaultMost      = 10
	DefaultCPUTarget = 50 // percent
)

// Tasks is how large tasks are, and how many there may be.
type Tasks struct {
	CPU       int // units of each; 0: DefaultCPU
	Memory    int // MiB of each; 0: DefaultMemory, or the least that goes with CPU if that is more
	Least     int // 0: DefaultLeast, or Most if that is less
	Most      int // 0: DefaultMost, or Least if that is more
	CPUTarget int // percent that processors are kept at by more or fewer tasks; 0: DefaultCPUTarget
}

// size is what memory Fargate offers with so many units of CPU, in MiB (Amazon
// ECS Developer Guide, "Task CPU and memory").
type size struct{ cpu, least, most, step int }

const gib = 1024 // MiB

func sizes() []size {
	return []size{
		{256, 512, 2 * gib, 512}, {512, gib, 4 * gib, gib}, {1024, 2 * gib, 8 * gib, gib}, {2048, 4 * gib, 16 * gib, gib},
		{4096, 8 * gib, 30 * gib, gib}, {8192, 16 * gib, 60 * gib, 4 * gib}, {16384, 32 * gib, 120 * gib, 8 * gib},
	}
}

// find is the size with so much CPU.
func find(cpu int) (size, bool) {
	all := sizes()
	at := slices.IndexFunc(all, func(s size) bool { return s.cpu == cpu })
	if at < 0 {
		return size{}, false
	}
	return all[at], true
}

// OrDefaults fills in what is left out.
func (t Tasks) OrDefaults() Tasks {
	t.CPU = cmp.Or(t.CPU, DefaultCPU)
	offered, _ := find(t.CPU)
	t.Memory = cmp.Or(t.Memory, max(DefaultMemory, offered.least))
	if t.Least == 0 {
		t.Least = min(DefaultLeast, cmp.Or(t.Most, DefaultLeast))
	}
	t.Most = cmp.Or(t.Most, max(DefaultMost, t.Least))
	t.CPUTarget = cmp.Or(t.CPUTarget, DefaultCPUTarget)
	return t
}

// Complaints is everything that Fargate, or reason, wouldn't take. Each begins
// with the member's name, as an environment's file has it.
func (t Tasks) Complaints() (found []string) {
	all := t.OrDefaults()
	offered, there := find(all.CPU)
	switch {
	case !there:
		found = append(found, fmt.Sprintf("cpu is 256, 512, 1024, 2048, 4096, 8192 or 16384 units, not %d", all.CPU))
	case all.Memory < offered.least || all.Memory > offered.most || (all.Memory-offered.least)%offered.step != 0 || all.CPU == 256 && all.Memory == 1536:
		found = append(found, fmt.Sprintf("memory with %d units of CPU is %d to %d MiB in steps of %d, not %d", all.CPU, offered.least, offered.most, offered.step, all.Memory))
	}
	if all.Least < 1 || all.Least > all.Most {
		found = append(found, fmt.Sprintf("leastTasks is at least 1 and at most mostTasks, not %d to %d", all.Least, all.Most))
	}
	if all.CPUTarget < 10 || all.CPUTarget > 90 {
		found = append(found, fmt.Sprintf("cpuTarget is 10 to 90 percent, not %d", all.CPUTarget))
	}
	return found
}

// IsImage says whether this names an image in a private registry of Amazon ECR
// by its digest. A tag may mean another image tomorrow.
func IsImage(uri string) bool {
	return regexp.MustCompile(`^[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/[a-z0-9][a-z0-9._/-]*@sha256:[0-9a-f]{64}$`).MatchString(uri)
}

// IsWebACL says whether this is the ARN of a web ACL of AWS WAF that a load
// balancer can have, which one for distributions isn't.
func IsWebACL(arn string) bool {
	return regexp.MustCompile(`^arn:[a-z-]+:wafv2:[^:]+:[0-9]{12}:regional/webacl/[^*?]+$`).MatchString(arn)
}
