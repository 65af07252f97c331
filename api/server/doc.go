// Package server is the gateway's HTTP interface: Echo routes requests, huma
// ties every handler to the OpenAPI document, and each handler does one
// straight line: parse, authorize, sign, audit, answer.
//
// Start reading at routes.go: it shows every route and the order of the
// middleware on one screen; wire.go makes the parts from the settings.
//
// No byte of an object passes through here.
package server
