package config

import (
	"bytes"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/signgate/signgate/infra/complaints"
	"github.com/signgate/signgate/pkg/callers"
	"github.com/signgate/signgate/pkg/settings"
)

// handed are the settings that gateway.settings may hold. The others follow
// from the rest of the environment, would take permissions that the stacks
// don't give, or are for a gateway on a machine of its own.
func handed() []string {
	return []string{
		"anonymous", "audit-checkpoint-interval", "cookie-same-site", "delete-life", "groups-claim", "issuers", "key-layout", "log-level",
		"max-body-bytes", "max-delete-life", "max-upload-bytes", "open-upload-life", "read-life", "session-life", "stable-window", "subject-claim",
		"tenant-claim", "token-algorithms", "upload-life",
		"decision-hook-cache", "decision-hook-mode", "decision-hook-parallel", "decision-hook-timeout",
	}
}

// readSettings fills in Handed and IssuersFile, and finds now what the gateway
// would refuse to start with.
func (e *Environment) readSettings(folder fs.FS) (found complaints.List) {
	g := e.Gateway
	if g == nil {
		return nil
	}
	if len(g.Settings) > 0 {
		var err error
		g.Handed, err = settings.ReadValues(bytes.NewReader(g.Settings))
		found.When(err != nil, "gateway.settings: %v", err)
	}
	for _, name := range slices.Sorted(maps.Keys(g.Handed)) {
		found.When(!slices.Contains(handed(), name), "gateway.settings: %s isn't for this file to say; it may hold %s", name, strings.Join(handed(), ", "))
		found.When(g.Handed[name] == "", "gateway.settings: %s is empty; leave it out", name)
	}
	if len(found) > 0 {
		return found
	}
	_, err := e.settingsAlike().Gateway()
	found.When(err != nil, "gateway.settings: %v", err)
	if file, given := g.Handed["issuers"]; given {
		delete(g.Handed, "issuers")
		if g.IssuersFile, err = fs.ReadFile(folder, path.Clean(file)); err == nil {
			_, err = callers.ParseIssuers(g.IssuersFile)
		}
		found.When(err != nil, "gateway.settings.issuers: %q, below the folder of the environments: %v", file, err)
	}
	return found
}

// settingsAlike are what the gateway will start with, with something in place
// of what only a deployment knows.
func (e *Environment) settingsAlike() settings.Values {
	g := e.Gateway
	values := settings.Values{
		"public-url": "https://api.example.com", "cdn-url": "https://cdn.example.com", "bucket": "bucket", "region": "us-east-1",
		"policies": "policies", "signing-secret": "secret", "issuer": "https://issuer.example.com", "audience": "audience",
		"max-read-life": time.Duration(e.Limits.MaxReadLife).String(), "max-upload-life": time.Duration(e.Limits.MaxUploadLife).String(),
	}
	if g.DecisionHook != nil {
		values["decision-hook"], values["decision-hook-secret"] = g.DecisionHook.URL, "secret"
	}
	if g.Sharing {
		values["grants-table"] = "grants"
	}
	maps.Copy(values, g.Handed)
	return values
}
