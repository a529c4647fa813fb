package kql

import (
	"strings"
	"unicode"
)

// parseDateTime reads the text of a datetime, in the spellings that literals
// have, as ticks since 0001-01-01.
func parseDateTime(text string) (ticks int64, ok bool) { return dateTimeFromText(text) }

// parseTimeSpan reads the text of a timespan as ticks: [-][d.]hh:mm[:ss[.fffffff]],
// a number with a unit (2.5h, 15 seconds), or a number of days.
func parseTimeSpan(text string) (ticks int64, ok bool) {
	text = strings.TrimFunc(text, unicode.IsSpace)
	if text == "" {
		return 0, false
	}
	return timeSpanLiteral(text)
}
