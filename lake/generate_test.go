package lake

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

// writeProcessEvents writes n DeviceProcessEvents as NDJSON, 25 columns and
// about 1.5 kB each, the same for the same n: few devices and programs, long
// paths and command lines, hashes that repeat with their program, as endpoints
// report them.
func writeProcessEvents(w io.Writer, n int) error {
	const hex = "0123456789abcdef"
	seed := uint64(88172645463325252)
	next := func(k int) int {
		seed ^= seed << 13
		seed ^= seed >> 7
		seed ^= seed << 17
		return int((seed >> 11) % uint64(k))
	}
	hash := func(key, size int) string {
		x := uint64(key)*0x9E3779B97F4A7C15 + 1
		b := make([]byte, size)
		for i := range b {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
			b[i] = hex[x>>60]
		}
		return string(b)
	}
	programs := []string{"chrome.exe", "msedge.exe", "powershell.exe", "cmd.exe", "svchost.exe", "rundll32.exe", "conhost.exe", "backgroundTaskHost.exe", "MsMpEng.exe", "git.exe", "node.exe", "WmiPrvSE.exe", "taskhostw.exe", "OUTLOOK.EXE", "Teams.exe", "SearchProtocolHost.exe"}
	folders := []string{`C:\\Windows\\System32\\`, `C:\\Program Files\\Vendor\\Suite\\Application\\`, `C:\\Users\\person\\AppData\\Local\\Programs\\tool\\bin\\`, `C:\\Windows\\SysWOW64\\WindowsPowerShell\\v1.0\\`}
	words := []string{"--type=renderer", "--lang=en-GB", "-NoProfile", "-ExecutionPolicy", "Bypass", "/c", "--field-trial-handle=1718,i,8472018472,1310", "--enable-features=NetworkService", `\"C:\\ProgramData\\Package Cache\\installer.dll\"`, "DllRegisterServer", "-k", "netsvcs", "--mojo-platform-channel-handle=2044", "/prefetch:8", "--service-sandbox-type=utility"}
	base := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	out := bufio.NewWriterSize(w, 1<<20)
	var cmd []byte
	command := func(prog string, k int) []byte {
		cmd = append(append(append(cmd[:0], `\"`...), folders[k%4]...), prog...)
		cmd = append(cmd, `\"`...)
		for range 5 + next(6) {
			cmd = append(append(cmd, ' '), words[next(len(words))]...)
		}
		return strconv.AppendInt(append(cmd, " --id="...), int64(next(1e9)), 10)
	}
	for i := range n {
		at := base.Add(time.Duration(i) * 37 * time.Millisecond)
		dev, p, q := next(400), next(64), next(24)
		prog, parent := programs[p%16], programs[q%16]
		fmt.Fprintf(out, `{"Timestamp":"%s","DeviceId":"%s","DeviceName":"ws-%04d.corp.example.test","ActionType":"ProcessCreated","FileName":"%s","FolderPath":"%s%s","SHA1":"%s","SHA256":"%s","MD5":"%s","FileSize":%d,"ProcessId":%d,`,
			at.Format("2006-01-02T15:04:05.0000000Z"), hash(dev, 40), dev, prog, folders[p%4], prog, hash(p, 40), hash(p+1000, 64), hash(p+2000, 32), 20000+p*7919, next(30000))
		fmt.Fprintf(out, `"ProcessCommandLine":"%s","ProcessIntegrityLevel":"%s","ProcessCreationTime":"%s","AccountDomain":"corp","AccountName":"user%03d","AccountSid":"S-1-5-21-1004336348-1177238915-682003330-%d","LogonId":%d,`,
			command(prog, p), []string{"Medium", "High", "System"}[next(3)], at.Add(-time.Millisecond).Format("2006-01-02T15:04:05.0000000Z"), next(600), 1000+next(600), 100000+next(90000))
		fmt.Fprintf(out, `"InitiatingProcessFileName":"%s","InitiatingProcessFolderPath":"%s%s","InitiatingProcessSHA256":"%s","InitiatingProcessId":%d,"InitiatingProcessCommandLine":"%s","InitiatingProcessCreationTime":"%s","ReportId":%d}`+"\n",
			parent, folders[q%4], parent, hash(q+1000, 64), next(30000), command(parent, q), at.Add(-time.Hour).Format("2006-01-02T15:04:05.0000000Z"), i)
	}
	return out.Flush()
}

var generated sync.Map

// processEvents is the path of a file of n generated events, made once a run.
func processEvents(tb testing.TB, n int) string {
	make1 := func() (string, error) {
		path := filepath.Join(os.TempDir(), fmt.Sprintf("tocsin-lake-events-%d-%d.ndjson", os.Getpid(), n))
		f, err := os.Create(path)
		if err != nil {
			return "", err
		}
		if err := writeProcessEvents(f, n); err != nil {
			return "", err
		}
		return path, f.Close()
	}
	once, _ := generated.LoadOrStore(n, sync.OnceValues(make1))
	path, err := once.(func() (string, error))()
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

func TestMain(m *testing.M) {
	if childMain() {
		return
	}
	code := m.Run()
	generated.Range(func(_, once any) bool {
		if path, err := once.(func() (string, error))(); err == nil {
			os.Remove(path)
		}
		return true
	})
	os.Exit(code)
}
