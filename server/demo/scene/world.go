// Package scene is the land that the sample archive's satellites see.
package scene

// World is the land of one seed.
type World struct{ seed uint64 }

// NewWorld returns the land of a seed.
func NewWorld(seed uint64) *World { return &World{seed: seed} }
