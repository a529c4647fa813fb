package auth

import (
	"crypto/rand"
	"testing"
)

// BenchmarkHash is what one sign-in costs at the default cost.
func BenchmarkHash(b *testing.B) {
	h, err := newHasher(DefaultCost, 1, rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := h.verify(b.Context(), "a passphrase", h.decoy); err != nil {
			b.Fatal(err)
		}
	}
}
