package demo

import (
	"context"
	"io/fs"
)

func (a *Archive) render(ctx context.Context, s *acquisition, p product, path string) error {
	return fs.ErrNotExist
}
