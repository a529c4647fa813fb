package auth

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/tocsinhq/tocsin"
)

// Cost is what one password hash costs. It is stored with each hash, so it can
// be raised at any time: an account moves to the new cost at its next sign-in.
type Cost struct {
	MemoryKiB uint32
	Passes    uint32
	Lanes     uint8
}

// DefaultCost takes 64 MiB and about a tenth of a second of one core.
var DefaultCost = Cost{MemoryKiB: 64 << 10, Passes: 2, Lanes: 1}

const (
	saltBytes = 16
	hashBytes = 32
	// Hashes come from the database. These bounds keep an edited row from
	// making one sign-in take all memory.
	maxCostMemoryKiB = 1 << 20
	maxCostPasses    = 16
	maxCostLanes     = 16

	// MinPasswordRunes and MaxPasswordBytes bound a password.
	MinPasswordRunes = 12
	MaxPasswordBytes = 256
)

// hasher makes and checks password hashes, a few at a time: memory is cost
// times slots however many people, or attackers, sign in at once.
type hasher struct {
	cost  Cost
	slots chan struct{}
	wait  time.Duration // longest time in the queue for a slot
	rand  io.Reader
	// decoy is what the password of an unknown account is checked against, so
	// that its answer takes as long as that of a known one.
	decoy string
	runs  atomic.Int64 // hashes computed, for the test that unknown accounts cost one too
}

func newHasher(cost Cost, slots int, random io.Reader) (*hasher, error) {
	h := &hasher{cost: cost, slots: make(chan struct{}, slots), wait: 10 * time.Second, rand: random}
	decoy, err := h.hash(context.Background(), "no account has this password")
	if err != nil {
		return nil, err
	}
	h.decoy = decoy
	return h, nil
}

func (h *hasher) acquire(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, h.wait)
	defer cancel()
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &tocsin.Error{Code: tocsin.CodeUnavailable, Msg: "too many sign-ins at once; try again in a moment", Err: ctx.Err()}
	}
}

func (h *hasher) release() { <-h.slots }

// hash is the password in PHC form: $argon2id$v=19$m=..,t=..,p=..$salt$hash.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltBytes)
	if _, err := io.ReadFull(h.rand, salt); err != nil {
		return "", fmt.Errorf("salt for a password: %w", err)
	}
	if err := h.acquire(ctx); err != nil {
		return "", err
	}
	defer h.release()
	h.runs.Add(1)
	key := argon2.IDKey([]byte(password), salt, h.cost.Passes, h.cost.MemoryKiB, h.cost.Lanes, hashBytes)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.cost.MemoryKiB, h.cost.Passes, h.cost.Lanes,
		b64.EncodeToString(salt), b64.EncodeToString(key)), nil
}

// verify reports whether password made encoded, and whether the hash should be
// made anew because its cost is not the present one. An encoded of "" or one
// that cannot be read costs the same time and never matches.
func (h *hasher) verify(ctx context.Context, password, encoded string) (ok, stale bool, err error) {
	p, perr := parseHash(encoded)
	if perr != nil {
		p, _ = parseHash(h.decoy)
	}
	if err := h.acquire(ctx); err != nil {
		return false, false, err
	}
	defer h.release()
	if len(password) > MaxPasswordBytes {
		password = password[:MaxPasswordBytes] // cannot match: none so long was ever set
		perr = errHash
	}
	h.runs.Add(1)
	key := argon2.IDKey([]byte(password), p.salt, p.cost.Passes, p.cost.MemoryKiB, p.cost.Lanes, uint32(len(p.key)))
	match := subtle.ConstantTimeCompare(key, p.key) == 1
	return match && perr == nil, p.cost != h.cost, nil
}

type parsedHash struct {
	cost      Cost
	salt, key []byte
}

var errHash = fmt.Errorf("not a password hash")

