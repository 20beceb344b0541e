//go:build tools

// Package edge pins the engine of the test network and all that it is built from; nothing of ours
// is compiled in. Build it with
//
//	go build github.com/0xPolygon/polygon-edge
package edge

import _ "github.com/0xPolygon/polygon-edge"
