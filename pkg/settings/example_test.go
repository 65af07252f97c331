package settings_test

import (
	"fmt"

	"github.com/signgate/signgate/pkg/settings"
)

func Example() {
	gateway, err := settings.Defaults()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(gateway.ReadLife, gateway.SigningHash)

	gateway.PublicURL, gateway.CDNURL = "https://api.example.com", "https://cdn.example.com"
	gateway.SigningKeys, gateway.ActiveKeyID = "/etc/signgate/keys", "K2JCJMDEHXQW5F"
	gateway.Bucket, gateway.Region = "media", "eu-central-1"
	gateway.Policies = "/etc/signgate/policies"
	gateway.Issuer, gateway.Audience = "http://issuer.example.com", "signgate"
	fmt.Println(gateway.Validate())
	// Output:
	// 5m0s SHA256
	// invalid settings: issuer must begin with https:// unless it is this machine
}
