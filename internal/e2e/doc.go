// Package e2e drives the built programs as a person would: a real window under Xvfb and openbox, a mouse, a keyboard, and a script for a browser.
//
// Its tests carry the build tag e2e, since they need the programs in build/ and the packages that `scripts/setup e2e` installs:
// `make e2e` and `make screenshots` run them. What must not be here: knowledge of how the programs work inside.
package e2e
