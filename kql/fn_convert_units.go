package kql

import (
	"math"
	"strings"
)

func init() {
	convert := func(name, what string, base func(unit string) (toBase, fromBase func(float64) float64)) Func {
		eval := func(args []Value) Value {
			from, to := args[1].Str(), args[2].Str()
			toBase, _ := base(from)
			_, fromBase := base(to)
			if toBase == nil || fromBase == nil {
				return Null(Real)
			}
			if from == to {
				return args[0]
			}
			return RealOf(fromBase(toBase(args[0].Real())))
		}
		return Func{Name: name, NullIn: true, Eval: eval, Doc: "The " + what + " in another unit; null for a unit that is not known.",
			Sigs: []Sig{Of(Real, P("value", onlyReal), P("from", onlyString), P("to", onlyString))}}
	}
	Register(
		convert("convert_angle", "angle", angleUnit),
		convert("convert_energy", "energy", scaledUnit(energyUnits, nil)),
		convert("convert_force", "force", scaledUnit(forceUnits, nil)),
		convert("convert_length", "length", scaledUnit(lengthUnits, nil)),
		convert("convert_mass", "mass", scaledUnit(massUnits, nil)),
		convert("convert_speed", "speed", scaledUnit(nil, speedUnit)),
		convert("convert_temperature", "temperature", temperatureUnit),
		convert("convert_volume", "volume", scaledUnit(volumeUnits, nil)),
	)
}

// scaledUnit knows units that are a multiple of the base unit: those of a table
// and those that more tells.
func scaledUnit(table map[string]float64, more func(unit string) float64) func(unit string) (toBase, fromBase func(float64) float64) {
	return func(unit string) (toBase, fromBase func(float64) float64) {
		f := table[unit]
		if f == 0 && more != nil {
			f = more(unit)
		}
		if f == 0 {
			return nil, nil
		}
		return func(x float64) float64 { return x * f }, func(x float64) float64 { return x / f }
	}
}

// Units by their size in the base unit: joule, newton, meter, kilogram, cubic
// meter. Some sizes are rounded in the way that the engine's results show.
var energyUnits = func() map[string]float64 {
	const btu, cal, ev, therm, thermImperial, thermUs = 1055.05585262, 4.184, 1.602176565e-19, 1.05505585262e8, 1.05505585257348e8, 1.054804e8
	return map[string]float64{
		"Joule": 1, "Millijoule": 1e-3, "Kilojoule": 1e3, "Megajoule": 1e6, "Gigajoule": 1e9,
		"BritishThermalUnit": btu, "KilobritishThermalUnit": btu * 1e3, "MegabritishThermalUnit": btu * 1e6, "GigabritishThermalUnit": btu * 1e9,
		"Calorie": cal, "Kilocalorie": cal * 1e3, "Megacalorie": cal * 1e6,
		"ThermEc": therm, "DecathermEc": therm * 10, "ThermImperial": thermImperial, "DecathermImperial": thermImperial * 10,
		"ThermUs": thermUs, "DecathermUs": thermUs * 10,
		"ElectronVolt": ev, "KiloelectronVolt": ev * 1e3, "MegaelectronVolt": ev * 1e6, "GigaelectronVolt": ev * 1e9, "TeraelectronVolt": ev * 1e12,
		"Erg": 1e-7, "FootPound": 1.355817948, "HorsepowerHour": 2.6845195377e6,
		"WattHour": 3600, "KilowattHour": 3600e3, "MegawattHour": 3600e6, "GigawattHour": 3600e9, "TerawattHour": 3600e12,
		"WattDay": 86400, "KilowattDay": 86400e3, "MegawattDay": 86400e6, "GigawattDay": 86400e9, "TerawattDay": 86400e12,
	}
}()

var forceUnits = func() map[string]float64 {
	const pond, pound = 9.80665002864, 4.4482216152605095551842641431421
	return map[string]float64{
		"Newton": 1, "Decanewton": 10, "Kilonewton": 1e3, "Meganewton": 1e6, "Millinewton": 1e-3, "Micronewton": 1e-6, "Dyn": 1e-5,
		"KilogramForce": pond, "KiloPond": pond, "TonneForce": pond * 1e3,
		"PoundForce": pound, "KilopoundForce": pound * 1e3, "OunceForce": 2.780138509537812e-1, "ShortTonForce": 8.896443230521e3,
		"Poundal": 0.13825502798973041652092282466083,
	}
}()

