// Package pairs answers CloudFormation when it deploys managed signing keys: it
// makes a key pair for each slot, keeps the private half in a secret and hands
// back the public one, and writes down under which id CloudFront knows it. Of a
// key in KMS it hands back the public half, and keeps which key it is. It is
// what runs in the function keygen, and knows neither CDK nor Lambda.
//
// Nothing here is ever made twice: what a slot holds already is handed back,
// and no key is deleted that has signed or that the distribution has. Which of
// the keys signs, and when one is spent, is for signgate keys rotate (package
// rotation); a deployment that would take a key from the distribution before is
// refused.
package pairs
