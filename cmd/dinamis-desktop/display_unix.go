//go:build unix && !darwin

package main

const needsDisplay = true
