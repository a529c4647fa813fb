package intake

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Types of template arguments. 0x80 on top of one means an array of it.
const (
	valNull      = 0x00
	valString    = 0x01
	valANSI      = 0x02
	valInt8      = 0x03
	valUInt8     = 0x04
	valInt16     = 0x05
	valUInt16    = 0x06
	valInt32     = 0x07
	valUInt32    = 0x08
	valInt64     = 0x09
	valUInt64    = 0x0a
	valFloat32   = 0x0b
	valFloat64   = 0x0c
	valBool      = 0x0d
	valBinary    = 0x0e
	valGUID      = 0x0f
	valSize      = 0x10
	valFiletime  = 0x11
	valSystime   = 0x12
	valSID       = 0x13
	valHex32     = 0x14
	valHex64     = 0x15
	valEvtHandle = 0x20
	valBinXML    = 0x21
	valEvtXML    = 0x23
	valArray     = 0x80
)

// evtxTime is how event time values are rendered: as Windows does in XML.
const evtxTime = "2006-01-02T15:04:05.0000000Z"

// value renders one template argument into an element or an attribute.
func (p *binxml) value(v evtxValue, into *evtxNode, depth int) error {
	b := p.chunk.buf[v.pos:v.end]
	if v.kind == valNull || len(b) == 0 {
		return nil
	}
	if v.kind == valBinXML {
		_, err := p.content(v.pos, v.end, into, nil, depth+1, true)
		return err
	}
	if v.kind&valArray != 0 {
		into.items = true
		return p.array(v.kind&^valArray, b, into)
	}
	s, err := scalar(v.kind, b)
	if err != nil {
		return err
	}
	return p.add(into, s)
}

// array renders the items of an array one by one.
func (p *binxml) array(kind byte, b []byte, into *evtxNode) error {
	if kind == valString || kind == valANSI {
		s, err := scalarText(kind, b, false)
		if err != nil {
			return err
		}
		// Every item ends in a NUL; the last one may have lost it.
		for _, item := range strings.Split(strings.TrimSuffix(s, "\x00"), "\x00") {
			if err := p.stepItem(into, item); err != nil {
				return err
			}
		}
		return nil
	}
	size := itemSize(kind, b)
	if size == 0 {
		return fmt.Errorf("binary XML has an array of type %#x", kind)
	}
	for len(b) >= size {
		s, err := scalar(kind, b[:size])
		if err != nil {
			return err
		}
		if err := p.stepItem(into, s); err != nil {
			return err
		}
		b = b[size:]
		if kind == valSID {
			size = itemSize(kind, b)
			if size == 0 {
				break
			}
		}
	}
	return nil
}

func (p *binxml) stepItem(into *evtxNode, s string) error {
	if p.steps--; p.steps < 0 {
		return errXMLSteps
	}
	return p.add(into, s)
}

// itemSize is the length of one item in an array, 0 when it has none.
func itemSize(kind byte, b []byte) int {
	switch kind {
	case valInt8, valUInt8:
		return 1
	case valInt16, valUInt16:
		return 2
	case valInt32, valUInt32, valFloat32, valBool, valHex32:
		return 4
	case valInt64, valUInt64, valFloat64, valFiletime, valHex64, valSize:
		return 8
	case valGUID, valSystime:
		return 16
	case valSID:
		if len(b) < 8 {
			return 0
		}
		return 8 + 4*int(b[1])
	}
	return 0
}

