package lake

import "time"

// Write is what one call of Append stores together or not at all.
type Write struct {
	Batches    []*Batch
	Quarantine []Quarantined
	Progress   []Progress
	Outbox     []OutboxItem
	// Once, when set, names this write: a write with a name that was stored
	// in the last 30 days does nothing and its receipt says Duplicate.
	Once string
}

// Receipt says what Append stored.
type Receipt struct {
	Rows      int  // rows of all batches
	Duplicate bool // the Once key was known, so nothing was stored
	// FirstSeq is the sequence number of the first outbox item (the others
	// follow without a gap), 0 without items.
	FirstSeq int64
}

// Quarantined is a record that no table takes, kept for a person to look at.
type Quarantined struct {
	At     time.Time // when it was refused; zero for now
	Source string    // what brought it: a path, a URL, an endpoint
	Item   string    // member within the source
	Offset int64     // byte or record number within the item
	Reason string    // short and without values, so that it can be counted
	Raw    string    // the record as far as wanted; cut to 64 KiB
}

// Progress tells how far one item of an import source is stored.
type Progress struct {
	Source  string // hash of the source's content
	Item    string // path of the member within it
	Records int64  // source records consumed
	Rows    int64  // rows stored from them
	Done    bool
}

// OutboxItem is work that must follow a write, kept until OutboxDone.
type OutboxItem struct{ Payload []byte }

// OutboxEntry is one stored outbox item. Seq rises and is never used twice.
type OutboxEntry struct {
	Seq     int64
	Payload []byte
}

// ReasonCount is one line of the quarantine's summary.
type ReasonCount struct {
	Reason string
	Count  int64
	Last   time.Time
}
