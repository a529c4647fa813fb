package tocsin

import (
	"strings"
	"time"
)

// OwnerGroup is a group of people that incidents and alerts can be assigned to.
// Its ID never changes; the owner's text is GroupOwner of it.
type OwnerGroup struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Members     []string  `json:"members"` // user names
	Created     time.Time `json:"created"`
}

// Limits of groups: how many a tenant has, members of each, characters of a
// name and of a description.
const (
	MaxOwnerGroups       = 200
	MaxGroupMembers      = 1000
	MaxGroupNameRunes    = 100
	MaxGroupDescribRunes = 1000
)

const groupPrefix = "group:"

// GroupOwner is the owner's text of a group: no user name holds a colon.
func GroupOwner(id string) string { return groupPrefix + id }

// OwnerGroupID is the id of the group in an owner's text, false for a person.
func OwnerGroupID(owner string) (id string, ok bool) { return strings.CutPrefix(owner, groupPrefix) }
