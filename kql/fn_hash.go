package kql

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
)

// Hashes. hash() and its kin take the bytes of a value, the cryptographic ones
// its text.

func init() {
	source := P("source", AnyScalar&^onlyDynamic)
	text := func(name, doc string, sum func([]byte) []byte) Func {
		return Func{Name: name, NullIn: true, Doc: doc, Sigs: []Sig{Of(String, source)}, Eval: func(args []Value) Value {
			return StringOf(hex.EncodeToString(sum([]byte(TextOf(args[0])))))
		}}
	}
	short := func(name, doc string, hidden bool, sum func(b []byte, seed uint64) uint64, params ...Param) Func {
		return Func{Name: name, Hidden: hidden, NullIn: true, Doc: doc, Sigs: []Sig{Of(Long, append([]Param{source}, params...)...)}, Eval: func(args []Value) Value {
			seed := uint64(0)
			if len(args) > 2 {
				seed = uint64(args[2].Int())
			}
			var room [16]byte
			return modHash(sum(memoryOf(room[:0], args[0]), seed), args)
		}}
	}
	mod, needed, seed := Opt("mod", AnyInteger), P("mod", AnyInteger), P("seed", AnyInteger)
	Register(
		short("hash", "A hash of the value, within mod when it is given.", false, xxHash64, mod),
		short("hash_xxhash64", "The xxHash64 of the value, within mod when it is given.", false, xxHash64, mod),
		short("__hash_xxh64", "The xxHash64 of the value.", true, xxHash64, needed, seed),
		short("__hash_crc32", "The CRC-32 of the value.", true, func(b []byte, seed uint64) uint64 {
			return uint64(crc32.Update(uint32(seed), crc32.IEEETable, b))
		}, needed, seed),
		short("__hash_djb2", "Bernstein's hash of the value.", true, func(b []byte, _ uint64) uint64 {
			h := uint64(5381)
			for _, c := range b {
				h = h*33 + uint64(c)
			}
			return h
		}, mod),
		text("hash_md5", "The MD5 of the value, in hexadecimal digits.", func(b []byte) []byte { s := md5.Sum(b); return s[:] }),
		text("hash_sha1", "The SHA-1 of the value, in hexadecimal digits.", func(b []byte) []byte { s := sha1.Sum(b); return s[:] }),
		text("hash_sha256", "The SHA-256 of the value, in hexadecimal digits.", func(b []byte) []byte { s := sha256.Sum256(b); return s[:] }),
		Func{Name: "hash_combine", NullIn: true, Doc: "One hash of several hashes.",
			Sigs: []Sig{{Params: []Param{P("h1", AnyScalar), P("h2", AnyScalar)}, Repeat: 1, Result: Always(Long)}}, Eval: func(args []Value) Value {
				h := make([]uint64, len(args))
				for i, a := range args {
					if a.IsNull() {
						return Null(Long)
					}
					h[i] = hashedValue(a)
				}
				return LongOf(combineHashes(h))
			}},
		Func{Name: "hash_many", NullIn: true, Doc: "One hash of several values.",
			Sigs: []Sig{{Params: []Param{source}, Repeat: 1, Result: Always(Long)}}, Eval: func(args []Value) Value {
				h := make([]uint64, len(args))
				for i, a := range args {
					var room [16]byte
					h[i] = xxHash64(memoryOf(room[:0], a), 0)
				}
				if len(h) == 1 {
					return LongOf(int64(h[0]))
				}
				return LongOf(combineHashes(h))
			}},
	)
}

// modHash is the hash as a long, or its remainder when there is a modulus. A
// hash has no sign there, so that the remainder has none.
func modHash(h uint64, args []Value) Value {
	if len(args) < 2 {
		return LongOf(int64(h))
	}
	m := args[1].Int()
	if m <= 0 {
		return Null(Long)
	}
	return LongOf(int64(h % uint64(m)))
}

// hashedValue is the hash that a value given to hash_combine is: a number is its
// own, of anything else it is taken.
func hashedValue(v Value) uint64 {
	switch v.Type() {
	case Int, Long, Bool, DateTime, TimeSpan, Real:
		return uint64(v.Int())
	case Dynamic:
		return xxHash64([]byte(JSONOf(v.Dynamic())), 0)
	}
	var room [16]byte
	return xxHash64(memoryOf(room[:0], v), 0)
}

// combineHashes depends on the hashes and their order. The service does not say
// how it combines them; this is the xxHash64 of the hashes one after another.
func combineHashes(h []uint64) int64 {
	b := make([]byte, 0, 8*len(h))
	for _, x := range h {
		b = binary.LittleEndian.AppendUint64(b, x)
	}
	return int64(xxHash64(b, 0))
}

// memoryOf appends the bytes of a value in memory, the lowest first; of a text UTF-8,
// of a decimal its text.
func memoryOf(b []byte, v Value) []byte {
	switch v.Type() {
	case Bool:
		return append(b, byte(v.Int()))
	case Int:
		return binary.LittleEndian.AppendUint32(b, uint32(v.Int()))
	case Long, DateTime, TimeSpan, Real:
		return binary.LittleEndian.AppendUint64(b, uint64(v.Int()))
	case Guid:
		g, _ := guidBytes(v.Str())
		return append(b, g[:]...)
	}
	return append(b, TextOf(v)...)
}
