package main

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth/oidc"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth/signing"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth/vault"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/idp/idptest"
)

// benchSign signs through the whole chain: our client, HTTP, the signing API, temporary credentials of a real login.
func benchSign(ctx context.Context, report func(figure)) error {
	dir, err := os.MkdirTemp("", "dinamis-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := server.Start(ctx, server.Config{StateDir: dir, Listen: "127.0.0.1:0", ObjectsListen: "127.0.0.1:0", Demo: true, AccessLifetime: time.Hour})
	if err != nil {
		return err
	}
	defer s.Close(context.WithoutCancel(ctx))
	session := oidc.New(oidc.Config{
		Name: "bench", Issuer: s.Addresses().Issuer, ClientID: "dinamis-desktop", Vault: &vault.Memory{},
		OpenBrowser: idptest.Browser{Username: "alice", Password: "alice"}.Open,
	})
	defer session.Close()
	if err := session.LoginBrowser(ctx); err != nil {
		return err
	}
	signer := signing.New(signing.Config{Endpoint: s.Addresses().Signing, Tokens: session})
	sign := func(round int) (int, error) {
		hrefs := make([]string, 64)
		for i := range hrefs {
			hrefs[i] = fmt.Sprintf("%s/dinamis/bench/%d/%d.tif", s.Addresses().Objects, round, i)
		}
		_, err := signer.Sign(ctx, hrefs)
		return len(hrefs), err
	}
	if _, err := sign(-1); err != nil { // the STS call
		return err
	}
	urls, begun, cpu := 0, time.Now(), cpuTime()
	for round := 0; time.Since(begun) < 5*time.Second; round++ {
		n, err := sign(round)
		if err != nil {
			return err
		}
		urls += n
	}
	report(figure{"sign/urls-per-core-second", float64(urls) / (cpuTime() - cpu).Seconds(), "URLs/s", ">=", 1000, "client, server and HTTP together"})
	report(figure{"sign/urls-one-client", float64(urls) / time.Since(begun).Seconds(), "URLs/s", ">=", 1000, "batches of 64, one after the other"})
	return nil
}

// cpuTime is what this process has used of all cores.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
