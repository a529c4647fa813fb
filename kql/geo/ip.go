package geo

import (
	"net/netip"
	"strings"
	"sync/atomic"

	"github.com/tocsinhq/tocsin/kql"
)

var database atomic.Pointer[Database]

// UseDatabase gives geo_info_from_ip_address its data; nil takes it away.
// Without a database, as for addresses that the database does not have, the
// function gives null. It may be called at any time.
func UseDatabase(db *Database) { database.Store(db) }

// infoFromIP describes where an IPv4 or IPv6 address is: country, state, city
// by their English names, "" when unknown, latitude and longitude in degrees.
func infoFromIP(args []kql.Value) kql.Value {
	db := database.Load()
	if db == nil {
		return kql.Null(kql.Dynamic)
	}
	addr, err := netip.ParseAddr(strings.TrimSpace(args[0].Str()))
	if err != nil {
		return kql.Null(kql.Dynamic)
	}
	record, ok := db.lookup(addr.WithZone("").Unmap())
	if !ok {
		return kql.Null(kql.Dynamic)
	}
	bag := kql.NewBag()
	bag.Set("country", englishName(record["country"]))
	var state any
	if list, ok := record["subdivisions"].([]any); ok && len(list) > 0 {
		state = list[0]
	}
	bag.Set("state", englishName(state))
	bag.Set("city", englishName(record["city"]))
	if at, ok := record["location"].(map[string]any); ok {
		for _, key := range [2]string{"latitude", "longitude"} {
			if f, ok := at[key].(float64); ok {
				bag.Set(key, f)
			}
		}
	}
	return kql.DynamicOf(bag)
}

func englishName(place any) string {
	if m, ok := place.(map[string]any); ok {
		if names, ok := m["names"].(map[string]any); ok {
			name, _ := names["en"].(string)
			return name
		}
	}
	return ""
}
