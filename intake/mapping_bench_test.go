package intake

import (
	"bytes"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/tocsinhq/tocsin"
)

// cpu is the processor time that this process has used, collector included: on
// a busy machine the only time that tells what decoding costs.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkDecode decodes and maps records of one kind; the rate is events a
// second of processor time.
func BenchmarkDecode(b *testing.B) {
	for _, name := range []string{"nxlog", "winlogbeat7", "sysmon", "security", "zeek-json", "m365"} {
		b.Run(name, func(b *testing.B) {
			a, err := txtar.ParseFile(filepath.Join("testdata/mapping", name+".txtar"))
			if err != nil {
				b.Fatal(err)
			}
			var records [][]byte
			size := 0
			for _, f := range a.Files {
				if f.Name == "in.json" {
					for line := range bytes.Lines(f.Data) {
						records = append(records, bytes.TrimSpace(line))
						size += len(line)
					}
				}
			}
			d := NewDecoder(name)
			var evs []tocsin.Event
			i, done := 0, 0
			b.ReportAllocs()
			b.SetBytes(int64(size / len(records)))
			start := cpu()
			for b.Loop() {
				evs, err = d.Decode(records[i%len(records)], int64(i), evs[:0])
				if err != nil {
					b.Fatal(err)
				}
				done += len(evs)
				i++
			}
			b.ReportMetric(float64(done)/(cpu()-start).Seconds(), "events/cpu-s")
		})
	}
}