// scalar renders one value the way Windows renders it in event XML.
func scalar(kind byte, b []byte) (string, error) {
	switch kind {
	case valString, valANSI:
		return scalarText(kind, b, true)
	case valBinary:
		return strings.ToUpper(hex.EncodeToString(b)), nil
	case valSID:
		return sidString(b)
	case valEvtXML:
		return strings.TrimRight(utf16String(b), "\x00"), nil
	case valEvtHandle:
		return "0x" + hex.EncodeToString(b), nil
	case valSize, valHex32, valHex64:
		return hexNumber(kind, b)
	}
	if want := itemSize(kind, b); want == 0 || len(b) < want {
		return "", fmt.Errorf("binary XML value of type %#x has %d bytes", kind, len(b))
	}
	switch kind {
	case valInt8:
		return strconv.Itoa(int(int8(b[0]))), nil
	case valUInt8:
		return strconv.Itoa(int(b[0])), nil
	case valInt16:
		return strconv.Itoa(int(int16(binary.LittleEndian.Uint16(b)))), nil
	case valUInt16:
		return strconv.Itoa(int(binary.LittleEndian.Uint16(b))), nil
	case valInt32:
		return strconv.Itoa(int(int32(binary.LittleEndian.Uint32(b)))), nil
	case valUInt32:
		return strconv.FormatUint(uint64(binary.LittleEndian.Uint32(b)), 10), nil
	case valInt64:
		return strconv.FormatInt(int64(binary.LittleEndian.Uint64(b)), 10), nil
	case valUInt64:
		return strconv.FormatUint(binary.LittleEndian.Uint64(b), 10), nil
	case valFloat32:
		return strconv.FormatFloat(float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), 'g', -1, 32), nil
	case valFloat64:
		return strconv.FormatFloat(math.Float64frombits(binary.LittleEndian.Uint64(b)), 'g', -1, 64), nil
	case valBool:
		return strconv.FormatBool(binary.LittleEndian.Uint32(b) != 0), nil
	case valGUID:
		return guidString(b), nil
	case valFiletime:
		return timeString(filetime(binary.LittleEndian.Uint64(b))), nil
	case valSystime:
		return timeString(systemtime(b)), nil
	}
	return "", fmt.Errorf("binary XML value has an unknown type %#x", kind)
}

func scalarText(kind byte, b []byte, trim bool) (string, error) {
	var s string
	if kind == valString {
		s = utf16String(b)
	} else {
		// The code page is not in the file; Latin-1 keeps every byte apart.
		r := make([]rune, len(b))
		for i, c := range b {
			r[i] = rune(c)
		}
		s = string(r)
	}
	if trim {
		s = strings.TrimRight(s, "\x00")
	}
	return s, nil
}

func hexNumber(kind byte, b []byte) (string, error) {
	switch {
	case len(b) >= 8 && kind != valHex32:
		return "0x" + strconv.FormatUint(binary.LittleEndian.Uint64(b), 16), nil
	case len(b) >= 4 && kind != valHex64:
		return "0x" + strconv.FormatUint(uint64(binary.LittleEndian.Uint32(b)), 16), nil
	}
	return "", fmt.Errorf("binary XML value of type %#x has %d bytes", kind, len(b))
}

// guidString renders 16 bytes as {XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX}.
func guidString(b []byte) string {
	return fmt.Sprintf("{%08X-%04X-%04X-%X-%X}", binary.LittleEndian.Uint32(b),
		binary.LittleEndian.Uint16(b[4:]), binary.LittleEndian.Uint16(b[6:]), b[8:10], b[10:16])
}

func sidString(b []byte) (string, error) {
	if len(b) < 8 || len(b) < 8+4*int(b[1]) {
		return "", fmt.Errorf("security identifier has %d bytes", len(b))
	}
	var authority uint64
	for _, c := range b[2:8] {
		authority = authority<<8 | uint64(c)
	}
	s := fmt.Sprintf("S-%d-%d", b[0], authority)
	for i := range int(b[1]) {
		s += "-" + strconv.FormatUint(uint64(binary.LittleEndian.Uint32(b[8+4*i:])), 10)
	}
	return s, nil
}

// systemtime reads year, month, weekday, day, hour, minute, second, millisecond.
// An impossible date gives the zero time instead of rolling over.
func systemtime(b []byte) time.Time {
	var f [8]int
	for i := range f {
		f[i] = int(binary.LittleEndian.Uint16(b[2*i:]))
	}
	if f[0] < 1601 || f[0] > 9999 || f[1] < 1 || f[1] > 12 || f[3] < 1 || f[3] > 31 || f[4] > 23 || f[5] > 59 || f[6] > 60 || f[7] > 999 {
		return time.Time{}
	}
	return time.Date(f[0], time.Month(f[1]), f[3], f[4], f[5], f[6], f[7]*1e6, time.UTC)
}

func timeString(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(evtxTime)
}
