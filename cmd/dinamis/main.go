// Command dinamis does without a window what dinamis-desktop does with one: log in, search, sign, download, look into the local
// catalogue. It shares settings, login, catalogue and queue with the app.
//
// This package parses flags and prints; everything else is in the rooms that internal/workstation opens.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/workstation"
)

// version is set by the linker for a release.
var version = "0.1.0"

// cli is the command line, as kong reads it.
type cli struct {
	Home       string           `help:"Keep settings, catalogue and queue below this folder instead of the system's." env:"DINAMIS_HOME" type:"path" placeholder:"DIR"`
	Connection string           `short:"c" help:"Use this connection instead of the current one." placeholder:"ID"`
	Offline    bool             `help:"Answer from the local catalogue alone."`
	JSON       bool             `name:"json" help:"Print JSON, for scripts."`
	Verbose    bool             `short:"v" help:"Log what is done to standard error."`
	Version    kong.VersionFlag `help:"Print the version."`

	Login       loginCmd      `cmd:"" help:"Log in through the browser, or with a code on another device."`
	Logout      logoutCmd     `cmd:"" help:"Log out, here and at the provider."`
	Whoami      whoamiCmd     `cmd:"" help:"Say who is logged in."`
	Search      searchCmd     `cmd:"" help:"Search items."`
	Sign        signCmd       `cmd:"" help:"Print signed URLs for assets. They carry your right to read: treat them as secrets."`
	Download    downloadCmd   `cmd:"" help:"Download assets of the items named, or of all that a search finds."`
	Queue       queueCmd      `cmd:"" help:"Look at the download queue and steer it."`
	Catalog     catalogCmd    `cmd:"" help:"Look into the local catalogue."`
	Connections connectionCmd `cmd:"" help:"List, add, choose and remove connections."`
}

// app is what a command needs beside its own flags.
type app struct {
	*cli
	out, err io.Writer
	terminal bool
	ws       *workstation.Workstation
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	var c cli
	exit := -1
	parser, err := kong.New(&c,
		kong.Name("dinamis"),
		kong.Description("Search, sign and download DINAMIS and THEIA satellite images.\n\n"+exitCodes),
		kong.Vars{"version": version},
		kong.Writers(out, errOut),
		kong.Exit(func(code int) { exit = code }),
		kong.UsageOnError(),
	)
	if err != nil {
		fmt.Fprintln(errOut, "dinamis:", err)
		return codeInternal
	}
	k, err := parser.Parse(args)
	if exit >= 0 { // --help or --version has answered
		return exit
	}
	if err != nil {
		fmt.Fprintln(errOut, "dinamis:", err)
		return codeUsage
	}
	a := &app{cli: &c, out: out, err: errOut, terminal: isTerminal(out)}
	return a.report(ctx, a.execute(ctx, k))
}

// execute opens the workstation, runs the command and closes it again.
func (a *app) execute(ctx context.Context, k *kong.Context) (err error) {
	paths, err := workstation.DefaultPaths(a.Home)
	if err != nil {
		return err
	}
	level := slog.LevelError
	if a.Verbose {
		level = slog.LevelDebug
	}
	a.ws, err = workstation.Open(ctx, workstation.Options{
		Paths:   paths,
		Offline: a.Offline,
		Logger:  slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: level})),
	})
	if err != nil {
		return err
	}
	defer func() {
		// Opening a catalogue or the queue may have added some.
		for _, w := range a.ws.Warnings() {
			fmt.Fprintln(a.err, "dinamis: warning:", w)
		}
		err = errors.Join(err, a.ws.Close(context.WithoutCancel(ctx)))
	}()
	k.BindTo(ctx, (*context.Context)(nil))
	return k.Run(a)
}
