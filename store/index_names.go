package store

import (
	"bytes"
	"sort"
	"strings"
)

// dictionary holds the names that search looks through, one behind the other in
// one piece of memory: looking for a text in it is one pass of the processor's
// fastest kind, some ten milliseconds for a million names.
type dictionary struct {
	ids  []int64  // of the names, mostly rising
	at   []uint32 // where each begins in text
	text []byte   // each ended by nameEnd
	late map[int64]uint32
}

// nameEnd stands between names; foldName leaves no such byte in one.
const nameEnd = '\n'

// maxDictionary is the most text that the dictionary takes, in bytes; names
// beyond it are found by the database only, so the index says it cannot search.
const maxDictionary = 1<<32 - 1<<20

func (d *dictionary) add(id int64, text string) {
	if len(d.ids) > 0 && id <= d.ids[len(d.ids)-1] {
		if _, ok := d.find(id); ok {
			return
		}
		if d.late == nil {
			d.late = map[int64]uint32{}
		}
		d.late[id] = uint32(len(d.ids))
		// Its place is last but its number is not: look-ups of rising numbers go
		// on working when it stands under the number before.
		id = d.ids[len(d.ids)-1]
	}
	if len(d.text)+len(text) > maxDictionary {
		text = ""
	}
	d.ids = append(d.ids, id)
	d.at = append(d.at, uint32(len(d.text)))
	d.text = append(append(d.text, strings.ReplaceAll(text, string(nameEnd), " ")...), nameEnd)
}

func (d *dictionary) full() bool { return len(d.text) > maxDictionary-(1<<20) }

func (d *dictionary) find(id int64) (uint32, bool) {
	if o, ok := d.late[id]; ok {
		return o, true
	}
	i := sort.Search(len(d.ids), func(i int) bool { return d.ids[i] >= id })
	return uint32(i), i < len(d.ids) && d.ids[i] == id
}

// noName stands for a name that is not in the dictionary. It is never matched.
const noName = 1<<32 - 2

func (d *dictionary) ordinal(id int64) uint32 {
	if o, ok := d.find(id); ok {
		return o
	}
	return noName
}

// match is the set of ordinals, as bits, of the names that contain a text, and
// whether there are any.
func (d *dictionary) match(s string) (set []uint64, any bool) {
	set = make([]uint64, len(d.ids)/64+1)
	needle := []byte(s)
	if len(needle) == 0 || bytes.IndexByte(needle, nameEnd) >= 0 {
		return set, false
	}
	o := 0
	for from := 0; ; {
		i := bytes.Index(d.text[from:], needle)
		if i < 0 {
			return set, any
		}
		// Hits come in order: the names between are stepped over once in all.
		for hit := uint32(from + i); o+1 < len(d.at) && d.at[o+1] <= hit; {
			o++
		}
		set[o/64] |= 1 << (o % 64)
		any = true
		if o+1 >= len(d.at) {
			return set, any
		}
		from = int(d.at[o+1])
	}
}
