//go:build unix

package store

import (
	"os"
	"os/exec"
	"syscall"
)

// asNobody runs a command without the rights of root, whom no permission holds back.
func asNobody(cmd *exec.Cmd) {
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
}
