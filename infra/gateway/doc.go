// Package gateway is the gateway itself on AWS: a Lambda function behind an API
// Gateway HTTP API. It is a construct for any Go CDK app. It is neither the
// bucket (package content) nor the distribution (package delivery), and makes
// no role: the one that is handed in, which package content knows as the only
// one that writes, gets exactly what the function needs besides.
//
// Everything is answered by the gateway, which verifies tokens itself; the API
// only passes requests on ($default, payload format 2.0) and holds them to a
// rate. Settings aren't in the function's environment but in Parameter Store,
// below Props.SettingsPath; there and in the environment are names only, never
// a secret. Policies are files beside the program: another policy is another
// deployment.
//
// AWS WAF can't be put in front of an HTTP API (AWS WAF Developer Guide,
// "Resources that you can protect with AWS WAF"). Whoever needs it puts a
// distribution of its own in front, or runs the same program behind a load
// balancer.
//
// # Code
//
// Without Props.Code the program is built when the app synthesizes. The app's
// module then has to know it, which one line in it says:
//
//	tool github.com/signgate/signgate/api
package gateway
