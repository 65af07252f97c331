package server_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/settings"
)

// A gateway that lacks something doesn't start, and says what to mend.
func ExampleFromSettings() {
	gateway, err := settings.Defaults()
	if err != nil {
		fmt.Println(err)
		return
	}
	gateway.PublicURL, gateway.CDNURL = "https://api.example.com", "https://cdn.example.com"
	gateway.SigningKeys, gateway.ActiveKeyID = "/nowhere", "K2JCJMDEHXQW5F"
	gateway.Bucket, gateway.Region = "media", "eu-central-1"
	gateway.Policies = "/nowhere"
	gateway.Issuer, gateway.Audience = "https://issuer.example.com", "signgate"

	_, _, err = server.FromSettings(context.Background(), gateway, server.Environment{
		Stdout: os.Stdout, Log: slog.New(slog.DiscardHandler), Now: time.Now, Build: server.CurrentBuild(),
	})
	fmt.Println(err)
	// Output:
	// signing-keys: open /nowhere: no such file or directory
}
