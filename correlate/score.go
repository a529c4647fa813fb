package correlate

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tocsinhq/tocsin"
)

// Score says how well a grouping of alerts agrees with the true one. All but
// the counts are between 0 and 1.
type Score struct {
	Incidents, Truths int // groups of the grouping, and of the truth
	// P, R and F1 are over pairs of alerts: of the pairs put together, how many
	// belong together; of those that belong together, how many are put together.
	P, R, F1 float64
	// B3 is the B-cubed F1: the same asked of each alert, so that one large
	// group does not outweigh many small ones.
	B3 float64
}

func (s Score) String() string {
	return fmt.Sprintf("incidents %d / truth %d  P %.3f  R %.3f  F1 %.3f  B3 %.3f", s.Incidents, s.Truths, s.P, s.R, s.F1, s.B3)
}

// ScoreOf compares a grouping with the truth, for those alerts whose label keep
// takes (nil for all). truths and placed have one entry for each alert.
func ScoreOf(truths []string, placed []int64, keep func(label string) bool) Score {
	type both struct {
		truth  string
		placed int64
	}
	tc, pc, bc, n := map[string]float64{}, map[int64]float64{}, map[both]float64{}, 0.0
	for i, t := range truths {
		if keep == nil || keep(t) {
			tc[t]++
			pc[placed[i]]++
			bc[both{t, placed[i]}]++
			n++
		}
	}
	two := func(x float64) float64 { return x * (x - 1) / 2 }
	var tp, tt, pp, bp, br float64
	for _, x := range tc {
		tt += two(x)
	}
	for _, x := range pc {
		pp += two(x)
	}
	for k, x := range bc {
		tp += two(x)
		bp += x * x / pc[k.placed] / n
		br += x * x / tc[k.truth] / n
	}
	s := Score{Incidents: len(pc), Truths: len(tc), P: 1, R: 1}
	if pp > 0 {
		s.P = tp / pp
	}
	if tt > 0 {
		s.R = tp / tt
	}
	if s.P+s.R > 0 {
		s.F1 = 2 * s.P * s.R / (s.P + s.R)
	}
	if bp+br > 0 {
		s.B3 = 2 * bp * br / (bp + br)
	}
	return s
}

// IsAttack tells the label of an attack from that of background.
func IsAttack(label string) bool { return !strings.HasPrefix(label, "benign:") }

// ReadLabels reads the labels of what ReadBenchmark reads, in the same order:
// the property `truth` of each line. It has the same limits, and a line without
// a label is an Error of CodeInvalid.
func ReadLabels(r io.Reader) (labels []string, err error) {
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 64<<10), MaxRecordBytes)
	for line := 1; sc.Scan(); line++ {
		b := bytes.TrimSpace(sc.Bytes())
		if len(b) == 0 {
			continue
		}
		if len(labels) >= MaxRecords {
			return labels, tocsin.Errorf(tocsin.CodeLimit, "more than %d alerts", MaxRecords)
		}
		var rec struct {
			Truth string `json:"truth"`
		}
		if err := json.Unmarshal(b, &rec); err != nil {
			return labels, tocsin.Errorf(tocsin.CodeInvalid, "line %d is no alert: %w", line, err)
		}
		if rec.Truth == "" {
			return labels, tocsin.Errorf(tocsin.CodeInvalid, "line %d has no label", line)
		}
		labels = append(labels, rec.Truth)
	}
	if errors.Is(sc.Err(), bufio.ErrTooLong) {
		return labels, tocsin.Errorf(tocsin.CodeLimit, "line %d is longer than %d bytes", len(labels)+1, MaxRecordBytes)
	}
	return labels, sc.Err()
}
