package kql

import (
	"math/bits"
	"slices"
	"strconv"
)

// Functions of IPv4 addresses. A text may hold a prefix, 192.168.1.1/24, which
// stands for the addresses that share its first bits; the address itself is then
// the first of them. What is no address gives null, or an empty text.

func init() {
	ip, ip1, ip2, ipRange := P("ip", onlyString), P("ip1", onlyString), P("ip2", onlyString), P("ip_range", onlyString)
	prefix, maybe := P("prefix", onlyLong), Opt("prefix", onlyLong)
	Register(
		Func{Name: "parse_ipv4", Doc: "The IPv4 address as a number.", Sigs: []Sig{Of(Long, ip)}, Eval: func(args []Value) Value {
			n, ok := parseIPv4(args[0].Str())
			return longOrNull(int64(n.addr), ok)
		}},
		Func{Name: "parse_ipv4_mask", NullIn: true, Doc: "The first bits of the IPv4 address as a number.", Sigs: []Sig{Of(Long, ip, prefix)}, Eval: func(args []Value) Value {
			n, ok := parseIPv4(args[0].Str())
			if ok {
				n, ok = n.masked(args[1].Int())
			}
			return longOrNull(int64(n.addr), ok)
		}},
		Func{Name: "ipv4_netmask_suffix", Doc: "The length of the prefix that the IPv4 address is written with; 32 without one.", Sigs: []Sig{Of(Long, ip)}, Eval: func(args []Value) Value {
			n, ok := parseIPv4(args[0].Str())
			return longOrNull(int64(n.bits), ok)
		}},
		Func{Name: "ipv4_is_private", Doc: "Whether the IPv4 address is one of a private network.", Sigs: []Sig{Of(Bool, ip)}, Eval: func(args []Value) Value {
			n, ok := parseIPv4(args[0].Str())
			return boolOrNull(slices.ContainsFunc(privateIPv4[:], n.in), ok)
		}},
		Func{Name: "ipv4_compare", NullIn: true, Doc: "-1, 0 or 1 as the first IPv4 address is before, with or after the second, by the shortest prefix.",
			Sigs: []Sig{Of(Long, ip1, ip2, maybe)}, Eval: func(args []Value) Value {
				n, ok := compareIPv4(args)
				return longOrNull(int64(n), ok)
			}},
		Func{Name: "ipv4_is_match", NullIn: true, Doc: "Whether the two IPv4 addresses are the same by the shortest prefix.",
			Sigs: []Sig{Of(Bool, ip1, ip2, maybe)}, Eval: func(args []Value) Value {
				n, ok := compareIPv4(args)
				return boolOrNull(n == 0, ok)
			}, Prepare: prepareIPv4Match},
		Func{Name: "ipv4_is_in_range", Doc: "Whether the IPv4 address is within the range.", Sigs: []Sig{Of(Bool, ip, ipRange)}, Eval: func(args []Value) Value {
			r, ok := parseIPv4(args[1].Str())
			return inIPv4Range(args[0], r, ok)
		}, Prepare: func(consts []*Value) (func([]Value) Value, error) {
			if consts[1] == nil {
				return nil, nil
			}
			r, ok := parseIPv4(consts[1].Str())
			return func(args []Value) Value { return inIPv4Range(args[0], r, ok) }, nil
		}},
		Func{Name: "ipv4_is_in_any_range", Doc: "Whether the IPv4 address is within one of the ranges.", Sigs: textOrList(Bool, P("ip", onlyString|onlyDynamic), "ranges"), Eval: func(args []Value) Value {
			return newIPv4Ranges(textsOf(args[1:])).has(args[0])
		}, Prepare: func(consts []*Value) (func([]Value) Value, error) {
			list, ok := constTexts(consts[1:])
			if !ok {
				return nil, nil
			}
			ranges := newIPv4Ranges(list)
			return func(args []Value) Value { return ranges.has(args[0]) }, nil
		}},
		Func{Name: "ipv4_range_to_cidr_list", Doc: "The prefixes that together are the range of IPv4 addresses.",
			Sigs: []Sig{Of(Dynamic, P("start_ip", onlyString), P("end_ip", onlyString))}, Eval: func(args []Value) Value {
				from, ok1 := parseIPv4(args[0].Str())
				to, ok2 := parseIPv4(args[1].Str())
				if !ok1 || !ok2 || from.addr > to.addr {
					return Null(Dynamic)
				}
				return DynamicOf(prefixesOf(from.addr, to.addr))
			}},
		Func{Name: "format_ipv4", NullIn: true, Doc: "The IPv4 address of a text or number by its first bits.", Sigs: []Sig{Of(String, P("ip", AnyScalar), maybe)}, Eval: func(args []Value) Value {
			n, ok := formattedIPv4(args)
			if !ok {
				return StringOf("")
			}
			return StringOf(ipv4Text(n.addr))
		}},
		Func{Name: "format_ipv4_mask", NullIn: true, Doc: "The IPv4 address of a text or number by its first bits, with its prefix.", Sigs: []Sig{Of(String, P("ip", AnyScalar), maybe)}, Eval: func(args []Value) Value {
			n, ok := formattedIPv4(args)
			if !ok {
				return StringOf("")
			}
			return StringOf(n.String())
		}},
	)
}

