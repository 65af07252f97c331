// Package config reads what tells one environment from another: a JSON file
// for each, checked before anything of it reaches CDK, with every complaint at
// once. What the environments have in common stands in the constructs, and
// this package knows neither CDK nor AWS.
package config
