package node

import "testing"

func TestDefaultLimitsFollowTheMemoryLimit(t *testing.T) {
	for _, tt := range []struct {
		memory      int64
		posts       int
		wantPosts   int
		wantBuffers int64
	}{
		{0, 0, 0, 0},
		{0, 7, 7, 0},
		{64 << 20, 0, 4096, 96 << 20}, // three of the largest bodies fit in any case
		{512 << 20, 0, 16384, 128 << 20},
		{512 << 20, 100, 100, 128 << 20},
		{16 << 30, 0, 524288, 256 << 20},
	} {
		c := Default("n")
		c.MemoryLimit, c.MaxPosts = tt.memory, tt.posts
		if posts, buffers := c.maxPosts(), c.maxBuffered(); posts != tt.wantPosts || buffers != tt.wantBuffers {
			t.Errorf("of %d bytes and max-posts %d: %d posts and %d bytes, want %d and %d",
				tt.memory, tt.posts, posts, buffers, tt.wantPosts, tt.wantBuffers)
		}
	}
}