// textOrList are the overloads of a function that takes several texts, or one
// array of them.
func textOrList(result Type, first Param, name string) []Sig {
	several := Of(result, first, P(name, onlyString))
	several.Repeat = 1
	return []Sig{several, Of(result, first, P(name, onlyDynamic))}
}

// textsOf are the texts among the arguments and in their arrays.
func textsOf(args []Value) []string {
	var list []string
	for _, a := range args {
		if a.Type() == String {
			list = append(list, a.Str())
			continue
		}
		if s, ok := a.Dynamic().(string); ok {
			list = append(list, s)
		}
		elems, _ := elements(a)
		for _, d := range elems {
			if s, ok := d.(string); ok {
				list = append(list, s)
			}
		}
	}
	return list
}

// constTexts is textsOf when all are constants.
func constTexts(consts []*Value) ([]string, bool) {
	args := make([]Value, len(consts))
	for i, c := range consts {
		if c == nil {
			return nil, false
		}
		args[i] = *c
	}
	return textsOf(args), true
}

func longOrNull(n int64, ok bool) Value {
	if !ok {
		return Null(Long)
	}
	return LongOf(n)
}

func boolOrNull(b, ok bool) Value {
	if !ok {
		return Null(Bool)
	}
	return BoolOf(b)
}

// ipv4 is an address of which bits count; the others are 0.
type ipv4 struct {
	addr uint32
	bits int
}

var privateIPv4 = [...]ipv4{{10 << 24, 8}, {172<<24 | 16<<16, 12}, {192<<24 | 168<<16, 16}}

// parseIPv4 reads four numbers from 0 to 255 without leading zeros and, when it
// is there, a prefix from 0 to 32.
func parseIPv4(s string) (ipv4, bool) {
	addr, n := scanIPv4(s)
	if n == 0 {
		return ipv4{}, false
	}
	ip := ipv4{addr, 32}
	if n == len(s) {
		return ip, true
	}
	if s[n] != '/' {
		return ipv4{}, false
	}
	length, ok := prefixLength(s[n+1:], 32)
	if !ok {
		return ipv4{}, false
	}
	return ip.masked(length)
}

// scanIPv4 reads an address at the beginning of s: its number and how long it is,
// 0 when there is none.
func scanIPv4(s string) (addr uint32, length int) {
	i := 0
	for part := range 4 {
		if part > 0 {
			if i >= len(s) || s[i] != '.' {
				return 0, 0
			}
			i++
		}
		from, n := i, uint32(0)
		for i < len(s) && isDigit(s[i]) && i-from < 4 {
			n = n*10 + uint32(s[i]-'0')
			i++
		}
		if digits := i - from; digits == 0 || digits > 3 || n > 255 || digits > 1 && s[from] == '0' {
			return 0, 0
		}
		addr = addr<<8 | n
	}
	return addr, i
}

