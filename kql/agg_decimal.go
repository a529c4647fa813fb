package kql

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// decimalDigits is the precision of a decimal.
const decimalDigits = 34

// decimalOfRat rounds to 34 significant digits, half away from zero.
func decimalOfRat(r *big.Rat) Value {
	whole := len(new(big.Int).Quo(r.Num(), r.Denom()).Text(10))
	if r.Sign() < 0 {
		whole--
	}
	text := r.FloatString(max(0, decimalDigits-whole))
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if text == "-0" || text == "" {
		text = "0"
	}
	return DecimalOf(text)
}

// decimalOfFloat is the shortest decimal that reads as f; null of NaN and
// infinities.
func decimalOfFloat(f float64) Value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return Null(Decimal)
	}
	r, ok := new(big.Rat).SetString(strconv.FormatFloat(f, 'g', -1, 64))
	if !ok {
		return Null(Decimal)
	}
	return decimalOfRat(r)
}

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
