package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// Marks that stand in a template for what differs from row to row.
const (
	markTime   = "@time@"
	markReport = "@report@"
	markPID    = "@pid@"
	markUnique = "@unique@"
	markNumber = "@number@"
)

// Bulk writes n rows of DeviceProcessEvents as NDJSON, about 1.5 kB and 28
// filled columns each, for measurements of speed: what a few hundred office
// computers start in a day, with a line that a rule may fire on in every few
// thousand. The rows are the same for the same world, n and seed. It returns
// the first error of w.
func Bulk(w *World, n int, seed uint64, out io.Writer) error {
	templates, err := bulkTemplates(w, seed)
	if err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(seed, 0x6275_6c6b))
	at := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	buf := make([]byte, 0, 64<<10)
	ordinary := len(templates) - len(oddCommands)
	for i := range n {
		t := templates[r.IntN(ordinary)]
		if i%4000 == 3999 {
			t = templates[ordinary+r.IntN(len(oddCommands))]
		}
		at = at.Add(time.Duration(r.Int64N(int64(80 * time.Millisecond))))
		pid, number := 1000+4*r.Int64N(12_000), 1+r.Int64N(9_999)
		for _, part := range t {
			switch part.mark {
			case "":
				buf = append(buf, part.text...)
			case markTime:
				buf = at.AppendFormat(buf, "2006-01-02T15:04:05.000Z")
			case markReport, markUnique:
				buf = strconv.AppendInt(buf, 1+r.Int64N(1<<52), 10)
			case markPID:
				buf = strconv.AppendInt(buf, pid, 10)
			case markNumber:
				buf = strconv.AppendInt(buf, number, 10)
			}
		}
		buf = append(buf, '\n')
		if len(buf) > 60<<10 || i == n-1 {
			if _, err := out.Write(buf); err != nil {
				return err
			}
			buf = buf[:0]
		}
	}
	return nil
}

// piece of a template: text, or a mark.
type piece struct {
	mark string
	text []byte
}

// bulkTemplates are rows with marks, the odd ones last.
func bulkTemplates(w *World, seed uint64) ([][]piece, error) {
	p := newPlay(w, seed, time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC))
	var out [][]piece
	for i := range w.People {
		who := &w.People[i]
		if who.Device < 0 {
			continue
		}
		d := w.deviceOf(who)
		shell := p.newProc(d, p.newProc(d, nil, windows("userinit.exe"), "userinit.exe", localSystem, p.start), explorer, `C:\Windows\Explorer.EXE`, p.as(who, d, 1), p.start)
		for range 12 {
			p.use(who, shell, p.start)
		}
		for range 6 {
			p.windowsWork(d, p.start)
		}
	}
	ordinary := len(p.rows)
	who := w.person(titleDesk, 0)
	shell := p.newProc(w.deviceOf(who), nil, explorer, `C:\Windows\Explorer.EXE`, p.as(who, w.deviceOf(who), 1), p.start)
	for _, cmd := range oddCommands {
		p.run(shell, powershell, cmd, p.start)
	}
	for i, row := range p.rows {
		if row.Table != "DeviceProcessEvents" {
			continue
		}
		v := values{}
		for _, c := range bulkColumns {
			if x, ok := row.Values[c]; ok {
				v[c] = x
			}
		}
		v["Timestamp"], v["ProcessCreationTime"], v["ReportId"], v["ProcessId"], v["ProcessUniqueId"] = markTime, markTime, markReport, markPID, markUnique
		v["Type"] = row.Table
		if i < ordinary {
			v["ProcessCommandLine"] = varied(fmt.Sprint(v["ProcessCommandLine"]))
		}
		t, err := template(v)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// bulkColumns are the columns that a slim sensor fills.
var bulkColumns = strings.Fields(`DeviceId DeviceName ActionType FileName FolderPath SHA1 SHA256 MD5 FileSize ProcessCommandLine ProcessIntegrityLevel
	ProcessTokenElevation AccountDomain AccountName AccountSid LogonId InitiatingProcessFileName InitiatingProcessFolderPath InitiatingProcessId
	InitiatingProcessCommandLine InitiatingProcessCreationTime InitiatingProcessSHA256 InitiatingProcessParentFileName InitiatingProcessUniqueId`)

// oddCommands are what a rule may fire on.
var oddCommands = []string{
	`powershell.exe -NoProfile -Command "Get-ChildItem C:\Logs -Recurse | Measure-Object"`,
	`powershell.exe -NoP -W Hidden -Enc VwByAGkAdABlAC0ASABvAHMAdAAgACIAaQBuAHYAZQBuAHQAbwByAHkAIABkAG8AbgBlACIA`,
	`powershell.exe -ExecutionPolicy Bypass -File C:\Deploy\inventory.ps1`,
}

// varied lets command lines differ, as those of browsers and hosts do.
func varied(cmd string) string {
	switch {
	case strings.Contains(cmd, "--type="):
		return cmd + " --field-trial-handle=" + markNumber + " --renderer-client-id=" + markNumber + " /prefetch:1"
	case strings.Contains(cmd, ".docx"):
		return strings.Replace(cmd, ".docx", " "+markNumber+".docx", 1)
	case strings.Contains(cmd, ".xlsx"):
		return strings.Replace(cmd, ".xlsx", " "+markNumber+".xlsx", 1)
	case strings.Contains(cmd, "svchost"):
		return cmd
	}
	return cmd + " " + markNumber
}

// template cuts the row's JSON at its marks.
func template(v values) ([]piece, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	s := strings.TrimSpace(b.String())
	// Numbers are written without the quotes that their marks have.
	for _, m := range []string{markReport, markPID} {
		s = strings.ReplaceAll(s, `"`+m+`"`, m)
	}
	var out []piece
	for s != "" {
		at, mark := len(s), ""
		for _, m := range []string{markTime, markReport, markPID, markUnique, markNumber} {
			if i := strings.Index(s, m); i >= 0 && i < at {
				at, mark = i, m
			}
		}
		out = append(out, piece{text: []byte(s[:at])})
		if mark == "" {
			return out, nil
		}
		out = append(out, piece{mark: mark})
		s = s[at+len(mark):]
	}
	return out, nil
}
