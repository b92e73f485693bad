package oidc

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"

	"github.com/pkg/browser"
)

// quiet keeps the browser's chatter off our own output.
var quiet = sync.OnceFunc(func() { browser.Stdout, browser.Stderr = io.Discard, io.Discard })

// OpenBrowser shows an address in the person's browser: the first command of BROWSER that starts (a list as of PATH; "%s"
// stands for the address, which else is appended), or the system's own choice. It returns when that command ends.
func OpenBrowser(url string) error {
	if !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "http://") {
		return errors.New("this is no web address")
	}
	list := os.Getenv("BROWSER")
	if list == "" {
		quiet()
		return browser.OpenURL(url)
	}
	var errs []error
	for _, command := range strings.Split(list, string(os.PathListSeparator)) {
		cmd, err := browserCommand(command, url)
		if err == nil {
			err = cmd.Start()
		}
		if err == nil {
			if err := cmd.Wait(); err != nil {
				return fmt.Errorf("the browser %s ended with %w", cmd.Path, err)
			}
			return nil
		}
		errs = append(errs, err)
	}
	return fmt.Errorf("no browser of BROWSER starts: %w", errors.Join(errs...))
}

// browserCommand reads one entry of BROWSER. A program's own path may have blanks in it; else blanks part arguments.
func browserCommand(entry, url string) (*exec.Cmd, error) {
	args := strings.Fields(entry)
	if len(args) == 0 {
		return nil, errors.New("an entry of BROWSER is empty")
	}
	if _, err := exec.LookPath(entry); err == nil {
		args = []string{entry}
	}
	found := false
	for i, a := range args {
		if strings.Contains(a, "%s") {
			args[i], found = strings.ReplaceAll(a, "%s", url), true
		}
	}
	if !found {
		args = append(args, url)
	}
	return exec.Command(args[0], args[1:]...), nil
}
