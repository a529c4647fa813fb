package app

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/store"
)

// AuditReport is what checking the record found.
type AuditReport struct {
	OK      bool
	Changes int64  // sound lines
	Head    string // of the last sound line, as SEQ:HASH
	Detail  string // what is wrong, "" when nothing is
	Notes   string // what is no damage and worth knowing
}

func auditReport(chain tocsin.Chain, bad *tocsin.Fault) AuditReport {
	rep := AuditReport{OK: bad == nil, Changes: chain.Lines}
	if chain.Lines > 0 {
		rep.Head = fmt.Sprintf("%d:%s", chain.Seq, chain.Hash)
	}
	if bad != nil {
		rep.Detail = bad.String()
	}
	if chain.Backwards > 0 {
		rep.Notes = fmt.Sprintf("the clock was set back before %d of the lines", chain.Backwards)
	}
	return rep
}

// VerifyAudit recomputes the hash chain of the record in a data folder; the
// server may be running. head, unless "", is what was published earlier: one
// head as SEQ:HASH, or the file that serve wrote heads to. With it a cut tail
// and a record that was written anew are found, too.
func VerifyAudit(ctx context.Context, data, head string) (AuditReport, error) {
	marks, err := readHeads(head)
	if err != nil {
		return AuditReport{}, err
	}
	st, err := openRecord(ctx, data)
	if err != nil {
		return AuditReport{}, err
	}
	defer st.Close()
	chain, bad, err := st.CheckChain(ctx, marks...)
	if err != nil {
		return AuditReport{}, err
	}
	return auditReport(chain, bad), nil
}

func openRecord(ctx context.Context, data string) (*store.Store, error) {
	path := filepath.Join(data, "tocsin.db")
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("no record here: %w", err)
	}
	return store.Open(ctx, store.Config{Path: path})
}

// VerifyExport checks an export of the record, without any data folder.
func VerifyExport(path, head string) (AuditReport, error) {
	marks, err := readHeads(head)
	if err != nil {
		return AuditReport{}, err
	}
	f, err := os.Open(path)
	if err != nil {
		return AuditReport{}, err
	}
	defer f.Close()
	h, chain, bad, err := tocsin.CheckExport(f, marks...)
	rep := auditReport(chain, bad)
	if tocsin.CodeOf(err) == tocsin.CodeInvalid {
		rep.OK, rep.Detail, err = false, tocsin.Message(err), nil
	}
	if err == nil && rep.OK && !h.Whole {
		rep.Notes = strings.TrimPrefix(rep.Notes+"; the export is a part of the record: that lines are missing in it cannot be seen", "; ")
	}
	return rep, err
}

// ExportAudit writes the record of a data folder as NDJSON; the server may be
// running.
func ExportAudit(ctx context.Context, data string, w io.Writer) (lines int64, err error) {
	st, err := openRecord(ctx, data)
	if err != nil {
		return 0, err
	}
	defer st.Close()
	out := bufio.NewWriterSize(w, 1<<20)
	ctx = tocsin.WithPrincipal(ctx, tocsin.System(tocsin.DefaultTenant, "tocsin"))
	if lines, err = st.ExportRecord(ctx, tocsin.RecordQuery{}, out); err != nil {
		return lines, err
	}
	return lines, out.Flush()
}

// maxHeadFile is the largest file of heads that is read, in bytes: half a
// century of one head every ten minutes.
const maxHeadFile = 1 << 30

var headText = regexp.MustCompile(`^([0-9]{1,18}):([0-9a-f]{64})$`)

// readHeads reads published heads: SEQ:HASH, or a file of lines that are that
// or the JSON that serve publishes.
func readHeads(head string) ([]store.Mark, error) {
	if head == "" {
		return nil, nil
	}
	if m, ok := parseHead(head); ok {
		return []store.Mark{m}, nil
	}
	f, err := os.Open(head)
	if err != nil {
		return nil, tocsin.Errorf(tocsin.CodeInvalid, "a head is written SEQ:HASH or is a file of heads: %w", err)
	}
	defer f.Close()
	in := bufio.NewScanner(io.LimitReader(f, maxHeadFile))
	var marks []store.Mark
	for n := 1; in.Scan(); n++ {
		line := bytes.TrimSpace(in.Bytes())
		if len(line) == 0 {
			continue
		}
		// A line of syslog has the head behind the text in front of it.
		if i := bytes.IndexByte(line, '{'); i > 0 {
			line = line[i:]
		}
		m, ok := parseHead(string(line))
		if !ok {
			return nil, tocsin.Errorf(tocsin.CodeInvalid, "%s, line %d: this is no head, or its signature is not right", head, n)
		}
		marks = append(marks, m)
	}
	if in.Err() == nil && len(marks) == 0 {
		return nil, tocsin.Errorf(tocsin.CodeInvalid, "%s has no head", head)
	}
	return marks, in.Err()
}

func parseHead(s string) (store.Mark, bool) {
	if strings.HasPrefix(s, "{") {
		var h publishedHead
		if json.Unmarshal([]byte(s), &h) != nil || h.Signature != "" && !h.valid() {
			return store.Mark{}, false
		}
		s = fmt.Sprintf("%d:%s", h.Seq, h.Hash)
	}
	p := headText.FindStringSubmatch(s)
	if p == nil {
		return store.Mark{}, false
	}
	seq, err := strconv.ParseInt(p[1], 10, 64)
	return store.Mark{Seq: seq, Hash: p[2]}, err == nil && seq > 0
}
