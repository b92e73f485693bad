package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"

	"gopkg.in/natefinch/lumberjack.v2"
)

// openLog writes the log to a rotating file and a crash's stack to another; neither holds a secret, since secrets print as "[secret]" and addresses
// are logged without their query.
func openLog(dir string) (*slog.Logger, func(), error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("open log: %w", err)
	}
	crash, err := os.OpenFile(filepath.Join(dir, "crash.txt"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("open log: %w", err)
	}
	if err := debug.SetCrashOutput(crash, debug.CrashOptions{}); err != nil {
		return nil, nil, fmt.Errorf("open log: %w", err)
	}
	file := &lumberjack.Logger{Filename: filepath.Join(dir, "dinamis-desktop.log"), MaxSize: 5, MaxBackups: 3}
	log := slog.New(slog.NewTextHandler(file, &slog.HandlerOptions{Level: slog.LevelInfo}))
	return log, func() { file.Close(); crash.Close() }, nil
}
