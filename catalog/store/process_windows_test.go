package store

import "os/exec"

// asNobody changes nothing: file attributes hold back administrators too.
func asNobody(*exec.Cmd) {}
