package workstation

import (
	"fmt"
	"os"
	"path/filepath"
)

// Paths are the folders of one user's workstation.
type Paths struct {
	Config string // settings, the encrypted vault
	Data   string // catalogues, the queue
	Cache  string // thumbnails: may be deleted at any time
	Logs   string // rotating log, crash file
}

// DefaultPaths returns the system's folders for this user; all of them lie below home if that isn't empty.
func DefaultPaths(home string) (Paths, error) {
	if home != "" {
		abs, err := filepath.Abs(home)
		if err != nil {
			return Paths{}, fmt.Errorf("find folders: %w", err)
		}
		return Paths{
			Config: filepath.Join(abs, "config"), Data: filepath.Join(abs, "data"),
			Cache: filepath.Join(abs, "cache"), Logs: filepath.Join(abs, "logs"),
		}, nil
	}
	config, err := os.UserConfigDir()
	if err != nil {
		return Paths{}, fmt.Errorf("find folders: %w", err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return Paths{}, fmt.Errorf("find folders: %w", err)
	}
	data := os.Getenv("XDG_DATA_HOME")
	if data == "" {
		data = config
		if home, err := os.UserHomeDir(); err == nil && filepath.Base(config) == ".config" {
			data = filepath.Join(home, ".local", "share")
		}
	}
	return Paths{
		Config: filepath.Join(config, "dinamis"), Data: filepath.Join(data, "dinamis"),
		Cache: filepath.Join(cache, "dinamis"), Logs: filepath.Join(cache, "dinamis", "logs"),
	}, nil
}

// Named returns the folders of another workstation of the same user, beside p: for the demo, which must not mix with real work.
func (p Paths) Named(name string) Paths {
	return Paths{
		Config: p.Config + "-" + name, Data: p.Data + "-" + name, Cache: p.Cache + "-" + name,
		Logs: filepath.Join(p.Cache+"-"+name, "logs"),
	}
}

func (p Paths) settings() string { return filepath.Join(p.Config, "settings.json") }
func (p Paths) vault() string    { return filepath.Join(p.Config, "vault") }
func (p Paths) queue() string    { return filepath.Join(p.Data, "queue.sqlite") }
func (p Paths) thumbnails() string {
	return filepath.Join(p.Cache, "thumbnails")
}

// Catalogue returns the file of a connection's local catalogue.
func (p Paths) Catalogue(connection string) string {
	return filepath.Join(p.Data, "catalogues", connection+".sqlite")
}

// Demo returns the state folder of the embedded backend.
func (p Paths) Demo() string { return filepath.Join(p.Data, "demo-server") }

// DownloadDir returns where downloads go unless the person chooses otherwise.
func (p Paths) downloadDir() string {
	if home, err := os.UserHomeDir(); err == nil {
		if _, err := os.Stat(filepath.Join(home, "Downloads")); err == nil {
			return filepath.Join(home, "Downloads", "DINAMIS")
		}
		return filepath.Join(home, "DINAMIS")
	}
	return filepath.Join(p.Data, "downloads")
}
