package kql

import (
	"bytes"
	"fmt"
	"regexp"
	"testing"
)

// commandLines are of the length and make that process events have.
var commandLines = func() (lines []string) {
	for i := range 64 {
		lines = append(lines, fmt.Sprintf(`"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe" -NoProfile -ExecutionPolicy Bypass `+
			`-WindowStyle Hidden -Command "& {Get-Process | Where-Object {$_.CPU -gt %d} | Out-File C:\Temp\proc_%d.txt}" /user:CONTOSO\u%d`, i, i, i))
	}
	return lines
}()

func benchmarkPredicate(b *testing.B, f func([]byte) bool) {
	lines := make([][]byte, len(commandLines))
	for i, s := range commandLines {
		lines[i] = []byte(s)
	}
	b.SetBytes(int64(len(lines[0])))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		f(lines[i%len(lines)])
	}
}

func BenchmarkTextPredicate(b *testing.B) {
	miss := []byte("mimikatz")
	b.Run("bytes.Contains", func(b *testing.B) {
		benchmarkPredicate(b, func(text []byte) bool { return bytes.Contains(text, miss) })
	})
	b.Run("bytes.ToLower and Contains", func(b *testing.B) {
		benchmarkPredicate(b, func(text []byte) bool { return bytes.Contains(bytes.ToLower(text), miss) })
	})
	for _, c := range []struct{ op, pattern string }{
		{"contains", "mimikatz"}, {"contains", "hidden"}, {"contains_cs", "mimikatz"}, {"has", "mimikatz"}, {"has", "process"},
		{"has", "exec"}, {"has", "café"}, {"startswith", "cmd"}, {"endswith", ".exe"}, {"=~", "powershell.exe"},
		{"matches regex", `(?i)mimikatz.*::`}, {"matches regex", `[A-Za-z0-9+/]{50,}[=]{0,2}`},
		{"matches regex", `\b(?:\d{1,3}\.){3}\d{1,3}\b`}, {"matches regex", `(?i)powershell.*\s-e(nc)?\s`},
	} {
		f, ok := TextPredicate(c.op, []string{c.pattern})
		if !ok {
			b.Fatal(c)
		}
		b.Run(c.op+" "+c.pattern, func(b *testing.B) { benchmarkPredicate(b, f) })
		if c.op == "matches regex" {
			re := regexp.MustCompile(c.pattern)
			b.Run("regexp.Match "+c.pattern, func(b *testing.B) { benchmarkPredicate(b, re.Match) })
		}
	}
	for _, n := range []int{3, 10, 30, 10000} {
		patterns := make([]string, n)
		for i := range patterns {
			patterns[i] = fmt.Sprintf("tool%d.exe", i)
		}
		for _, op := range []string{"has_any", "in~", "in"} {
			f, _ := TextPredicate(op, patterns)
			b.Run(fmt.Sprint(op, " of ", n), func(b *testing.B) { benchmarkPredicate(b, f) })
		}
	}
}
