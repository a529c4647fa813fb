package store

import (
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
)

// maxKeyText bounds what is hashed twice: a longer key (a path, a query) is
// known by the hash of its id, as it was when keys were kept as texts.
const maxKeyText = 120

func keyText(k tocsin.EntityKey) string {
	if len(k.Type)+1+len(k.ID) <= maxKeyText {
		return k.String()
	}
	sum := sha256.Sum256([]byte(k.ID))
	return string(k.Type) + ":#" + hex.EncodeToString(sum[:20])
}

// KeyNumber is the number that a key is counted and found under. It is made
// from a hash of the key, so two keys could share one: what is found by number
// is compared by the keys themselves (correlate does), and a count that is too
// high by chance is one in ten thousand million. Numbers of one type of entity
// lie together, and those of keys that are made for a stretch of time lie in the
// order of time: what is written together is then on few pages of the database,
// however long the history.
func KeyNumber(k tocsin.EntityKey) int64 { return keyNumber(keyText(k)) }

func keyNumber(text string) int64 {
	if text == "" {
		return 0 // all alerts
	}
	sum := sha256.Sum256([]byte(text))
	typ, id, _ := strings.Cut(text, ":")
	h := int64(binary.BigEndian.Uint64(sum[:8]))
	if typ == string(tocsin.EntityOther) && strings.HasPrefix(id, "rule/") {
		// correlate's keys of a rule at a place, of all times or of one slot.
		if slot, err := strconv.ParseUint(id[strings.LastIndexByte(id, '/')+1:], 10, 32); err == nil {
			return classSlot<<56 | int64(slot&(1<<24-1))<<32 | h&(1<<32-1)
		}
		return classRule<<56 | h&(1<<56-1)
	}
	return keyClass(typ)<<56 | h&(1<<56-1)
}

// The classes are part of what is stored; they may be added to, not changed.
const (
	classRule = 0x60
	classSlot = 0x61
)

func keyClass(typ string) int64 {
	switch tocsin.EntityType(typ) {
	case tocsin.EntityDevice:
		return 1
	case tocsin.EntityUser:
		return 2
	case tocsin.EntityProcess:
		return 3
	case tocsin.EntityFile:
		return 4
	case tocsin.EntityIP:
		return 5
	case tocsin.EntityURL:
		return 6
	case tocsin.EntityDomain:
		return 7
	case tocsin.EntityMail:
		return 8
	case tocsin.EntityMailbox:
		return 9
	case tocsin.EntityRegistry:
		return 10
	case tocsin.EntityLogonSession:
		return 11
	}
	return 0x50
}

func packKeys(keys []int64) []byte {
	out := make([]byte, 0, 8*len(keys))
	for _, k := range keys {
		out = binary.BigEndian.AppendUint64(out, uint64(k))
	}
	return out
}

func unpackKeys(b []byte) []int64 {
	out := make([]int64, 0, len(b)/8)
	for ; len(b) >= 8; b = b[8:] {
		out = append(out, int64(binary.BigEndian.Uint64(b)))
	}
	return out
}

// OpenAlert is an alert of an open incident, as the search for candidates needs
// it.
type OpenAlert struct {
	ID         string
	IncidentID int64
	Last       time.Time // its last activity
	Keys       []int64   // KeyNumber of what it is found by
}

const openStatuses = `NOT IN ('resolved', 'redirected')`

// OpenAlerts are the alerts of the tenant's open incidents, and how those
// stand: of the newest incidents first, at most limit alerts.
func (tx *Tx) OpenAlerts(limit int) ([]OpenAlert, map[int64]Standing, error) {
	return tx.openAlerts(`i.status `+openStatuses+` ORDER BY i.id DESC, a.no LIMIT $2`, limit)
}

// OpenAlertsOf are those of one incident, newest alerts first, at most limit;
// none when it is not open.
func (tx *Tx) OpenAlertsOf(incidentID int64, limit int) ([]OpenAlert, map[int64]Standing, error) {
	return tx.openAlerts(`i.id = $2 AND i.status `+openStatuses+` ORDER BY a.no DESC LIMIT $3`, incidentID, limit)
}

func (tx *Tx) openAlerts(where string, args ...any) (out []OpenAlert, of map[int64]Standing, err error) {
	of = map[int64]Standing{}
	rows, err := tx.query(`SELECT i.id, i.status, i.assigned_to, i.classification, i.determination, i.created, i.alert_count, a.id, a.last_activity, b.keys
		FROM incident AS i JOIN alert AS a ON a.tenant = i.tenant AND a.incident_id = i.id JOIN alert_body AS b ON b.tenant = a.tenant AND b.no = a.no
		WHERE i.tenant = $1 AND `+where, args...)
	err = each(rows, err, func(rows *sql.Rows) error {
		var a OpenAlert
		var st Standing
		var created, last int64
		var keys []byte
		err := rows.Scan(&a.IncidentID, &st.Status, &st.AssignedTo, &st.Classification, &st.Determination, &created, &st.AlertCount, &a.ID, &last, &keys)
		st.Created, a.Last, a.Keys = fromMicros(created), fromMicros(last), unpackKeys(keys)
		of[a.IncidentID] = st
		out = append(out, a)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read the alerts of open incidents: %w", err)
	}
	return out, of, nil
}

// ChangedIncidents are the incidents that the lines of the record after seq are
// about, and whether one of those lines is about an alert of them; at most limit
// lines are read, and all is false when there are more.
func (tx *Tx) ChangedIncidents(after int64, limit int) (ids []int64, alerts, all bool, err error) {
	n := 0
	seen := map[int64]bool{}
	rows, err := tx.query(`SELECT noun_id, alert_id FROM change WHERE tenant = $1 AND seq > $2 AND noun = 'incident' ORDER BY seq LIMIT $3`, after, limit+1)
	err = each(rows, err, func(rows *sql.Rows) error {
		var text, alertID string
		if err := rows.Scan(&text, &alertID); err != nil {
			return err
		}
		n++
		alerts = alerts || alertID != ""
		id, err := strconv.ParseInt(text, 10, 64)
		if err == nil && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
		return nil
	})
	if err != nil {
		return nil, false, false, fmt.Errorf("read what changed since line %d: %w", after, err)
	}
	return ids, alerts, n <= limit, nil
}
