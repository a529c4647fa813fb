package tocsin

import (
	"encoding/json"
	"time"
)

// BulkState is how far a bulk change is.
type BulkState string

const (
	BulkRunning   BulkState = "running"
	BulkDone      BulkState = "done"
	BulkCancelled BulkState = "cancelled" // what was changed until then stays changed
)

// BulkItemState is what became of one thing of a bulk change.
type BulkItemState string

const (
	BulkChanged   BulkItemState = "changed"
	BulkUnchanged BulkItemState = "unchanged" // it was so already
	BulkRefused   BulkItemState = "refused"
)

// BulkItemStates lists every state of an item.
var BulkItemStates = []BulkItemState{BulkChanged, BulkUnchanged, BulkRefused}

// Limits of a bulk change: how many things it takes when they are named, and
// when they are all that match a query.
const (
	MaxBulkNamed   = 10_000
	MaxBulkMatched = 1_000_000
)

// BulkChange says what to change of each of many incidents or alerts; nil and
// empty stay. Status is an incident's or an alert's, after the noun. Severity,
// tags and ResolvingComment are for incidents only.
type BulkChange struct {
	Status           *string         `json:"status,omitempty"`
	Severity         *Severity       `json:"severity,omitempty"`
	AssignedTo       *string         `json:"assignedTo,omitempty"` // "" for nobody
	Classification   *Classification `json:"classification,omitempty"`
	Determination    *Determination  `json:"determination,omitempty"`
	ResolvingComment *string         `json:"resolvingComment,omitempty"`
	AddTags          []string        `json:"addTags,omitempty"`
	RemoveTags       []string        `json:"removeTags,omitempty"`
	Comment          string          `json:"comment,omitempty"`
}

// Empty reports whether there is nothing to change.
func (c *BulkChange) Empty() bool {
	return c.Status == nil && c.Severity == nil && c.AssignedTo == nil && c.Classification == nil && c.Determination == nil &&
		c.ResolvingComment == nil && len(c.AddTags) == 0 && len(c.RemoveTags) == 0 && c.Comment == ""
}

// Bulk is one change that was asked of many incidents or alerts at once. Which
// ones is fixed when it is asked.
type Bulk struct {
	ID       int64     `json:"id"`
	Noun     string    `json:"noun"` // "incident" or "alert"
	State    BulkState `json:"state"`
	UndoOf   int64     `json:"undoOf,omitempty"`   // the bulk change that this one takes back
	UndoneBy int64     `json:"undoneBy,omitempty"` // the one that takes this back

	Asker  Principal  `json:"asker"`
	Asked  string     `json:"asked"` // the choice in the words of a query, for people
	Change BulkChange `json:"change"`

	Total     int64 `json:"total"`
	Done      int64 `json:"done"`
	Changed   int64 `json:"changed"`
	Unchanged int64 `json:"unchanged"`
	Refused   int64 `json:"refused"`

	Created  time.Time `json:"created"`
	Finished time.Time `json:"finished,omitzero"`
}

// BulkItem is what became of one thing of a bulk change.
type BulkItem struct {
	Position int64         `json:"position"`
	ItemID   string        `json:"itemId"`
	State    BulkItemState `json:"state"`
	// Reason is why it was refused, or what of it was left out.
	Reason string `json:"reason,omitempty"`
	// Undo is what the engine needs to take it back.
	Undo json.RawMessage `json:"-"`
}
