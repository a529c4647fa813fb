package kql

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// A decimal is a number of at most 34 significant digits, as IEEE 754-2008's
// decimal128 has it. It travels as its canonical text: digits with a point
// where there is a fraction, no exponent, no needless zeros.

// decimalDigits is the precision of a decimal.
const decimalDigits = 34

// maxDecimalExponent bounds the power of ten of a decimal's first digit, so that
// the text of one stays short enough to be computed with.
const maxDecimalExponent = 6144

// decimalOfRat rounds to 34 significant digits, half to even. Too great a number
// is null.
func decimalOfRat(r *big.Rat) Value {
	if r.Sign() == 0 {
		return DecimalOf("0")
	}
	num, den := new(big.Int).Abs(r.Num()), r.Denom()
	// The power of ten of the first digit, which the lengths tell within one.
	exp := decimalLength(num) - decimalLength(den)
	scaled := func(exp int) *big.Rat {
		p := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(exp, -exp))), nil)
		if exp < 0 {
			return new(big.Rat).SetFrac(new(big.Int).Mul(num, p), den)
		}
		return new(big.Rat).SetFrac(num, new(big.Int).Mul(den, p))
	}
	if exp > maxDecimalExponent+1 || exp < -maxDecimalExponent-decimalDigits {
		if exp > 0 {
			return Null(Decimal)
		}
		return DecimalOf("0")
	}
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(decimalDigits), nil)
	shift := exp - decimalDigits
	digits := roundRat(scaled(shift))
	for digits.Cmp(limit) >= 0 {
		shift++
		digits = roundRat(scaled(shift))
	}
	text := digits.Text(10)
	if len(text)+shift-1 > maxDecimalExponent {
		return Null(Decimal)
	}
	sign := ""
	if r.Sign() < 0 {
		sign = "-"
	}
	return DecimalOf(sign + plainDecimal(text, shift))
}

// plainDecimal writes digits * 10^shift without exponent and needless zeros.
func plainDecimal(digits string, shift int) string {
	trimmed := strings.TrimRight(digits, "0")
	shift += len(digits) - len(trimmed)
	digits = trimmed
	switch {
	case digits == "":
		return "0"
	case shift >= 0:
		return digits + strings.Repeat("0", shift)
	case -shift < len(digits):
		return digits[:len(digits)+shift] + "." + digits[len(digits)+shift:]
	}
	return "0." + strings.Repeat("0", -shift-len(digits)) + digits
}

// decimalLength is the number of decimal digits of n, or one less or more.
func decimalLength(n *big.Int) int {
	return int(float64(n.BitLen())*math.Log10(2)) + 1
}

// roundRat is the integer nearest to r, which is not negative; half goes to even.
func roundRat(r *big.Rat) *big.Int {
	q, m := new(big.Int).QuoRem(r.Num(), r.Denom(), new(big.Int))
	switch m.Lsh(m, 1).Cmp(r.Denom()) {
	case 1:
		q.Add(q, big.NewInt(1))
	case 0:
		q.Add(q, new(big.Int).And(q, big.NewInt(1)))
	}
	return q
}

// truncRat cuts r to an integer.
func truncRat(r *big.Rat) *big.Int { return new(big.Int).Quo(r.Num(), r.Denom()) }

// floorRat is the greatest integer that is not above r.
func floorRat(r *big.Rat) *big.Int {
	q, m := new(big.Int).QuoRem(r.Num(), r.Denom(), new(big.Int))
	if m.Sign() < 0 {
		q.Sub(q, big.NewInt(1))
	}
	return q
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

// decimalRat is the exact value of a number that is not null, of a real that of
// its shortest text; nil when there is none.
func decimalRat(v Value) *big.Rat {
	if v.Type() == Real {
		v = decimalOfFloat(v.Real())
	}
	if v.IsNull() {
		return nil
	}
	return ratOf(v)
}

// parseDecimal reads the text of a decimal: digits with a point and an exponent.
// More digits than a decimal has are rounded.
func parseDecimal(s string) (Value, bool) {
	s = strings.TrimSpace(s)
	digits, exp := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		n, err := strconv.Atoi(s[i+1:])
		if err != nil || n > maxDecimalExponent || n < -maxDecimalExponent {
			return Null(Decimal), false
		}
		digits, exp = s[:i], n
	}
	sign := ""
	switch {
	case strings.HasPrefix(digits, "-"):
		sign, digits = "-", digits[1:]
	case strings.HasPrefix(digits, "+"):
		digits = digits[1:]
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	all := whole + fraction
	if all == "" || len(all) > 2*maxDecimalExponent {
		return Null(Decimal), false
	}
	for i := range len(all) {
		if all[i]-'0' > 9 {
			return Null(Decimal), false
		}
	}
	all, shift := strings.TrimLeft(all, "0"), exp-len(fraction)
	if len(all) <= decimalDigits && len(all)+shift <= maxDecimalExponent && shift >= -maxDecimalExponent {
		text := plainDecimal(all, shift)
		if text != "0" {
			text = sign + text
		}
		return DecimalOf(text), true
	}
	r, ok := new(big.Rat).SetString(sign + all + "e" + strconv.Itoa(shift))
	if !ok {
		return Null(Decimal), false
	}
	v := decimalOfRat(r)
	return v, !v.IsNull()
}

// decimalKeyFunc gives a text whose order is that of the decimals.
const decimalKeyFunc = "__decimal_key"

func init() {
	Register(Func{
		Name: decimalKeyFunc, Hidden: true, Sigs: []Sig{Of(String, P("value", onlyDecimal))},
		Doc: "A text that sorts as the decimal does.",
		Eval: func(args []Value) Value {
			if args[0].IsNull() {
				return StringOf("")
			}
			return StringOf(decimalKey(args[0].Str()))
		},
	})
}

// decimalKey is the sign, the power of ten and the digits of a canonical decimal,
// so that texts compare as numbers. Of a number below zero every digit is taken
// from 9, and the end is greater than any digit, as a longer one is less.
func decimalKey(text string) string {
	digits, negative := strings.CutPrefix(text, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	exp := len(whole)
	digits = strings.TrimLeft(whole+fraction, "0")
	exp -= len(whole) + len(fraction) - len(digits)
	digits = strings.TrimRight(digits, "0")
	if digits == "" {
		return "1"
	}
	const bias = 50_000
	if !negative {
		return "2" + strconv.Itoa(bias+exp) + digits
	}
	var b strings.Builder
	b.WriteString("0" + strconv.Itoa(bias-exp))
	for i := range len(digits) {
		b.WriteByte('0' + '9' - digits[i])
	}
	b.WriteByte('~')
	return b.String()
}
