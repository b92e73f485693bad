package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/catalogtest"
)

// child is what a second process of the tests does.
func child(role, path string) error {
	ctx := context.Background()
	s, err := Open(ctx, path, Options{})
	if err != nil {
		return err
	}
	switch role {
	case "write":
		_, items := catalogtest.Archive(51, 600)
		for part := range slices.Chunk(items[300:], 10) {
			if err := s.PutItems(ctx, part); err != nil {
				return err
			}
			if _, err := s.Search(ctx, catalog.Query{}); err != nil {
				return err
			}
		}
	case "read only":
		if !s.ReadOnly() {
			return errors.New("the file was taken for writable")
		}
		p, err := s.Search(ctx, catalog.Query{Limit: 100, Text: "montpellier"})
		if err != nil || len(p.Items) == 0 {
			return fmt.Errorf("reading: %d items, %w", len(p.Items), err)
		}
		_, items := catalogtest.Archive(52, 5)
		if err := s.PutItems(ctx, items); catalog.KindOf(err) != catalog.KindReadOnly {
			return fmt.Errorf("writing: %w", err)
		}
		if err := s.RecordCoverage(ctx, catalog.Coverage{}); catalog.KindOf(err) != catalog.KindReadOnly {
			return fmt.Errorf("recording: %w", err)
		}
	case "killed":
		_, items := catalogtest.Archive(53, 1000)
		for {
			for part := range slices.Chunk(items, 50) {
				if err := s.PutItems(ctx, part); err != nil {
					return err
				}
				fmt.Println(len(part))
			}
			if err := s.DeleteItems(ctx, keysOf(items)); err != nil {
				return err
			}
		}
	}
	return s.Close()
}

func keysOf(items []catalog.Item) []catalog.Key {
	out := make([]catalog.Key, len(items))
	for i, it := range items {
		out[i] = it.Key
	}
	return out
}

func command(t *testing.T, binary, role, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary)
	cmd.Env = append(os.Environ(), "STORE_TEST_ROLE="+role, "STORE_TEST_PATH="+path)
	cmd.Stderr = os.Stderr
	return cmd
}

// TestTwoWindows writes through two handles and a second process at once; nobody sees a lock, and nothing is lost.
func TestTwoWindows(t *testing.T) {
	path := newPath(t)
	a, b := open(t, path, Options{}), open(t, path, Options{})
	cs, items := catalogtest.Archive(51, 600)
	if err := a.PutCollections(t.Context(), cs); err != nil {
		t.Fatal(err)
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := command(t, binary, "write", path)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	errs := make(chan error, 2)
	for i, s := range []*Store{a, b} {
		go func() {
			for part := range slices.Chunk(items[150*i:150*i+150], 5) {
				if err := s.PutItems(context.Background(), part); err != nil {
					errs <- err
					return
				}
				if _, err := s.SearchProjection(context.Background(), catalog.Query{CountUpTo: 1000}); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range 2 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Error("the second process:", err)
	}
	sameDocuments(t, items, all(t, a))
	sameDocuments(t, items, all(t, b))
	if err := a.check(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestKilled kills a writing process at odd moments: the catalogue opens, and every document is whole.
func TestKilled(t *testing.T) {
	path := newPath(t)
	s := open(t, path, Options{})
	cs, items := catalogtest.Archive(53, 1000)
	if err := s.PutCollections(t.Context(), cs); err != nil {
		t.Fatal(err)
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	byKey := map[catalog.Key]catalog.Item{}
	for _, it := range items {
		byKey[it.Key] = it
	}
	for round := range 4 {
		cmd := command(t, binary, "killed", path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 3*(1+round))); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		again, rec, err := OpenOrRecover(t.Context(), path, Options{})
		if err != nil || rec != nil {
			t.Fatal(rec, err)
		}
		got := all(t, again)
		if len(got) < 50 {
			t.Errorf("round %d: %d items, though a batch of 50 was confirmed", round, len(got))
		}
		for _, it := range got {
			if string(byKey[it.Key].Raw) != string(it.Raw) {
				t.Fatalf("%s is not what was written", it.Key)
			}
		}
		if err := again.DeleteItems(t.Context(), keysOf(got)); err != nil {
			t.Fatal(err)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReadOnly reads as a user who may write neither the file nor its folder.
func TestReadOnly(t *testing.T) {
	dir, err := os.MkdirTemp("", "store-readonly-") // not t.TempDir: others must be able to reach it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(os.Chmod(dir, 0o700), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	path := filepath.Join(dir, "catalogue.db")
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	fill(t, s, 52, 100)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "store.test")
	if err := os.WriteFile(binary, program, 0o755); err != nil { //nolint:gosec // it must be executable
		t.Fatal(err)
	}
	if err := errors.Join(os.Chmod(path, 0o444), os.Chmod(dir, 0o555)); err != nil {
		t.Fatal(err)
	}
	cmd := command(t, binary, "read only", path)
	asNobody(cmd)
	cmd.Dir = "/"
	if err := cmd.Run(); err != nil {
		t.Error(err)
	}
}
