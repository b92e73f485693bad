// Command dinamis-desktop is the window: search, map, offline catalogue and downloads of DINAMIS and THEIA satellite images.
//
// It holds flags, folders and wiring, and is the only importer of fyne.io/fyne/v2/app.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"
	"github.com/alecthomas/kong"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/workstation"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"
)

const appID = "fr.inrae.cdos.dinamis-desktop"

// version is set by the linker for a release.
var version = "0.1.0"

type flags struct {
	Home        string           `help:"Keep settings, catalogue, queue and logs below this folder instead of the system's." env:"DINAMIS_HOME" type:"path" placeholder:"DIR"`
	Demo        bool             `help:"Start an embedded backend with a sample archive, and connect to it."`
	Offline     bool             `help:"Answer from the local catalogue alone."`
	Files       bool             `help:"Print where settings, catalogues, queue and logs lie, and exit."`
	DebugSocket string           `help:"Tell tests where widgets are, on this Unix socket." type:"path" hidden:""`
	Version     kong.VersionFlag `help:"Print the version."`
}

// closing bounds how long the program may take to end: confirming what was downloaded, and the embedded backend's requests.
const closing = 10 * time.Second

func main() {
	var f flags
	kong.Parse(&f, kong.Name("dinamis-desktop"), kong.Vars{"version": version},
		kong.Description("Search, map, keep and download DINAMIS and THEIA satellite images."))
	if err := run(f); err != nil {
		fmt.Fprintln(os.Stderr, "dinamis-desktop:", err)
		os.Exit(1)
	}
}

func run(f flags) (err error) {
	paths, err := folders(f)
	if err != nil {
		return err
	}
	if f.Files {
		fmt.Printf("settings  %s\ndata      %s\ncache     %s\nlogs      %s\n", paths.Config, paths.Data, paths.Cache, paths.Logs)
		return nil
	}
	if err := haveDisplay(); err != nil {
		return err
	}
	log, closeLog, err := openLog(paths.Logs)
	if err != nil {
		return err
	}
	defer closeLog()
	slog.SetDefault(log) // libraries log there
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	var back *backend
	opts := workstation.Options{Paths: paths, Offline: f.Offline, Logger: log}
	if f.Demo {
		if back, err = startBackend(ctx, paths.Demo(), log); err != nil {
			return err
		}
		opts.Connections = []workstation.Connection{back.connection()}
	}
	ws, err := workstation.Open(ctx, opts)
	if err != nil {
		return err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.Background(), closing)
		defer cancel()
		err = errors.Join(err, ws.Close(end))
		if back != nil {
			err = errors.Join(err, back.close(end))
		}
	}()
	return show(ctx, ws, f, log)
}

// show opens the window and returns when it is closed.
func show(ctx context.Context, ws *workstation.Workstation, f flags, log *slog.Logger) error {
	queue, err := ws.Queue(ctx)
	if err != nil {
		return err
	}
	app.SetMetadata(fyne.AppMetadata{
		ID: appID, Name: "DINAMIS Desktop", Version: version, Build: 1, Icon: ui.AppIcon(),
		Migrations: map[string]bool{"fyneDo": true},
	})
	a := app.NewWithID(appID)
	conns := &connections{ws: ws}
	shell, err := ui.New(a, ui.Services{
		Connections: conns,
		Queue:       queue,
		Disk:        disk{},
		Preferences: &preferences{ws: ws, log: log},
		Language:    present.LanguageOf(os.Getenv("LANG")),
		OpenFolder:  openFolder,
		About:       about(),
		Licences:    licences(),
	})
	if err != nil {
		return err
	}
	conns.askConsent, conns.notice = shell.AskVaultConsent, shell.Notice
	if f.DebugSocket != "" {
		closeDebug, err := serveDebug(f.DebugSocket, shell)
		if err != nil {
			return err
		}
		defer closeDebug()
	}
	go func() {
		<-ctx.Done()
		fyne.Do(a.Quit)
	}()
	shell.Show()
	a.Run()
	return nil
}

// folders returns where everything lies. The demo has folders of its own, so that nothing of it mixes with real work.
func folders(f flags) (workstation.Paths, error) {
	paths, err := workstation.DefaultPaths(f.Home)
	if err != nil || !f.Demo || f.Home != "" {
		return paths, err
	}
	return paths.Named("demo"), nil
}

func haveDisplay() error {
	if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" && needsDisplay {
		return errors.New("there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set); `dinamis` does the same work without a window")
	}
	return nil
}
