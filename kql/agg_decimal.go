package kql

import (
	"fmt"
	"strconv"
)

// ticksText is the text of a datetime or timespan.
func ticksText(v Value) string {
	if v.Type() == DateTime {
		return v.Time().Format("2006-01-02T15:04:05.0000000Z")
	}
	n, sign := v.Int(), ""
	if n < 0 {
		n, sign = -n, "-"
	}
	u := uint64(n)
	days := ""
	if u >= TicksPerDay {
		days = strconv.FormatUint(u/TicksPerDay, 10) + "."
	}
	text := fmt.Sprintf("%s%s%02d:%02d:%02d", sign, days, u/TicksPerHour%24, u/TicksPerMinute%60, u/TicksPerSecond%60)
	if f := u % TicksPerSecond; f > 0 {
		text += fmt.Sprintf(".%07d", f)
	}
	return text
}
