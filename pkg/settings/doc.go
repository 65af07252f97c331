// Package settings holds every setting of the gateway: name, default, meaning
// and validation, in one struct, used by the binary and by whatever deploys it.
//
// A setting comes from a flag (--cdn-url), else from the environment
// (SIGNGATE_CDN_URL), else from SSM Parameter Store below the path named by
// --parameters (…/cdn-url or …/cdnUrl; --parameters-only says which of them),
// else from the JSON file named by --config ("cdnUrl"), else it has its
// default. There are no secrets among
// them: signing keys are in files, in Secrets Manager or KMS, AWS credentials
// come from the role the gateway runs under.
//
// The package checks what can be checked without opening anything; whether a
// folder holds usable keys is for the package that reads it.
package settings
