package engine

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	deep := filepath.Join(dir, "not", "yet", "there")
	here, err := FreeSpace(dir)
	if err != nil || here <= 0 {
		t.Fatalf("free space: %d, %v", here, err)
	}
	if below, err := FreeSpace(deep); err != nil || below <= 0 {
		t.Errorf("free space of a folder to come: %d, %v", below, err)
	}
	if _, err := os.Stat(deep); err == nil {
		t.Error("asking for free space made the folder")
	}
	if err := Writable(deep); err != nil {
		t.Errorf("a folder to come: %v", err)
	}
	if left, err := os.ReadDir(deep); err != nil || len(left) != 0 {
		t.Errorf("what was tried is left behind: %v, %v", left, err)
	}
	if err := Writable("relative"); err == nil {
		t.Error("a relative folder passed")
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Writable(filepath.Join(file, "below")); err == nil {
		t.Error("a folder below a file passed")
	}
}
