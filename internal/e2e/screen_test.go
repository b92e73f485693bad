//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is a program that the journey started and will end, by its pid.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
	log  string
}

// start runs a program with its output in build/e2e/<name>.log until the test ends.
func start(t *testing.T, name string, env []string, args ...string) *process {
	t.Helper()
	log := filepath.Join(outDir(t), name+".log")
	f, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = f, f
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", args[0], err)
	}
	p := &process{cmd: cmd, done: make(chan struct{}), log: log}
	go func() {
		_ = cmd.Wait()
		f.Close()
		close(p.done)
	}()
	t.Cleanup(func() { p.stop(t) })
	return p
}

// stop asks the program to end, and makes sure that it does.
func (p *process) stop(t *testing.T) {
	t.Helper()
	select {
	case <-p.done:
		return
	default:
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(15 * time.Second):
		t.Errorf("%s did not end on SIGTERM", p.cmd.Path)
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// screen is a virtual display with a window manager.
type screen struct {
	t       *testing.T
	display string
	n       int
}

// newScreen starts Xvfb on a free display, and openbox.
func newScreen(t *testing.T, width, height int) *screen {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", fmt.Sprintf("%dx%dx24", width, height), "-nolisten", "tcp")
	cmd.ExtraFiles = []*os.File{w}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start Xvfb: %v (scripts/setup e2e installs it)", err)
	}
	w.Close()
	t.Cleanup(func() { _ = cmd.Process.Signal(syscall.SIGTERM); _ = cmd.Wait() })
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("Xvfb named no display: %v", err)
	}
	s := &screen{t: t, display: ":" + strings.TrimSpace(line)}
	start(t, "openbox", []string{"DISPLAY=" + s.display}, "openbox")
	return s
}

func (s *screen) env() []string { return []string{"DISPLAY=" + s.display, "LIBGL_ALWAYS_SOFTWARE=1"} }

// xdotool runs one xdotool command.
func (s *screen) xdotool(args ...string) string {
	s.t.Helper()
	return s.run("xdotool", args...)
}

func (s *screen) run(name string, args ...string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), s.env()...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// picture saves the whole screen as build/e2e/<nn>-<name>.png and returns the path.
func (s *screen) picture(name string) string {
	s.t.Helper()
	s.n++
	path := filepath.Join(outDir(s.t), fmt.Sprintf("%02d-%s.png", s.n, name))
	s.run("import", "-window", "root", path)
	return path
}

// window waits for a window whose title begins with title, and returns its id.
func (s *screen) window(title string) string {
	s.t.Helper()
	var id string
	eventually(s.t, 60*time.Second, "a window named "+title, func() bool {
		cmd := exec.Command("xdotool", "search", "--onlyvisible", "--name", "^"+title)
		cmd.Env = append(os.Environ(), s.env()...)
		out, _ := cmd.Output()
		id, _, _ = strings.Cut(strings.TrimSpace(string(out)), "\n")
		return id != ""
	})
	return id
}

// click presses the left button at a point of the window's content. (xdotool's getwindowgeometry counts the frame twice under openbox, so
// that the pointer is moved relative to the window.)
func (s *screen) click(window string, x, y int) {
	s.t.Helper()
	s.move(window, x, y)
	time.Sleep(150 * time.Millisecond)
	s.xdotool("click", "1")
}

func (s *screen) move(window string, x, y int) {
	s.t.Helper()
	s.xdotool("mousemove", "--window", window, strconv.Itoa(x), strconv.Itoa(y))
}

// drag presses at one point and releases at another.
func (s *screen) drag(window string, x0, y0, x1, y1 int) {
	s.t.Helper()
	s.move(window, x0, y0)
	time.Sleep(150 * time.Millisecond)
	s.xdotool("mousedown", "1")
	for i := 1; i <= 10; i++ {
		s.move(window, x0+(x1-x0)*i/10, y0+(y1-y0)*i/10)
		time.Sleep(30 * time.Millisecond)
	}
	s.xdotool("mouseup", "1")
}

func (s *screen) key(keys ...string) {
	s.t.Helper()
	s.xdotool(append([]string{"key", "--clearmodifiers"}, keys...)...)
}

// eventually waits until f holds, or fails the test saying what it waited for.
func eventually(t *testing.T, limit time.Duration, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(100 * time.Millisecond) {
		if f() {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("waited %v for %s", limit, what)
		}
	}
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func outDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(root(t), "build", "e2e")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
