package tocsin

import (
	"regexp"
	"time"
)

// HuntState is how a hunting query ended.
type HuntState string

const (
	HuntCompleted HuntState = "completed"
	HuntFailed    HuntState = "failed"
	HuntThrottled HuntState = "throttled" // refused: the tenant's share is used up, or too many wait
	HuntCancelled HuntState = "cancelled" // the one who asked left
)

// HuntRun is one hunting query that somebody ran.
type HuntRun struct {
	ID        int64
	Time      time.Time // when it began
	Query     string    // at most MaxKeptQuery bytes; what is longer is cut
	Elapsed   time.Duration
	CPU       time.Duration
	State     HuntState
	Error     string // what the one who asked was told; "" when it completed
	Resource  string // "Low", "Medium", "High"; "" when it did not run
	Rows      int64
	Interface string // the door: "portal", "api", "rule", "cli"
	User      string // user name
	UserID    string
	Tables    []string
	From, To  time.Time // what the request bounded the tables to; zero for the default
}

// MaxKeptQuery is how much of a query its line in the history keeps, in bytes.
const MaxKeptQuery = 64 << 10

// SavedKind tells saved queries from saved functions.
type SavedKind string

const (
	SavedQueryKind    SavedKind = "query"
	SavedFunctionKind SavedKind = "function"
)

// SavedQuery is a query or a function that somebody keeps, for themselves or
// for everybody of the tenant.
type SavedQuery struct {
	ID          string
	Kind        SavedKind
	Name        string
	Folder      string
	Text        string // of a function: its body
	Description string
	Parameters  string // of a function, as KQL declares them: "a:string, T:(x:long)"
	Shared      bool
	OwnerID     string
	Owner       string // user name
	Updated     time.Time
}

// Bounds of a saved query.
const (
	MaxSavedText   = 256 << 10 // bytes
	MaxSavedRunes  = 200       // characters of a name or a folder
	MaxSavedDoc    = 4000      // characters of a description or of parameters
	MaxSavedPerOne = 2000      // of one person
)

// FunctionName is what a saved function may be called: as Defender has it,
// letters, digits and underscores, beginning with a capital or an underscore.
var FunctionName = regexp.MustCompile(`^[A-Z_][A-Za-z0-9_]{0,127}$`)
