// Command dinamis-server is the reference backend: STAC API, signing API and identity provider on one port, the object store on another.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/idp"
)

// version is set by the linker for a release.
var version = "0.1.0"

type cli struct {
	Version  kong.VersionFlag `help:"Print the version."`
	Serve    serveCmd         `cmd:"" help:"Serve until SIGINT or SIGTERM."`
	Password passwordCmd      `cmd:"" help:"Read a password and print its hash, for the users file."`
}

type serveCmd struct {
	State          string        `help:"Folder that keeps everything: catalogue, keys, sessions, objects." required:"" type:"path" placeholder:"DIR"`
	Listen         string        `help:"Address of STAC API, signing API and identity provider; port 0 picks a free one." default:"127.0.0.1:8480"`
	ObjectsListen  string        `help:"Address of the object store." default:"127.0.0.1:8481"`
	Demo           bool          `help:"Add the sample archive, and the users alice, bob and admin1 whose passwords are their names."`
	Seed           uint64        `help:"Another sample archive." default:"0"`
	AccessLifetime time.Duration `help:"How long an access token lives." default:"5m"`
	URLLifetime    time.Duration `name:"url-lifetime" help:"How long a signed URL lives that asks for no duration." default:"8h"`
	LogLevel       slog.Level    `help:"debug, info, warn or error." default:"info"`
}

// grace is how long requests that run may go on after a signal.
const grace = 10 * time.Second

// Run serves.
func (c *serveCmd) Run(ctx context.Context) error {
	log := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: c.LogLevel}))
	slog.SetDefault(log) // the OpenID library logs refusals there
	s, err := server.Start(ctx, server.Config{
		StateDir: c.State, Listen: c.Listen, ObjectsListen: c.ObjectsListen, Demo: c.Demo, Seed: c.Seed,
		AccessLifetime: c.AccessLifetime, URLLifetime: c.URLLifetime,
		Logger: log,
	})
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(s.Addresses()); err != nil {
		return err
	}
	<-ctx.Done()
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	return s.Close(end)
}

type passwordCmd struct{}

// Run prints the hash of a password read from the terminal, or from standard input's first line.
func (passwordCmd) Run() error {
	password, err := readPassword(os.Stdin, os.Stderr)
	if err != nil {
		return err
	}
	if password == "" {
		return errors.New("the password is empty")
	}
	hash, err := idp.HashPassword(password)
	if err != nil {
		return err
	}
	fmt.Println(hash)
	return nil
}

func readPassword(in *os.File, prompt io.Writer) (string, error) {
	if !term.IsTerminal(int(in.Fd())) {
		line, err := bufio.NewReader(in).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	fmt.Fprint(prompt, "Password: ")
	b, err := term.ReadPassword(int(in.Fd()))
	fmt.Fprintln(prompt)
	return string(b), err
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	k := kong.Parse(&cli{}, kong.Name("dinamis-server"), kong.Vars{"version": version},
		kong.Description("The reference backend of DINAMIS: STAC API, S3 signing, identity provider and object store."),
		kong.BindTo(ctx, (*context.Context)(nil)))
	k.FatalIfErrorf(k.Run())
}