// prefixLength reads one to three digits, at most most.
func prefixLength(s string, most int64) (int64, bool) {
	if len(s) == 0 || len(s) > 3 {
		return 0, false
	}
	n := int64(0)
	for i := range len(s) {
		if !isDigit(s[i]) {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, n <= most
}

// masked is the address by no more than the first bits; false when these are not
// from 0 to 32.
func (a ipv4) masked(first int64) (ipv4, bool) {
	if first < 0 || first > 32 {
		return ipv4{}, false
	}
	n := min(int(first), a.bits)
	return ipv4{a.addr & ipv4Mask(n), n}, true
}

func ipv4Mask(n int) uint32 { return ^uint32(0) << (32 - n) }

// in tells whether all addresses of a are among those of the range.
func (a ipv4) in(r ipv4) bool { return a.bits >= r.bits && a.addr&ipv4Mask(r.bits) == r.addr }

func (a ipv4) String() string { return ipv4Text(a.addr) + "/" + strconv.Itoa(a.bits) }

func ipv4Text(addr uint32) string {
	b := make([]byte, 0, 15)
	for shift := 24; shift >= 0; shift -= 8 {
		b = strconv.AppendUint(b, uint64(addr>>shift&255), 10)
		if shift > 0 {
			b = append(b, '.')
		}
	}
	return string(b)
}

// compareIPv4 compares args[0] with args[1] by the shortest prefix of both and
// args[2].
func compareIPv4(args []Value) (int, bool) {
	a, ok1 := parseIPv4(args[0].Str())
	b, ok2 := parseIPv4(args[1].Str())
	if !ok1 || !ok2 {
		return 0, false
	}
	n := int64(32)
	if len(args) > 2 {
		n = args[2].Int()
	}
	return a.compare(b, n)
}

// compare is by the first n bits at most; false when these are not from 0 to 32.
func (a ipv4) compare(b ipv4, n int64) (int, bool) {
	a, ok := a.masked(n)
	if !ok {
		return 0, false
	}
	mask := ipv4Mask(min(a.bits, b.bits))
	x, y := a.addr&mask, b.addr&mask
	switch {
	case x < y:
		return -1, true
	case x > y:
		return 1, true
	}
	return 0, true
}

// prepareIPv4Match reads a constant second address once.
func prepareIPv4Match(consts []*Value) (func([]Value) Value, error) {
	if consts[1] == nil {
		return nil, nil
	}
	b, ok := parseIPv4(consts[1].Str())
	if !ok {
		return func([]Value) Value { return Null(Bool) }, nil
	}
	return func(args []Value) Value {
		a, ok := parseIPv4(args[0].Str())
		if !ok {
			return Null(Bool)
		}
		n := int64(32)
		if len(args) > 2 {
			n = args[2].Int()
		}
		order, ok := a.compare(b, n)
		return boolOrNull(order == 0, ok)
	}, nil
}

func inIPv4Range(ip Value, r ipv4, ok bool) Value {
	a, valid := parseIPv4(ip.Str())
	return boolOrNull(a.addr&ipv4Mask(r.bits) == r.addr, ok && valid)
}

// ipv4Ranges are ranges in order that do not touch each other.
type ipv4Ranges struct {
	list  []ipv4Range
	valid bool // one of the texts is a range
}

type ipv4Range struct{ first, last uint32 }

func newIPv4Ranges(texts []string) ipv4Ranges {
	var all []ipv4Range
	for _, s := range texts {
		if r, ok := parseIPv4(s); ok {
			all = append(all, ipv4Range{r.addr, r.addr | ^ipv4Mask(r.bits)})
		}
	}
	slices.SortFunc(all, func(a, b ipv4Range) int {
		if a.first < b.first {
			return -1
		}
		if a.first > b.first {
			return 1
		}
		return 0
	})
	list := all[:0]
	for _, r := range all {
		if n := len(list); n > 0 && r.first <= list[n-1].last {
			list[n-1].last = max(list[n-1].last, r.last)
			continue
		}
		list = append(list, r)
	}
	return ipv4Ranges{list: list, valid: len(list) > 0}
}

// has is null when the address or every one of the ranges is none.
func (r ipv4Ranges) has(ip Value) Value {
	a, ok := parseIPv4(textOf(ip))
	if !ok || !r.valid {
		return Null(Bool)
	}
	i, found := slices.BinarySearchFunc(r.list, a.addr, func(r ipv4Range, addr uint32) int {
		switch {
		case r.last < addr:
			return -1
		case r.first > addr:
			return 1
		}
		return 0
	})
	return BoolOf(found && r.list[i].first <= a.addr)
}

// textOf is the text of a string, or of a dynamic.
func textOf(v Value) string {
	if v.Type() == String {
		return v.Str()
	}
	return TextOf(v)
}

// prefixesOf are the fewest prefixes whose addresses are those from first to last.
func prefixesOf(first, last uint32) []Dyn {
	var list []Dyn
	for at := uint64(first); at <= uint64(last); {
		n := min(32, bits.TrailingZeros64(at))
		for at+1<<n-1 > uint64(last) {
			n--
		}
		list = append(list, ipv4{uint32(at), 32 - n}.String())
		at += 1 << n
	}
	return list
}

// formattedIPv4 is the address of a text or of a number by its first bits.
func formattedIPv4(args []Value) (ipv4, bool) {
	var a ipv4
	ok := false
	number := func(n int64) { a, ok = ipv4{uint32(n), 32}, n >= 0 && n <= 1<<32-1 }
	switch v := args[0]; v.Type() {
	case Int, Long:
		number(v.Int())
	case String:
		a, ok = parseIPv4(v.Str())
	case Dynamic:
		switch d := v.Dynamic().(type) {
		case int64:
			number(d)
		case string:
			a, ok = parseIPv4(d)
		}
	}
	if ok && len(args) > 1 {
		return a.masked(args[1].Int())
	}
	return a, ok
}
