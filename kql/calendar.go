package kql

// The proleptic Gregorian calendar on ticks. Package time would do, but its
// Time costs more than the whole computation.

// dateOfTicks is the date of ticks since 0001-01-01, which are not negative.
func dateOfTicks(ticks int64) (year, month, day int) {
	return dateOfDay(ticks / TicksPerDay)
}

// dateOfDay is the date of a number of days since 0001-01-01.
func dateOfDay(n int64) (year, month, day int) {
	// Years are counted from March, so that the leap day is the last of one.
	n += 306
	era := n / 146_097
	if n < 0 {
		era = (n - 146_096) / 146_097
	}
	doe := n - era*146_097
	yoe := (doe - doe/1460 + doe/36_524 - doe/146_096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day = int(doy - (153*mp+2)/5 + 1)
	month = int(mp + 3)
	year = int(yoe + era*400)
	if month > 12 {
		month -= 12
		year++
	}
	return year, month, day
}

// dayOfDate is the number of days from 0001-01-01 to a date. The month may be
// any; those beyond December count into the following years.
func dayOfDate(year, month, day int) int64 {
	month--
	year += month / 12
	if month %= 12; month < 0 {
		month += 12
		year--
	}
	month++
	y, m := int64(year), int64(month)
	if m <= 2 {
		y--
		m += 12
	}
	era := y / 400
	if y < 0 {
		era = (y - 399) / 400
	}
	yoe := y - era*400
	doy := (153*(m-3)+2)/5 + int64(day) - 1
	return era*146_097 + yoe*365 + yoe/4 - yoe/100 + doy - 306
}
