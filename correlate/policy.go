package correlate

import "time"

// Signal is one kind of evidence that two alerts belong together.
type Signal string

// The signals, the most telling first.
const (
	SameProcess  Signal = "sameProcess"  // one process in both
	Lineage      Signal = "lineage"      // the process of one is the parent or the target of the other
	Sibling      Signal = "sibling"      // both processes have one parent, or touched one target
	SamePID      Signal = "samePid"      // one process number and image on one device
	SameMail     Signal = "sameMail"     // one message
	SameURL      Signal = "sameUrl"      // one link
	SameApp      Signal = "sameApp"      // one application
	SameSender   Signal = "sameSender"   // one sender of mail from outside
	SameSession  Signal = "sameSession"  // one logon session
	SameFile     Signal = "sameFile"     // one file content
	SameDomain   Signal = "sameDomain"   // one host name contacted
	SameIP       Signal = "sameIp"       // one address
	Movement     Signal = "movement"     // one account on two devices, close in time
	SameUser     Signal = "sameUser"     // one account
	SameMailbox  Signal = "sameMailbox"  // one mailbox
	SameResource Signal = "sameResource" // one cloud resource
	SameObject   Signal = "sameObject"   // one registry value, service, task or file by path
	SameDevice   Signal = "sameDevice"   // one device, close in time
	SameRule     Signal = "sameRule"     // one rule, at one place or from one address
	SimilarTTP   Signal = "similarTtp"   // shared techniques
	NextStage    Signal = "nextStage"    // tactics that follow each other
)

// Weight is how much a signal counts. A full weight of 1 joins by itself.
type Weight struct {
	// Full is the weight at no distance in time for a value that is specific.
	Full float64
	// Half is the distance in time at which it has halved.
	Half time.Duration
	// Rarity is how many other incidents (or alerts of closed ones) may carry
	// the value until its weight has halved; 0 means that it does not matter.
	Rarity float64
}

// Policy holds the weights and windows of Decide. The weight of a pair of
// alerts is the sum, over the signals that they share, of
//
//	Full * 2^(-distance/Half) * Rarity/(Rarity+others that carry the value)
//
// where SimilarTTP and NextStage only add to other evidence, and evidence that
// depends on place alone is cut for rules that fire there all the time. A
// candidate weighs as much as its best pair plus Support for further pairs.
type Policy struct {
	Weights map[Signal]Weight
	// Join is the weight from which on an alert joins an incident, Merge the
	// weight that it must have with each of two incidents to merge them.
	Join, Merge float64
	// GroupsApart keeps what concerns devices of different device groups in
	// different incidents, whatever the evidence.
	GroupsApart bool
	// MergeSmall: for an incident of fewer alerts than this the weight needed
	// to merge it sinks towards Join.
	MergeSmall int
	// Window is the longest distance in time at which alerts are linked.
	Window time.Duration
	// Support is the most that further linked alerts of one candidate add.
	Support float64
	// Union is how much the evidence of a whole candidate counts beside that of
	// its best pair: an alert that shares a person with one of its alerts and an
	// address with another shares both with the story.
	Union float64
	// Routine is by how much evidence of place is cut when the rule of one
	// alert fires at that place all the time and the other's rule differs;
	// RoutineAfter is how many earlier firings, on other occasions, are half
	// way to "all the time".
	Routine, RoutineAfter float64
	// OtherUser is by how much evidence of a shared device is cut when each
	// alert names an account and none is shared.
	OtherUser float64
	// Overlap is how much of their weight device, account and session keep
	// beside the strongest of them, since they mostly say the same thing.
	Overlap float64
	// BareName is how much of its weight an account keeps that one of the
	// sources names without its domain.
	BareName float64
	// Vague is how much of its weight a thing keeps that only stood beside what
	// happened, and a device that two alerts share while each names a device of
	// its own.
	Vague float64
	// CommonDevices and CommonRules: an address, host name or file that alerts
	// of this many rules on this many devices carry outside the candidate is
	// infrastructure, and links nothing. From there on the weight of such things,
	// of devices by the number of people seen on them, and from twice as many
	// devices on of accounts, falls with their spread.
	CommonDevices, CommonRules int
	// MaxAlerts is the size from which on an incident takes alerts only on
	// evidence of process, mail, link or application, so that no place and no
	// person makes it grow for ever.
	MaxAlerts int
	// MaxEntities is how many devices, accounts, mailboxes, applications and
	// cloud resources an incident may have by merging.
	MaxEntities int
}

