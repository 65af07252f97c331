package gateway

import (
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"

	"github.com/signgate/signgate/infra/complaints"
)

// ErrInvalid is wrapped by the error of Validate.
var ErrInvalid = errors.New("invalid gateway")

// What Lambda and API Gateway allow (AWS Lambda Developer Guide, "Lambda
// quotas"; API Gateway Developer Guide, "Quotas for configuring and running an
// HTTP API").
const (
	leastMemory = 128 // MiB
	mostMemory  = 10240
	// longestWait is how long an HTTP API waits for an answer.
	longestWait = 30 * time.Second
	// longestRun is how long a function may take, such as for the end of an
	// upload whose caller was told already that it failed.
	longestRun = 15 * time.Minute
)

// Defaults of what is left out.
const (
	DefaultMemory  = 512              // MiB
	DefaultTimeout = 29 * time.Second // an answer is there before the API stops waiting
)

// Props is what a gateway on Lambda is made of.
type Props struct {
	Common

	// Code of the function; nil: the program is built. Policies and
	// UploadRules have to be in it then, as files policies/NAME and
	// upload-rules.json.
	Code awslambda.Code

	Memory      int           // MiB; 0: DefaultMemory. Lambda gives processors by memory
	Timeout     time.Duration // of an invocation; 0: DefaultTimeout
	Concurrency int           // reserved for this function, and its most; 0: what the account has left
	Tracing     bool          // by X-Ray, which AWS bills
	Network     *Network      // nil: outside any VPC

	Throttling Throttling
}

// Throttling is what the API lets through to the function, all callers
// together; the rest gets 429. The zero value: as much as the account's quota.
type Throttling struct {
	Rate  float64 // requests a second
	Burst int     // at once
}

// Validate says everything that is wrong, in one error that wraps ErrInvalid.
// NewFunction panics with it, as CDK does.
func (p *Props) Validate() error {
	if p == nil {
		return fmt.Errorf("%w: there are no props", ErrInvalid)
	}
	var found complaints.List
	p.check(&found)
	found.When(p.memory() < leastMemory || p.memory() > mostMemory, "Memory is %d to %d MiB, not %d", leastMemory, mostMemory, p.Memory)
	found.When(p.timeout() < time.Second || p.timeout() > longestRun || p.timeout()%time.Second != 0, "Timeout is whole seconds, up to %s, not %s", longestRun, p.Timeout)
	found.When(p.Concurrency < 0, "Concurrency counts from 0")
	p.Network.check(&found)
	p.Throttling.check(&found)
	return found.Err(ErrInvalid)
}

func (t Throttling) check(found *complaints.List) {
	found.When(t.Rate < 0 || t.Burst < 0 || (t.Rate == 0) != (t.Burst == 0), "Throttling takes both Rate and Burst, or neither")
}

func (p *Props) memory() int {
	if p.Memory == 0 {
		return DefaultMemory
	}
	return p.Memory
}

func (p *Props) timeout() time.Duration {
	if p.Timeout == 0 {
		return DefaultTimeout
	}
	return p.Timeout
}

// wait is how long the API waits.
func (p *Props) wait() time.Duration { return min(p.timeout()+time.Second, longestWait) }
