package engine

import (
	"math"
	"sync"
	"time"
)

// meter smooths a rate: an exponential mean over about three seconds.
type meter struct {
	mu    sync.Mutex
	bytes int64
	last  time.Time
	rate  float64
}

const meterSpan = 3 * time.Second

func (m *meter) add(n int) {
	m.mu.Lock()
	m.bytes += int64(n)
	m.mu.Unlock()
}

// tick folds what arrived since the last tick into the mean, and returns it in bytes per second.
func (m *meter) tick(now time.Time) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last.IsZero() {
		m.last = now
		return m.rate
	}
	dt := now.Sub(m.last).Seconds()
	if dt < 0.05 {
		return m.rate
	}
	fresh := float64(m.bytes) / dt
	if m.rate == 0 {
		m.rate = fresh
	} else {
		a := 1 - math.Exp(-dt/meterSpan.Seconds())
		m.rate += a * (fresh - m.rate)
	}
	if m.rate < 1 {
		m.rate = 0
	}
	m.bytes, m.last = 0, now
	return m.rate
}