var lengthUnits = func() map[string]float64 {
	const inch, parsec, lightYear = 2.54e-2, 3.08567758128e16, 9.46073047258e15
	return map[string]float64{
		"Meter": 1, "Nanometer": 1e-9, "Micrometer": 1e-6, "Millimeter": 1e-3, "Centimeter": 1e-2, "Decimeter": 1e-1, "Decameter": 10, "Hectometer": 1e2,
		"Kilometer": 1e3, "Angstrom": 1e-10,
		"Inch": inch, "Microinch": inch * 1e-6, "Mil": inch * 1e-3, "Hand": inch * 4, "Foot": 0.3048, "UsSurveyFoot": 1200.0 / 3937, "Yard": 0.9144,
		"Fathom": 1.8288, "Chain": 20.1168, "Shackle": 27.432, "Mile": 1609.34, "DataMile": 1828.8, "NauticalMile": 1852,
		"DtpPoint": inch / 72, "DtpPica": 1 / 236.220472441, "PrinterPoint": inch / 72.27, "PrinterPica": 1 / 237.106301584, "Twip": 1 / 56692.913385826,
		"AstronomicalUnit": 1.4959787070e11, "SolarRadius": 6.9551e8,
		"Parsec": parsec, "Kiloparsec": parsec * 1e3, "Megaparsec": parsec * 1e6,
		"LightYear": lightYear, "KilolightYear": lightYear * 1e3, "MegalightYear": lightYear * 1e6,
	}
}()

var massUnits = func() map[string]float64 {
	const pound = 0.45359237
	return map[string]float64{
		"Gram": 1e-3, "Nanogram": 1e-12, "Microgram": 1e-9, "Milligram": 1e-6, "Centigram": 1e-5, "Decigram": 1e-4, "Decagram": 1e-2, "Hectogram": 1e-1,
		"Kilogram": 1, "Tonne": 1e3, "Kilotonne": 1e6, "Megatonne": 1e9,
		"Pound": pound, "Kilopound": pound * 1e3, "Megapound": pound * 1e6, "Grain": 1 / 15432.358352941431, "Ounce": 1 / 35.2739619,
		"Stone": 1 / 0.1574731728702698, "Slug": 1 / 6.852176556196105e-2,
		"LongHundredweight": 1 / 0.01968413055222121, "ShortHundredweight": 1 / 0.022046226218487758, "LongTon": 1.0160469088e3, "ShortTon": 9.0718474e2,
		"EarthMass": 5.9722e24, "SolarMass": 1.98947e30,
	}
}()

var volumeUnits = func() map[string]float64 {
	const gallon, imperial, foot = 0.00378541, 0.00454609000000181429905810072407, 0.0283168
	return map[string]float64{
		"Liter": 1e-3, "Microliter": 1e-9, "Milliliter": 1e-6, "Centiliter": 1e-5, "Deciliter": 1e-4, "Decaliter": 1e-2, "Hectoliter": 1e-1, "Kiloliter": 1,
		"Megaliter": 1e3, "CubicMeter": 1, "HectocubicMeter": 1e2, "KilocubicMeter": 1e3,
		"CubicMicrometer": 1e-18, "CubicMillimeter": 1e-9, "CubicCentimeter": 1e-6, "CubicDecimeter": 1e-3, "CubicHectometer": 1e6, "CubicKilometer": 1e9,
		"CubicInch": 1.6387e-5, "CubicFoot": foot, "HectocubicFoot": foot * 1e2, "KilocubicFoot": foot * 1e3, "MegacubicFoot": foot * 1e6,
		"CubicYard": 0.764554858, "CubicMile": 4.16818182544058e9, "AcreFoot": 1 / 0.000810714, "BoardFoot": 2.3597372158e-3,
		"UsGallon": gallon, "DeciusGallon": gallon * 0.1, "DecausGallon": gallon * 10, "HectousGallon": gallon * 1e2, "KilousGallon": gallon * 1e3, "MegausGallon": gallon * 1e6,
		"ImperialGallon": imperial, "KiloimperialGallon": imperial * 1e3, "MegaimperialGallon": imperial * 1e6,
		"ImperialOunce": 2.8413062499962901241875439064617e-5, "ImperialPint": 5.6826125e-4, "ImperialBeerBarrel": 0.16365924,
		"UsOunce": 2.957352956253760505068307980135e-5, "UsPint": 4.73176473e-4, "UsQuart": 9.46352946e-4, "UsBeerBarrel": 0.1173477658,
		"UsCustomaryCup": 0.0002365882365, "UsLegalCup": 0.00024, "MetricCup": 0.00025,
		"UsTablespoon": 1.478676478125e-5, "UsTeaspoon": 4.92892159375e-6, "UkTablespoon": 1.5e-5, "AuTablespoon": 2e-5, "MetricTeaspoon": 0.5e-5,
		"OilBarrel": 0.158987294928,
	}
}()

