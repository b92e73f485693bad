package workstation

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Connection names one service: where its catalogue is and how one logs in there.
type Connection struct {
	// ID names the connection's files; lower-case letters, digits and dashes.
	ID   string `json:"id"`
	Name string `json:"name"`
	// STAC is the root of the STAC API.
	STAC string `json:"stac"`
	// Signing is the root of the signing API; empty for a catalogue whose assets are public.
	Signing string `json:"signing,omitempty"`
	// Issuer is the OpenID provider; empty means the one that the signing API names in its openapi.json.
	Issuer   string   `json:"issuer,omitempty"`
	ClientID string   `json:"client_id,omitempty"`
	Scopes   []string `json:"scopes,omitempty"`
	// SignedHosts are the hosts whose assets are signed: exact, or "*.example.org". Empty means every host that the
	// signing API accepts.
	SignedHosts []string `json:"signed_hosts,omitempty"`
}

// Validate returns an error that names the field and what would be right.
func (c Connection) Validate() error {
	if c.ID == "" || strings.Trim(c.ID, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return fmt.Errorf("id %q: use lower-case letters, digits and dashes", c.ID)
	}
	if strings.TrimSpace(c.Name) == "" {
		return errors.New("name: must not be empty")
	}
	if err := validURL("STAC API", c.STAC, true); err != nil {
		return err
	}
	if err := validURL("signing API", c.Signing, false); err != nil {
		return err
	}
	return validURL("issuer", c.Issuer, false)
}

func validURL(field, s string, needed bool) error {
	if s == "" {
		if needed {
			return fmt.Errorf("%s: an address is needed, such as https://api.example.org/stac", field)
		}
		return nil
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "":
		return fmt.Errorf("%s: %q is no address; write it as https://host/path", field, s)
	case u.User != nil:
		return fmt.Errorf("%s: leave user name and password out of the address; log in instead", field)
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("%s: %q must start with https:// (http:// only on this machine)", field, s)
}

func isLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// Theia is the living service (docs of teledetection.fr).
func Theia() Connection {
	return Connection{
		ID: "theia", Name: "DINAMIS / THEIA",
		STAC: "https://api.stac.teledetection.fr", Signing: "https://signing.stac.teledetection.fr/",
		ClientID: "gdal", Scopes: []string{"openid", "offline_access"},
		SignedHosts: []string{"*.meso.umontpellier.fr"},
	}
}

// Settings are what a person chose, kept between starts.
type Settings struct {
	Connections []Connection `json:"connections"`
	Current     string       `json:"current"`
	DownloadDir string       `json:"download_dir"`
	// Language is "fr", "en" or empty for the system's; Theme is "light", "dark" or empty.
	Language string `json:"language,omitempty"`
	Theme    string `json:"theme,omitempty"`
	// VaultConsent is true once the person agreed to an encrypted file in place of a missing keychain.
	VaultConsent bool `json:"vault_consent,omitempty"`
	// Parallel is how many files are fetched at once.
	Parallel int `json:"parallel,omitempty"`
	// Offline is true while the person works offline on purpose.
	Offline bool `json:"offline,omitempty"`
	// Window is the window's own: sizes and splitters.
	Window json.RawMessage `json:"window,omitempty"`
}

func (s Settings) clone() Settings {
	s.Connections = slices.Clone(s.Connections)
	s.Window = slices.Clone(s.Window)
	return s
}

// Connection returns the connection of that id; the current one for "".
func (s Settings) Connection(id string) (Connection, error) {
	if id == "" {
		id = s.Current
	}
	var known []string
	for _, c := range s.Connections {
		if c.ID == id {
			return c, nil
		}
		known = append(known, c.ID)
	}
	return Connection{}, fmt.Errorf("no connection is named %q; there is %s", id, strings.Join(known, ", "))
}

// settingsFile is the file that keeps Settings.
type settingsFile struct {
	path string
	mu   sync.Mutex
	now  Settings
}

// openSettings reads the file. A file that cannot be understood is set aside, never overwritten, and the error says where to.
func openSettings(path string, defaults Settings) (*settingsFile, error) {
	f := &settingsFile{path: path, now: defaults.clone()}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return f, fmt.Errorf("read settings: %w", err)
	}
	var s Settings
	if err := json.Unmarshal(text, &s); err != nil {
		return f, setAside(path, fmt.Errorf("read settings: %w", err))
	}
	for _, c := range s.Connections {
		if err := c.Validate(); err != nil {
			return f, setAside(path, fmt.Errorf("read settings: connection %q: %w", c.ID, err))
		}
	}
	f.now = merge(s, defaults)
	return f, nil
}

// setAside moves a file that cannot be used out of the way of the next update, and says so beside the cause.
func setAside(path string, cause error) error {
	aside := path + ".unreadable"
	if err := os.Rename(path, aside); err != nil {
		return fmt.Errorf("%w (and it could not be set aside: %w)", cause, err)
	}
	return fmt.Errorf("%w; the file is kept as %s and the defaults are used", cause, aside)
}

// merge fills what a settings file leaves out, and keeps the built-in connections up to date.
func merge(s, defaults Settings) Settings {
	for _, d := range defaults.Connections {
		i := slices.IndexFunc(s.Connections, func(c Connection) bool { return c.ID == d.ID })
		if i < 0 {
			s.Connections = append(s.Connections, d)
		}
	}
	if _, err := s.Connection(""); err != nil {
		s.Current = defaults.Current
	}
	if s.DownloadDir == "" {
		s.DownloadDir = defaults.DownloadDir
	}
	if s.Parallel <= 0 {
		s.Parallel = defaults.Parallel
	}
	return s.clone()
}

func (f *settingsFile) get() Settings {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now.clone()
}

// update changes the settings and writes them, atomically.
func (f *settingsFile) update(change func(*Settings)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	next := f.now.clone()
	change(&next)
	for _, c := range next.Connections {
		if err := c.Validate(); err != nil {
			return fmt.Errorf("connection %q: %w", c.ID, err)
		}
	}
	text, err := json.MarshalIndent(next, "", "  ")
	if err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	if err := writeAtomically(f.path, append(text, '\n')); err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	f.now = next
	return nil
}

func writeAtomically(path string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.Write(data); err != nil {
		return errors.Join(err, tmp.Close())
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
