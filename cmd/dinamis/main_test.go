package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/idp/idptest"
)

// The scripts run this binary as `dinamis`, and as `browser`, which plays the person at the system browser.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"dinamis": func() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) },
		"browser": func() {
			b := idptest.Browser{Username: os.Getenv("PERSON"), Password: os.Getenv("PASSWORD")}
			if err := b.Open(os.Args[1]); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		},
	})
}

func TestScripts(t *testing.T) {
	s, err := server.Start(t.Context(), server.Config{StateDir: t.TempDir(), Listen: "127.0.0.1:0", ObjectsListen: "127.0.0.1:0", Demo: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	at := s.Addresses()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("DINAMIS_HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(e.WorkDir, "no-bus"))
			e.Setenv("BROWSER", "browser")
			e.Setenv("PERSON", "alice")
			e.Setenv("PASSWORD", "alice")
			e.Setenv("STAC", at.STAC)
			e.Setenv("SIGNING", at.Signing)
			e.Setenv("OBJECTS", at.Objects)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"features": features, "verified": verified, "exits": exits,
		},
	})
}

// features FILE checks that a file is a GeoJSON feature collection with items.
func features(ts *testscript.TestScript, neg bool, args []string) {
	var fc struct {
		Type     string
		Features []struct{ ID, Collection string }
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &fc))
	if fc.Type != "FeatureCollection" || len(fc.Features) == 0 || fc.Features[0].ID == "" {
		ts.Fatalf("no feature collection: %s, %d features", fc.Type, len(fc.Features))
	}
}

// verified FILE checks that the tasks in a file are done, and that each file's SHA-256 is what its task says.
func verified(ts *testscript.TestScript, neg bool, args []string) {
	var tasks []taskJSON
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &tasks))
	if len(tasks) == 0 {
		ts.Fatalf("no tasks")
	}
	for _, t := range tasks {
		data, err := os.ReadFile(t.Path)
		ts.Check(err)
		sum := sha256.Sum256(data)
		if t.State != "done" || t.SHA256 != hex.EncodeToString(sum[:]) {
			ts.Fatalf("task %d is %s with %s", t.ID, t.State, t.SHA256)
		}
	}
}

// exits CODE ARG… runs dinamis in this process with the script's environment and checks its exit code; the error text goes to the file "err".
func exits(ts *testscript.TestScript, neg bool, args []string) {
	home := ts.Getenv("DINAMIS_HOME")
	var out, errs strings.Builder
	code := run(context.Background(), append([]string{"--home", home}, args[1:]...), &out, &errs)
	ts.Check(os.WriteFile(ts.MkAbs("err"), []byte(errs.String()), 0o600))
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("dinamis %s exits with %d, want %s\n%s%s", strings.Join(args[1:], " "), code, args[0], out.String(), errs.String())
	}
}