// speedUnit is the size in meters per second of MeterPerSecond, InchPerHour, and
// so on: a length by a time.
func speedUnit(unit string) float64 {
	switch unit {
	case "Knot":
		return 0.514444
	case "MilePerHour":
		return 0.44704
	}
	length, time, ok := strings.Cut(unit, "Per")
	if !ok || length == "Mile" {
		return 0
	}
	seconds := map[string]float64{"Second": 1, "Minute": 60, "Hour": 3600}[time]
	switch length {
	case "Meter", "Kilometer", "Foot", "Inch", "Yard", "UsSurveyFoot", "Centimeter", "Millimeter":
	case "Decimeter", "Micrometer", "Nanometer":
		if time == "Hour" {
			return 0
		}
	default:
		return 0
	}
	if seconds == 0 {
		return 0
	}
	return lengthUnits[length] / seconds
}

// angleUnit is in degrees. A tilt is the sine of the angle.
func angleUnit(unit string) (toBase, fromBase func(float64) float64) {
	const rad = 180 / math.Pi
	if unit == "Tilt" {
		return func(x float64) float64 { return math.Asin(x) * rad }, func(x float64) float64 { return math.Sin(x / rad) }
	}
	return scaledUnit(angleUnits, nil)(unit)
}

var angleUnits = func() map[string]float64 {
	const rad = 180 / math.Pi
	return map[string]float64{
		"Degree": 1, "Millidegree": 1e-3, "Microdegree": 1e-6, "Nanodegree": 1e-9, "Arcminute": 1.0 / 60, "Arcsecond": 1.0 / 3600,
		"Radian": rad, "Deciradian": rad * 1e-1, "Centiradian": rad * 1e-2, "Milliradian": rad * 1e-3, "Microradian": rad * 1e-6, "Nanoradian": rad * 1e-9,
		"Gradian": 0.9, "NatoMil": 9.0 / 160, "Revolution": 360,
	}
}()

// temperatureUnit is in kelvins: a multiple and a zero point.
func temperatureUnit(unit string) (toBase, fromBase func(float64) float64) {
	t, ok := map[string]struct{ factor, zero float64 }{
		"Kelvin": {1, 0}, "DegreeCelsius": {1, 273.15}, "MillidegreeCelsius": {1e-3, 273.15}, "DegreeDelisle": {-2.0 / 3, 373.15},
		"DegreeFahrenheit": {5.0 / 9, 459.67 * 5 / 9}, "DegreeNewton": {100.0 / 33, 273.15}, "DegreeRankine": {5.0 / 9, 0},
		"DegreeReaumur": {5.0 / 4, 273.15}, "DegreeRoemer": {40.0 / 21, 273.15 - 7.5*40.0/21}, "SolarTemperature": {5778, 0},
	}[unit]
	if !ok {
		return nil, nil
	}
	return func(x float64) float64 { return x*t.factor + t.zero }, func(x float64) float64 { return (x - t.zero) / t.factor }
}
