package kql

import "strings"

// Searching text for IPv4 addresses. An address in a text must stand between
// characters that are no letters and digits. A prefix is a whole address, or the
// beginning of one that ends with a dot: 192.168.

func init() {
	source := P("source", onlyString|onlyDynamic)
	find := func(name, doc string, sigs []Sig, prefixes bool) Func {
		return Func{Name: name, Doc: doc, Sigs: sigs, Eval: func(args []Value) Value {
			return newIPv4Finder(textsOf(args[1:]), prefixes).find(args[0])
		}, Prepare: func(consts []*Value) (func([]Value) Value, error) {
			list, ok := constTexts(consts[1:])
			if !ok {
				return nil, nil
			}
			f := newIPv4Finder(list, prefixes)
			return func(args []Value) Value { return f.find(args[0]) }, nil
		}}
	}
	Register(
		find("has_ipv4", "Whether the text has the IPv4 address.", []Sig{Of(Bool, source, P("ip", onlyString))}, false),
		find("has_ipv4_prefix", "Whether the text has an IPv4 address that begins so.", []Sig{Of(Bool, source, P("ip_prefix", onlyString))}, true),
		find("has_any_ipv4", "Whether the text has one of the IPv4 addresses.", textOrList(Bool, source, "ips"), false),
		find("has_any_ipv4_prefix", "Whether the text has an IPv4 address that begins with one of the prefixes.", textOrList(Bool, source, "ip_prefixes"), true),
	)
}

// ipv4Finder looks for addresses whose first 1, 2, 3 or 4 numbers are in a set.
type ipv4Finder struct {
	sets  [4]map[uint32]struct{}
	empty bool
}

func newIPv4Finder(texts []string, prefixes bool) *ipv4Finder {
	f := &ipv4Finder{empty: true}
	for _, s := range texts {
		addr, numbers := ipv4Prefix(s)
		if numbers == 0 || !prefixes && numbers < 4 {
			continue
		}
		set := &f.sets[numbers-1]
		if *set == nil {
			*set = make(map[uint32]struct{})
		}
		(*set)[addr>>(32-8*numbers)] = struct{}{}
		f.empty = false
	}
	return f
}

// ipv4Prefix reads an address or its beginning: its number and of how many
// numbers it consists, 0 when it is neither.
func ipv4Prefix(s string) (addr uint32, numbers int) {
	if addr, n := scanIPv4(s); n > 0 && n == len(s) {
		return addr, 4
	}
	dots := strings.Count(s, ".")
	if dots < 1 || dots > 3 || s[len(s)-1] != '.' {
		return 0, 0
	}
	full := s + "0.0.0"[:2*(4-dots)-1]
	if addr, n := scanIPv4(full); n > 0 && n == len(full) {
		return addr, dots
	}
	return 0, 0
}

func (f *ipv4Finder) find(v Value) Value {
	if f.empty {
		return BoolOf(false)
	}
	s := textOf(v)
	text := bytesOf(s)
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) {
			continue
		}
		if !termBefore(text, i) {
			if addr, n := scanIPv4(s[i:]); n > 0 && !termAfter(text, i+n) && f.has(addr) {
				return BoolOf(true)
			}
		}
		for i+1 < len(s) && isDigit(s[i+1]) {
			i++
		}
	}
	return BoolOf(false)
}

func (f *ipv4Finder) has(addr uint32) bool {
	for i, set := range f.sets {
		if set == nil {
			continue
		}
		if _, ok := set[addr>>(24-8*i)]; ok {
			return true
		}
	}
	return false
}
