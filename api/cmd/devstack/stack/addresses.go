package stack

import (
	"context"
	"fmt"
	"net"
)

// Addresses are where the parts listen, host:port.
type Addresses struct {
	Gateway string `default:"127.0.0.1:8600" help:"Where the gateway listens."`
	Edge    string `default:"127.0.0.1:8601" help:"Where the edge listens."`
	S3      string `name:"s3" default:"127.0.0.1:8602" help:"Where the S3 server listens."`
	Issuer  string `default:"127.0.0.1:8603" help:"Where the demo issuer listens."`
}

// FreeAddresses finds four free ports. Somebody else may take one before it
// is used, so it is for tests and the demo, not for addresses to write down.
func FreeAddresses(ctx context.Context) (Addresses, error) {
	var listeners [4]net.Listener
	for i := range listeners {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return Addresses{}, fmt.Errorf("find a free port: %w", err)
		}
		defer func() { _ = listener.Close() }()
		listeners[i] = listener
	}
	return Addresses{
		Gateway: listeners[0].Addr().String(), Edge: listeners[1].Addr().String(),
		S3: listeners[2].Addr().String(), Issuer: listeners[3].Addr().String(),
	}, nil
}

// check wants addresses that can be written down and called.
func (a Addresses) check() error {
	for part, address := range map[string]string{"gateway": a.Gateway, "edge": a.Edge, "s3": a.S3, "issuer": a.Issuer} {
		if host, port, err := net.SplitHostPort(address); err != nil || host == "" || port == "" || port == "0" {
			return fmt.Errorf("--%s=%s must be HOST:PORT, such as 127.0.0.1:8600", part, address)
		}
	}
	return nil
}

// listen opens one part's address and says in the error which flag moves it.
func listen(ctx context.Context, part, address string) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("the %s can't listen on %s (stop what uses it, or pass --%s=HOST:PORT): %w", part, address, part, err)
	}
	return listener, nil
}
