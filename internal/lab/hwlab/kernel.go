package hwlab

import "context"

func tryKernel(ctx context.Context, l *Lab) error { return nil }