func parseHash(s string) (parsedHash, error) {
	var p parsedHash
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return p, errHash
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.cost.MemoryKiB, &p.cost.Passes, &p.cost.Lanes); n != 3 || err != nil {
		return p, errHash
	}
	c := p.cost
	if c.MemoryKiB < 8 || c.MemoryKiB > maxCostMemoryKiB || c.Passes < 1 || c.Passes > maxCostPasses || c.Lanes < 1 || c.Lanes > maxCostLanes {
		return p, errHash
	}
	var err error
	if p.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil || len(p.salt) < 8 || len(p.salt) > 64 {
		return p, errHash
	}
	if p.key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil || len(p.key) < 16 || len(p.key) > 64 {
		return p, errHash
	}
	return p, nil
}

// checkPassword reports why a new password is not good enough.
func checkPassword(userName, password string) error {
	switch {
	case !utf8.ValidString(password):
		return tocsin.Errorf(tocsin.CodeInvalid, "the password is not valid text")
	case utf8.RuneCountInString(password) < MinPasswordRunes:
		return tocsin.Errorf(tocsin.CodeInvalid, "the password needs at least %d characters", MinPasswordRunes)
	case len(password) > MaxPasswordBytes:
		return tocsin.Errorf(tocsin.CodeInvalid, "the password is longer than %d bytes", MaxPasswordBytes)
	case strings.Contains(strings.ToLower(password), strings.ToLower(userName)) && len(password) < 2*len(userName)+8:
		return tocsin.Errorf(tocsin.CodeInvalid, "the password must not be made of the user name")
	}
	distinct := map[rune]bool{}
	for _, r := range password {
		distinct[r] = true
	}
	if len(distinct) < 5 {
		return tocsin.Errorf(tocsin.CodeInvalid, "the password repeats too few characters")
	}
	return nil
}

// passwordAlphabet leaves out what people misread: 0 O 1 l I.
const passwordAlphabet = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"

// generatePassword is 24 characters in groups of six, about 139 bits.
func generatePassword(random io.Reader) (string, error) {
	var b strings.Builder
	for i := range 24 {
		if i > 0 && i%6 == 0 {
			b.WriteByte('-')
		}
		n, err := uniform(random, len(passwordAlphabet))
		if err != nil {
			return "", err
		}
		b.WriteByte(passwordAlphabet[n])
	}
	return b.String(), nil
}

// uniform is a number below n, without the bias of a plain remainder.
func uniform(random io.Reader, n int) (int, error) {
	limit := 256 - 256%n
	var one [1]byte
	for {
		if _, err := io.ReadFull(random, one[:]); err != nil {
			return 0, fmt.Errorf("random number: %w", err)
		}
		if int(one[0]) < limit {
			return int(one[0]) % n, nil
		}
	}
}

// CanonicalUserName is the one spelling of a user name: lower case ASCII
// letters, digits and . _ - @ +, at most 128 of them. Nothing else is taken, so
// that no two accounts can look alike.
func CanonicalUserName(s string) (string, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	if s == "" || len(s) > 128 {
		return "", tocsin.Errorf(tocsin.CodeInvalid, "a user name has 1 to 128 characters")
	}
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= '0' && r <= '9'
		if !letter && (i == 0 || !strings.ContainsRune("._-@+", r)) {
			return "", tocsin.Errorf(tocsin.CodeInvalid, "a user name starts with a letter or digit and holds letters, digits and . _ - @ + only")
		}
	}
	return s, nil
}

// checkName takes a name for people: printable, without controls and without
// the characters that turn the direction of text.
func checkName(what, s string, limit int) (string, error) {
	s = strings.TrimSpace(s)
	if utf8.RuneCountInString(s) > limit || !utf8.ValidString(s) {
		return "", tocsin.Errorf(tocsin.CodeInvalid, "%s is longer than %d characters or not valid text", what, limit)
	}
	for _, r := range s {
		if !unicode.IsPrint(r) || unicode.Is(unicode.Bidi_Control, r) {
			return "", tocsin.Errorf(tocsin.CodeInvalid, "%s holds a character that cannot be shown", what)
		}
	}
	return s, nil
}
