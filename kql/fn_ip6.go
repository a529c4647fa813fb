package kql

import (
	"encoding/hex"
	"net/netip"
	"strings"
)

// Functions of IPv6 addresses. An IPv4 address stands for the IPv6 address it is
// mapped to, ::ffff:0:0/96, and so does one of the form ::192.168.1.1; the prefix
// of either counts the bits of the IPv4 address.

func init() {
	ip, ip1, ip2, ipRange := P("ip", onlyString), P("ip1", onlyString), P("ip2", onlyString), P("ip_range", onlyString)
	prefix, maybe := P("prefix", onlyLong), Opt("prefix", onlyLong)
	Register(
		Func{Name: "parse_ipv6", Doc: "The IPv6 or IPv4 address with all digits of an IPv6 address.", Sigs: []Sig{Of(String, ip)}, Eval: func(args []Value) Value {
			a, ok := parseIPv6(args[0].Str())
			if !ok {
				return StringOf("")
			}
			return StringOf(a.String())
		}},
		Func{Name: "parse_ipv6_mask", NullIn: true, Doc: "The first bits of the IPv6 or IPv4 address with all digits of an IPv6 address.", Sigs: []Sig{Of(String, ip, prefix)}, Eval: func(args []Value) Value {
			a, ok := parseIPv6(args[0].Str())
			if ok {
				a, ok = a.masked(args[1].Int())
			}
			if !ok {
				return StringOf("")
			}
			return StringOf(a.String())
		}},
		Func{Name: "ipv6_compare", NullIn: true, Doc: "-1, 0 or 1 as the first IPv6 or IPv4 address is before, with or after the second, by the shortest prefix.",
			Sigs: []Sig{Of(Long, ip1, ip2, maybe)}, Eval: func(args []Value) Value {
				n, ok := compareIPv6(args)
				return longOrNull(int64(n), ok)
			}},
		Func{Name: "ipv6_is_match", NullIn: true, Doc: "Whether the two IPv6 or IPv4 addresses are the same by the shortest prefix.",
			Sigs: []Sig{Of(Bool, ip1, ip2, maybe)}, Eval: func(args []Value) Value {
				n, ok := compareIPv6(args)
				return boolOrNull(n == 0, ok)
			}},
		Func{Name: "ipv6_is_in_range", Doc: "Whether the IPv6 or IPv4 address is within the range.", Sigs: []Sig{Of(Bool, ip, ipRange)}, Eval: func(args []Value) Value {
			return newIPv6Ranges([]string{args[1].Str()}).has(args[0])
		}, Prepare: prepareIPv6Ranges},
		Func{Name: "ipv6_is_in_any_range", Doc: "Whether the IPv6 or IPv4 address is within one of the ranges.",
			Sigs: textOrList(Bool, P("ip", onlyString|onlyDynamic), "ranges"), Eval: func(args []Value) Value {
				return newIPv6Ranges(textsOf(args[1:])).has(args[0])
			}, Prepare: prepareIPv6Ranges},
	)
}

// ipv6 is an address of which bits count; the others are 0. short tells that it
// is written as an IPv4 address.
type ipv6 struct {
	addr  [16]byte
	bits  int
	short bool
}

// parseIPv6 reads an IPv6 or IPv4 address and, when it is there, a prefix. The
// name of a zone is no part of the address.
func parseIPv6(s string) (ipv6, bool) {
	text, suffix, hasSuffix := strings.Cut(s, "/")
	most := int64(128)
	var a ipv6
	if n, length := scanIPv4(text); length > 0 && length == len(text) {
		a.addr = mappedIPv4(n)
		a.short, most = true, 32
	} else {
		ip, err := netip.ParseAddr(text)
		if err != nil || !ip.Is6() {
			return ipv6{}, false
		}
		a.addr = ip.As16()
		if strings.IndexByte(text, '.') >= 0 && [12]byte(a.addr[:12]) == [12]byte{} {
			a.addr[10], a.addr[11] = 0xff, 0xff
		}
	}
	a.bits = 128
	if !hasSuffix {
		return a, true
	}
	n, ok := prefixLength(suffix, most)
	if !ok {
		return ipv6{}, false
	}
	if n <= 32 && strings.IndexByte(text, '.') >= 0 {
		n += 96
	}
	return a.first(int(n)), true
}

func mappedIPv4(n uint32) (addr [16]byte) {
	addr[10], addr[11], addr[12], addr[13], addr[14], addr[15] = 0xff, 0xff, byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
	return addr
}

// masked is the address by no more than the first bits, from 0 to 128. Up to 32
// they are those of the IPv4 address when it is written as one.
func (a ipv6) masked(n int64) (ipv6, bool) {
	if n < 0 || n > 128 {
		return ipv6{}, false
	}
	if a.short && n <= 32 {
		n += 96
	}
	return a.first(int(n)), true
}

// first is the address by no more than its first n bits.
func (a ipv6) first(n int) ipv6 {
	if n >= a.bits {
		return a
	}
	a.bits = n
	for i := range a.addr {
		keep := max(0, min(8, n-8*i))
		a.addr[i] &= ^byte(0) << (8 - keep)
	}
	return a
}

// String has all digits: eight groups of four.
func (a ipv6) String() string {
	b := make([]byte, 0, 39)
	for i := 0; i < 16; i += 2 {
		if i > 0 {
			b = append(b, ':')
		}
		b = hex.AppendEncode(b, a.addr[i:i+2])
	}
	return string(b)
}

func compareIPv6(args []Value) (int, bool) {
	a, ok1 := parseIPv6(args[0].Str())
	b, ok2 := parseIPv6(args[1].Str())
	if !ok1 || !ok2 {
		return 0, false
	}
	if len(args) > 2 {
		a.short = a.short && b.short
		if a, ok1 = a.masked(args[2].Int()); !ok1 {
			return 0, false
		}
	}
	n := min(a.bits, b.bits)
	a, b = a.first(n), b.first(n)
	return strings.Compare(string(a.addr[:]), string(b.addr[:])), true
}

type ipv6Ranges []ipv6

func newIPv6Ranges(texts []string) ipv6Ranges {
	var list ipv6Ranges
	for _, s := range texts {
		if r, ok := parseIPv6(s); ok {
			list = append(list, r)
		}
	}
	return list
}

func prepareIPv6Ranges(consts []*Value) (func([]Value) Value, error) {
	list, ok := constTexts(consts[1:])
	if !ok {
		return nil, nil
	}
	ranges := newIPv6Ranges(list)
	return func(args []Value) Value { return ranges.has(args[0]) }, nil
}

// has is null when the address or every one of the ranges is none.
func (list ipv6Ranges) has(ip Value) Value {
	a, ok := parseIPv6(textOf(ip))
	if !ok || len(list) == 0 {
		return Null(Bool)
	}
	for _, r := range list {
		if a.first(r.bits).addr == r.addr {
			return BoolOf(true)
		}
	}
	return BoolOf(false)
}
