//go:build nolab

package main

// labCommand is empty in binaries for routers.
type labCommand struct{}
