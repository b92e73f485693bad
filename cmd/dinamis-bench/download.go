package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download/engine"
)

// bigFile is the stated size of the one file; ratio is how much of the peer's speed is asked for.
const (
	bigFile       = 2 << 30
	wantedOfPeer  = 0.95
	downloadTries = 3
)

// benchDownload fetches one file over loopback with the queue, hashing, fsync and journal included, and with curl.
func benchDownload(ctx context.Context, report func(figure)) error {
	curl, err := exec.LookPath("curl")
	if err != nil {
		return fmt.Errorf("the peer is missing: %w", err)
	}
	dir, err := os.MkdirTemp("", "dinamis-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	source := filepath.Join(dir, "scene.tif")
	sum, err := writeNoise(source, bigFile)
	if err != nil {
		return err
	}
	store := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer store.Close()
	href := store.URL + "/scene.tif"

	ours, theirs := time.Duration(1<<62), time.Duration(1<<62)
	for i := range downloadTries {
		begun := time.Now()
		out := filepath.Join(dir, "curl.out")
		if err := exec.CommandContext(ctx, curl, "-sf", "-o", out, href).Run(); err != nil {
			return fmt.Errorf("curl: %w", err)
		}
		theirs = min(theirs, time.Since(begun))
		if err := os.Remove(out); err != nil {
			return err
		}
		d, err := fetch(ctx, filepath.Join(dir, fmt.Sprint("run", i)), href, sum)
		if err != nil {
			return err
		}
		ours = min(ours, d)
	}
	rate := func(d time.Duration) float64 { return bigFile / 1e6 / d.Seconds() }
	report(figure{
		"download/loopback-2GB-of-curl", theirs.Seconds() / ours.Seconds(), "×", ">=", wantedOfPeer,
		fmt.Sprintf("ours %.0f MB/s with SHA-256 and fsync, curl %.0f MB/s without", rate(ours), rate(theirs)),
	})
	return nil
}

// fetch downloads href through a fresh queue and returns how long that took.
func fetch(ctx context.Context, dir, href, sum string) (time.Duration, error) {
	defer os.RemoveAll(dir)
	q, err := engine.Open(ctx, engine.Config{
		Journal: filepath.Join(dir, "queue.sqlite"),
		Signers: func(string) (download.Signer, error) { return passThrough{}, nil },
	})
	if err != nil {
		return 0, err
	}
	run, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- q.Run(run) }()
	defer func() { _ = q.Close(context.WithoutCancel(ctx)); stop(); <-ended }()
	begun := time.Now()
	ids, err := q.Enqueue(ctx, []download.Request{{
		Href: href, Collection: "bench", Item: "item", Asset: "data", Dir: dir, Size: bigFile, Checksum: "1220" + sum, MediaType: "image/tiff",
	}})
	if err != nil {
		return 0, err
	}
	for {
		for _, t := range q.Snapshot().Tasks {
			if t.ID != ids[0] || !t.State.Final() {
				continue
			}
			if t.State != download.Done {
				return 0, errors.Join(errors.New("the download failed"), t.Err)
			}
			return time.Since(begun), nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-q.Changes():
		}
	}
}

// passThrough signs nothing.
type passThrough struct{}

// Sign implements download.Signer.
func (passThrough) Sign(_ context.Context, hrefs []string) ([]download.Signed, error) {
	out := make([]download.Signed, len(hrefs))
	for i, h := range hrefs {
		out[i] = download.Signed{Href: h, URL: h}
	}
	return out, nil
}

// Forget implements download.Signer.
func (passThrough) Forget(...string) {}

// writeNoise writes size incompressible bytes and returns their SHA-256.
func writeNoise(path string, size int64) (string, error) {
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h, r, buf := sha256.New(), rand.NewChaCha8([32]byte{1}), make([]byte, 1<<20)
	for left := size; left > 0; left -= int64(len(buf)) {
		if _, err := r.Read(buf); err != nil {
			return "", err
		}
		if _, err := f.Write(buf); err != nil {
			return "", err
		}
		h.Write(buf)
	}
	return hex.EncodeToString(h.Sum(nil)), f.Close()
}
