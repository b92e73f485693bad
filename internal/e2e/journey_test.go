//go:build e2e

package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui"
)

// TestJourney is a newcomer's first hour: log in, draw an area, search, see footprints, download one, lose the network, search again, and find
// everything as it was after a restart.
func TestJourney(t *testing.T) {
	home, downloads := t.TempDir(), t.TempDir()
	state := t.TempDir()
	back := startBackend(t, state)
	back.settings(t, home, downloads, nil)
	s := newScreen(t, 1440, 900)
	a := startApp(t, s, home)
	a.until("the collections", 30*time.Second, func(i ui.Inspection) bool { return i.Collections == 3 })
	s.picture("start")

	logIn(t, a)
	ids := searchMontpellier(t, a)
	downloadFirst(t, a, downloads)
	sameAsObjects(t, a, home)
	history := a.state().Transfers

	back.stop(t)
	searchOffline(t, a, ids)
	s.key("ctrl+q")
	select {
	case <-a.done:
	case <-time.After(20 * time.Second):
		t.Fatal("the window did not close")
	}

	again := startApp(t, s, home)
	i := again.until("the login and the queue after a restart", 30*time.Second, func(i ui.Inspection) bool { return i.LoggedIn && len(i.Transfers) == len(history) })
	if !slices.Equal(i.Transfers, history) {
		t.Errorf("the queue's history after a restart:\n%+v\nbefore:\n%+v", i.Transfers, history)
	}
	s.picture("restarted")
	noSecretsIn(t, home)
}

func logIn(t *testing.T, a *app) {
	t.Helper()
	a.press("login")
	a.press("dialog.yes") // there is no keychain on this screen
	a.until("the login", 30*time.Second, func(i ui.Inspection) bool { return i.LoggedIn })
	time.Sleep(500 * time.Millisecond)
	a.screen.picture("logged-in")
}

// searchMontpellier draws a rectangle around the city and searches SPOT scenes there.
func searchMontpellier(t *testing.T, a *app) []string {
	t.Helper()
	a.press("collections.row.1")
	a.press("tool.rectangle")
	x0, y0 := a.onMap(3.4, 43.9)
	x1, y1 := a.onMap(4.4, 43.3)
	a.screen.drag(a.window, x0, y0, x1, y1)
	a.screen.picture("area")
	a.press("search")
	i := a.until("results", 30*time.Second, func(i ui.Inspection) bool { return i.Results == "ready" && len(i.Items) > 0 })
	for _, id := range i.Items {
		if !strings.HasPrefix(id, "spot-6-7-drs/") {
			t.Errorf("%s is not of the collection that was asked for", id)
		}
	}
	time.Sleep(3 * time.Second) // thumbnails are made on first request
	a.screen.picture("results")
	a.press("results.row.0")
	a.until("a selection", 10*time.Second, func(i ui.Inspection) bool { return len(i.Selected) == 1 })
	time.Sleep(2 * time.Second)
	a.screen.picture("item")
	return i.Items
}

// downloadFirst puts the files of the selected image into the queue, and waits for them.
func downloadFirst(t *testing.T, a *app, downloads string) {
	t.Helper()
	a.press("download")
	a.screen.picture("download-dialog")
	a.press("download.start")
	time.Sleep(time.Second)
	a.screen.picture("transfers")
	i := a.until("the download", 120*time.Second, func(i ui.Inspection) bool {
		return len(i.Transfers) > 0 && !slices.ContainsFunc(i.Transfers, func(x ui.Transfer) bool { return x.State != "done" })
	})
	time.Sleep(500 * time.Millisecond)
	a.screen.picture("downloaded")
	for _, x := range i.Transfers {
		if !strings.HasPrefix(x.Path, filepath.Join(downloads, "spot-6-7-drs")+"/") {
			t.Errorf("the file is at %s, not below %s", x.Path, downloads)
		}
	}
}

// sameAsObjects compares each file with its object, fetched by another way: a URL signed on the command line, and a plain GET.
func sameAsObjects(t *testing.T, a *app, home string) {
	t.Helper()
	var tasks []struct{ Item, Asset, SHA256, Collection, Path string }
	if err := json.Unmarshal([]byte(a.dinamis(home, "queue", "--json")), &tasks); err != nil || len(tasks) == 0 {
		t.Fatalf("queue: %v, %d tasks", err, len(tasks))
	}
	for _, task := range tasks {
		file, err := os.ReadFile(task.Path)
		if err != nil {
			t.Fatal(err)
		}
		var assets []struct{ Key, Href string }
		if err := json.Unmarshal([]byte(a.dinamis(home, "catalog", "assets", "--json", task.Collection+"/"+task.Item)), &assets); err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(assets, func(as struct{ Key, Href string }) bool { return as.Key == task.Asset })
		if i < 0 {
			t.Fatalf("the item has no asset %s", task.Asset)
		}
		object := objectSum(t, strings.TrimSpace(a.dinamis(home, "sign", assets[i].Href)))
		sum := sha256.Sum256(file)
		if disk := hex.EncodeToString(sum[:]); object != disk || task.SHA256 != disk {
			t.Errorf("SHA-256 of %s: object %s, file %s, queue %s", task.Asset, object, disk, task.SHA256)
		}
	}
}

func objectSum(t *testing.T, address string) string {
	t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	h := sha256.New()
	if _, err := io.Copy(h, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %v", resp.Status, err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// searchOffline asks the same question without a server.
func searchOffline(t *testing.T, a *app, ids []string) {
	t.Helper()
	a.press("search")
	i := a.until("the offline answer", 60*time.Second, func(i ui.Inspection) bool { return i.Results == "ready" && i.Banner != "" })
	if !slices.Equal(i.Items, ids) {
		t.Errorf("offline the same search lists other items:\n%v\n%v", i.Items, ids)
	}
	a.screen.picture("offline")
}

// noSecretsIn looks for tokens and signatures in everything that the program wrote.
func noSecretsIn(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, word := range []string{"X-Amz-Signature=", "X-Amz-Security-Token=", "eyJhbGciOi", "refresh_token"} {
			if strings.Contains(string(text), word) {
				t.Errorf("%s holds %s", path, word)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
