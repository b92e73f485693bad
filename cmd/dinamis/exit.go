package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
)

// The exit codes, documented in docs/guide/cli.md.
const (
	codeOK          = 0
	codeInternal    = 1
	codeUsage       = 2
	codeLogin       = 3
	codeForbidden   = 4
	codeNotFound    = 5
	codeUnavailable = 6
	codeIncomplete  = 7
	codeLocal       = 8
	codeInterrupted = 130
)

const exitCodes = "Exit codes: 0 done, 1 internal error, 2 wrong usage, 3 login required, 4 forbidden, 5 not found, 6 service out of reach or failing, " +
	"7 some files failed, 8 local disk or catalogue, 130 interrupted."

// usageError is a flag or argument that cannot be understood.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// errIncomplete means that a download ended with files that failed.
var errIncomplete = errors.New("some files failed")

// report prints the error, if any, and returns the exit code.
func (a *app) report(ctx context.Context, err error) int {
	if err == nil {
		return codeOK
	}
	code := exitCode(ctx, err)
	if a.JSON {
		_ = json.NewEncoder(a.err).Encode(map[string]any{"error": err.Error(), "code": code, "help": help(code)})
		return code
	}
	fmt.Fprintln(a.err, "dinamis:", err)
	if h := help(code); h != "" {
		fmt.Fprintln(a.err, h)
	}
	return code
}

func help(code int) string {
	switch code {
	case codeLogin:
		return "Log in with: dinamis login   (or, on a machine without a browser: dinamis login --device)"
	case codeUnavailable:
		return "Is the network up? The local catalogue still answers: dinamis search --offline …"
	case codeIncomplete:
		return "See why with: dinamis queue   and try again with: dinamis queue retry"
	case codeUsage:
		return "See: dinamis --help"
	}
	return ""
}

func exitCode(ctx context.Context, err error) int {
	var (
		u  usageError
		ce *catalog.Error
		ae *auth.Error
		de *download.Error
	)
	switch {
	case ctx.Err() != nil:
		return codeInterrupted
	case errors.As(err, &u):
		return codeUsage
	case errors.Is(err, errIncomplete):
		return codeIncomplete
	case errors.Is(err, auth.ErrLoginRequired):
		return codeLogin
	case errors.As(err, &de):
		return downloadCodes[de.Kind]
	case errors.As(err, &ae):
		return authCodes[ae.Kind]
	case errors.As(err, &ce):
		return catalogCodes[ce.Kind]
	}
	return codeInternal
}

var catalogCodes = map[catalog.Kind]int{
	catalog.KindInternal: codeInternal, catalog.KindInvalid: codeUsage, catalog.KindNotFound: codeNotFound,
	catalog.KindConflict: codeUsage, catalog.KindUnauthorized: codeLogin, catalog.KindForbidden: codeForbidden,
	catalog.KindThrottled: codeUnavailable, catalog.KindUnavailable: codeUnavailable, catalog.KindProtocol: codeUnavailable,
	catalog.KindTooLarge: codeUnavailable, catalog.KindCorrupt: codeLocal, catalog.KindNewer: codeLocal, catalog.KindReadOnly: codeLocal,
}

var authCodes = map[auth.Kind]int{
	auth.KindInternal: codeInternal, auth.KindLogin: codeLogin, auth.KindDenied: codeLogin, auth.KindCancelled: codeLogin,
	auth.KindConflict: codeUsage, auth.KindForbidden: codeForbidden, auth.KindThrottled: codeUnavailable,
	auth.KindUnavailable: codeUnavailable, auth.KindProtocol: codeUnavailable, auth.KindNotFound: codeNotFound, auth.KindLocked: codeLocal,
}

var downloadCodes = map[download.Kind]int{
	download.KindInternal: codeInternal, download.KindInvalid: codeUsage, download.KindNotFound: codeNotFound,
	download.KindLogin: codeLogin, download.KindForbidden: codeForbidden, download.KindThrottled: codeUnavailable,
	download.KindNetwork: codeUnavailable, download.KindServer: codeUnavailable, download.KindProtocol: codeUnavailable,
	download.KindChanged: codeUnavailable, download.KindChecksum: codeIncomplete, download.KindDiskFull: codeLocal,
	download.KindFolder: codeLocal, download.KindCorrupt: codeLocal, download.KindUnsafe: codeUnavailable,
}
