package present

import (
	"context"
	"image"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
)

// Connection is the address of one data centre, as its settings hold it.
type Connection struct {
	// ID names the connection for ever; empty for one that is not saved yet.
	ID string
	// Name is what a person reads.
	Name string
	// StacURL and SigningURL are the addresses of the STAC API and of the signing API. SigningURL may be empty: then nothing is
	// signed and nobody logs in.
	StacURL, SigningURL string
	// Issuer is the OpenID provider; empty means: ask the signing API.
	Issuer string
	// ClientID of the public OpenID client; empty means the service's own default.
	ClientID string
}

// Connections keeps the connections and opens them.
type Connections interface {
	// List returns the connections in the order shown.
	List() []Connection
	// Current is the id of the one to open at the start; empty if there is none.
	Current() string
	// Open opens a connection and remembers it as current. It may take time: it reads files. The workspace of
	// an earlier call stays usable until Close of it.
	Open(ctx context.Context, id string) (Workspace, error)
	// Save adds a connection without an id, else replaces it, and returns it with its id.
	Save(ctx context.Context, c Connection) (Connection, error)
	// Remove forgets a connection, its login and its place in the list.
	Remove(ctx context.Context, id string) error
}

// Catalog is the catalogue of one connection: the service, with the copy on this machine behind it.
type Catalog interface {
	catalog.Source
	// SetOffline makes the copy answer alone. It must not block.
	SetOffline(offline bool)
	Offline() bool
}

// Thumbnails gives small pictures of items.
type Thumbnails interface {
	// Thumbnail returns the picture decoded and scaled, its longer side at most size pixels. KindNotFound if the item has none.
	Thumbnail(ctx context.Context, item catalog.Item, size int) (image.Image, error)
}

// Workspace is an open connection.
type Workspace struct {
	Connection Connection
	Catalog    Catalog
	// Session is nil where the connection has no login.
	Session    auth.Session
	Thumbnails Thumbnails
	// Close releases what Open took; it may be nil.
	Close func()
}

// LoginLinker is a Session that can tell the address that a browser login waits for, to copy it into another browser.
type LoginLinker interface {
	// LoginURL is empty when no browser login is under way.
	LoginURL() string
}

// Disk answers questions about folders; both may block.
type Disk interface {
	// Free returns the bytes that this user can still write in dir or, if it doesn't exist, in the nearest folder above.
	Free(dir string) (int64, error)
	// Writable returns an error that says why dir cannot take files. It creates dir if it is missing.
	Writable(dir string) error
}

// Queue is the part of download.Queue that the window uses.
type Queue = download.Queue

// Settings is what the window remembers between starts. The zero value is a first start.
type Settings struct {
	// Language is "en", "fr" or empty for the system's; it acts at the next start.
	Language string
	// Theme is "light", "dark" or empty for the system's.
	Theme string
	// DownloadDir is absolute.
	DownloadDir string
	// Offline is true when the person chose to work offline.
	Offline bool
	Layout  Layout
}

// Layout is the geometry of the window. The zero value means the default.
type Layout struct {
	Width, Height float32
	// Left, Right, Bottom and Detail are the positions of the splitters, 0 to 1; 0 means the default.
	Left, Right, Bottom, Detail float64
	// TransfersHidden is true when the transfers are folded to one line.
	TransfersHidden bool
}

// Preferences keeps Settings. Save must not block for long and may be called often.
type Preferences interface {
	Load() Settings
	Save(s Settings)
}