// DefaultPolicy is the policy in force. Its figures were chosen from the middle
// of the range in which the correlation benchmark's result hardly changes, with
// attack instances split at random into halves that had to agree.
//
//	signal        full  half    rarity  why
//	sameProcess   1.40  120 h     30    a process id is one process; long-lived hosts repeat
//	lineage       1.25  120 h     30    parent and child are one story
//	sibling       1.05  48 h      15    one shell, two commands
//	samePid       1.30  20 min     -    numbers are used again within hours
//	sameMail      1.50  96 h      20    one delivered message
//	sameUrl       1.20  96 h      20    one lure
//	sameApp       1.20  96 h      15    one consented application
//	sameSender    0.90  48 h       6    one campaign, or one talkative partner
//	sameSession   0.80  1 h       10    sessions of people last for days
//	sameFile      0.90  8 h        3    tools are shared
//	sameDomain    0.90  48 h       6    one staging or control host
//	sameIp        0.75  12 h       6    addresses are shared by proxies
//	movement      1.10  5 min     30    an account that acts on two devices at once
//	sameUser      0.80  8 h        3    people do more than one thing
//	sameMailbox   0.60  48 h       3    what happens to one mailbox
//	sameResource  0.70  24 h       3    one vault, bucket or key
//	sameObject    0.60  2 h        3    one autostart entry
//	sameDevice    1.20  15 min     -    devices do many things
//	sameRule      0.20  30 min     -    a burst of one detection
//	similarTtp    0.15  -          -    adds only
//	nextStage     0.15  -          -    adds only
func DefaultPolicy() Policy {
	return Policy{
		Weights: map[Signal]Weight{
			SameProcess:  {1.40, 120 * time.Hour, 30},
			Lineage:      {1.25, 120 * time.Hour, 30},
			Sibling:      {1.05, 48 * time.Hour, 15},
			SamePID:      {1.30, 20 * time.Minute, 0},
			SameMail:     {1.50, 96 * time.Hour, 20},
			SameURL:      {1.20, 96 * time.Hour, 20},
			SameApp:      {1.20, 96 * time.Hour, 15},
			SameSender:   {0.90, 48 * time.Hour, 6},
			SameSession:  {0.80, time.Hour, 10},
			SameFile:     {0.90, 8 * time.Hour, 3},
			SameDomain:   {0.90, 48 * time.Hour, 6},
			SameIP:       {0.75, 12 * time.Hour, 6},
			Movement:     {1.10, 5 * time.Minute, 30},
			SameUser:     {0.80, 8 * time.Hour, 3},
			SameMailbox:  {0.60, 48 * time.Hour, 3},
			SameResource: {0.70, 24 * time.Hour, 3},
			SameObject:   {0.60, 2 * time.Hour, 3},
			SameDevice:   {1.20, 15 * time.Minute, 0},
			SameRule:     {0.20, 30 * time.Minute, 0},
			SimilarTTP:   {0.15, 0, 0},
			NextStage:    {0.15, 0, 0},
		},
		Join: 1, Merge: 1.3, MergeSmall: 4, Window: 7 * 24 * time.Hour, Support: 0.08, Union: 0.9,
		Routine: 0.9, RoutineAfter: 1, OtherUser: 0.3, Overlap: 0.45, BareName: 0.7, Vague: 0.5,
		CommonDevices: 5, CommonRules: 3, MaxAlerts: 500, MaxEntities: 1000,
	}
}
