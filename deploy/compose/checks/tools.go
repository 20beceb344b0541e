//go:build tools

// Package checks pins the parser of docker compose, with which the tests read what is rendered.
package checks

import _ "github.com/compose-spec/compose-go/v2/cmd"
