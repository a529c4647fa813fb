package kql

import (
	_ "embed"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // hosts without a zone database
)

// zoneNames are the names of the IANA time zone database, one a line.
//
//go:embed timezones.txt
var zoneNames string

func init() {
	sig := []Sig{Of(DateTime, P("from", onlyDateTime), P("timezone", onlyString))}
	Register(
		Func{Name: "datetime_utc_to_local", NullIn: true, Sigs: sig, Doc: "The local time of a time zone; null for a zone that is not known.", Eval: func(args []Value) Value {
			zone := zoneOf(args[1].Str())
			if zone == nil {
				return Null(DateTime)
			}
			return ticksToDateTime(args[0].Int() + zoneOffset(zone, args[0].Int()))
		}},
		Func{Name: "datetime_local_to_utc", NullIn: true, Sigs: sig, Doc: "The UTC time of a local time; null for a zone that is not known.", Eval: func(args []Value) Value {
			zone := zoneOf(args[1].Str())
			if zone == nil {
				return Null(DateTime)
			}
			return ticksToDateTime(utcOfLocal(zone, args[0].Int()))
		}},
		Func{Name: "datetime_list_timezones", Doc: "The names of all time zones.", Sigs: []Sig{Of(Dynamic)}, Eval: func([]Value) Value {
			names := strings.Fields(zoneNames)
			list := make([]Dyn, len(names))
			for i, n := range names {
				list[i] = n
			}
			return DynamicOf(list)
		}},
	)
}

// zones are the loaded time zones by name. Only names of the database come in,
// so there is an end to them.
var zones sync.Map

// zoneOf is the time zone of a name of the database; nil when there is none.
func zoneOf(name string) *time.Location {
	if z, ok := zones.Load(name); ok {
		return z.(*time.Location)
	}
	if name == "" || strings.ContainsAny(name, "\n\r \t") || !strings.Contains("\n"+zoneNames, "\n"+name+"\n") {
		return nil
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	zones.Store(name, z)
	return z
}

// zoneOffset is how far local time is ahead of UTC, in ticks.
func zoneOffset(zone *time.Location, utc int64) int64 {
	_, seconds := DateTimeOf(utc).Time().In(zone).Zone()
	return int64(seconds) * TicksPerSecond
}

// utcOfLocal is the UTC time of a local one. Of a local time that comes twice,
// as clocks are set back, it is the first; one that never comes is taken as of
// the time after.
func utcOfLocal(zone *time.Location, local int64) int64 {
	before, after := zoneOffset(zone, local-TicksPerDay), zoneOffset(zone, local+TicksPerDay)
	if first := local - before; zoneOffset(zone, first) == before {
		return first
	}
	return local - after
}
