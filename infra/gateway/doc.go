// Package gateway is the gateway itself on AWS: a Lambda function behind an API
// Gateway HTTP API (NewFunction), or tasks on ECS Fargate behind an Application
// Load Balancer (NewService). They are constructs for any Go CDK app, and run
// the same program with the same settings, files and permissions. The package
// is neither the bucket (package content) nor the distribution (package
// delivery), and makes no role for the gateway: the one that is handed in, which
// package content knows as the only one that writes, gets exactly what the
// gateway needs besides.
//
// Everything is answered by the gateway, which verifies tokens itself; what
// stands in front only passes requests on. Settings are in Parameter Store,
// below Common.SettingsPath; there and in the environment are names only, never
// a secret. Policies are files beside the program: another policy is another
// deployment.
//
// # Which
//
// A function costs nothing where nobody asks, and is there without a network.
// Its API gives up after 30 seconds, unescapes paths, and can't have a web ACL
// of AWS WAF (AWS WAF Developer Guide, "Resources that you can protect with AWS
// WAF"). Tasks cost the same day and night, wait eleven minutes for the end of a
// large upload, get paths as they were sent, and may have a web ACL; only that
// holds callers to a rate.
//
// # Code
//
// Without Props.Code or ServiceProps.Image the program is built when the app
// synthesizes. The app's module then has to know it, which one line in it says:
//
//	tool github.com/signgate/signgate/api
package gateway
