package app

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/store"
)

// The head of the record is handed to places outside of the data folder, so
// that whoever owns the folder cannot cut the end of the record, or write it
// anew, without being seen.

// Heads says where the head of the record is published; nowhere when all three
// are "".
type Heads struct {
	File    string // a line for each head is appended to this file
	Syslog  string // udp://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT, RFC 5424
	Webhook string // posted there; https, or http on this machine
	// Every is the longest time between two heads when something changed, 10
	// minutes when 0; After is how many changes make one due earlier, 1,000
	// when 0.
	Every time.Duration
	After int64
}

const (
	headsKind    = "record.publish"
	headsTimeout = 10 * time.Second
	headsLook    = 2 * time.Second // between looks at how much changed
	minHeads     = time.Second
)

func (h Heads) on() bool { return h.File != "" || h.Syslog != "" || h.Webhook != "" }

// Check is an error of CodeInvalid that names what cannot be published to.
func (h Heads) Check() error {
	if h.Syslog != "" {
		if _, _, err := syslogAddress(h.Syslog); err != nil {
			return err
		}
	}
	if h.Webhook != "" {
		u, err := url.Parse(h.Webhook)
		if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !Loopback(u.Hostname())) {
			return tocsin.Errorf(tocsin.CodeInvalid, "the record's webhook must be an https address, or http on this machine")
		}
	}
	if h.Every < 0 || h.Every > 0 && h.Every < minHeads || h.After < 0 {
		return tocsin.Errorf(tocsin.CodeInvalid, "heads are published every second at most often")
	}
	return nil
}

func syslogAddress(text string) (network, address string, err error) {
	u, err := url.Parse(text)
	if err != nil || u.Port() == "" || u.Hostname() == "" || u.Scheme != "udp" && u.Scheme != "tcp" && u.Scheme != "tls" {
		return "", "", tocsin.Errorf(tocsin.CodeInvalid, "the record's syslog is written udp://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT")
	}
	return u.Scheme, u.Host, nil
}

// publishedHead is a head as it is published.
type publishedHead struct {
	Seq  int64     `json:"seq"`
	Hash string    `json:"hash"`
	At   time.Time `json:"at"`
	// Key and Signature are of the installation's Ed25519 key, over
	// "SEQ:HASH:AT", base64.
	Key       string `json:"key"`
	Signature string `json:"signature"`
}

func (h *publishedHead) signed() []byte {
	return fmt.Appendf(nil, "%d:%s:%s", h.Seq, h.Hash, h.At.Format(time.RFC3339Nano))
}

// valid reports whether the signature is that of the key which the head names.
func (h *publishedHead) valid() bool {
	key, err := base64.StdEncoding.DecodeString(h.Key)
	sig, err2 := base64.StdEncoding.DecodeString(h.Signature)
	return err == nil && err2 == nil && len(key) == ed25519.PublicKeySize && ed25519.Verify(key, h.signed(), sig)
}

// publisher publishes heads.
type publisher struct {
	cfg  Heads
	st   *store.Store
	key  ed25519.PrivateKey
	now  func() time.Time
	log  *slog.Logger
	http *http.Client
	tls  *tls.Config // nil for the system's roots
}

func newPublisher(cfg Heads, data string, st *store.Store, now func() time.Time, log *slog.Logger) (*publisher, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if cfg.Every == 0 {
		cfg.Every = 10 * time.Minute
	}
	if cfg.After == 0 {
		cfg.After = 1000
	}
	key, err := recordKey(data)
	if err != nil {
		return nil, err
	}
	return &publisher{cfg: cfg, st: st, key: key, now: now, log: log, http: &http.Client{Timeout: headsTimeout,
		// Wherever a redirect leads, it is not where the operator wanted it.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}, nil
}

// recordKey reads the key that signs heads, and makes it first when there is
// none.
func recordKey(data string) (ed25519.PrivateKey, error) {
	path := filepath.Join(data, "record.key")
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return nil, err
		}
		return key, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
	}
	if err != nil {
		return nil, err
	}
	if block, _ := pem.Decode(text); block != nil {
		if k, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			if key, ok := k.(ed25519.PrivateKey); ok {
				return key, nil
			}
		}
	}
	return nil, fmt.Errorf("%s holds no Ed25519 key", path)
}

// run is the job: the newest head goes to each place that does not have it.
// What failed is tried again by the runner.
func (p *publisher) run(ctx context.Context, job store.Claim) error {
	if job.Tenant != tocsin.DefaultTenant {
		return nil // the record is one, over all tenants
	}
	m, _, err := p.st.ChainHead(ctx)
	if err != nil || m.Seq == 0 {
		return err
	}
	h := publishedHead{Seq: m.Seq, Hash: m.Hash, At: p.now().UTC().Truncate(time.Microsecond), Key: base64.StdEncoding.EncodeToString(p.key.Public().(ed25519.PublicKey))}
	h.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(p.key, h.signed()))
	line, err := json.Marshal(h)
	if err != nil {
		return err
	}
	var failed []error
	for _, to := range []struct {
		name, address string
		send          func(context.Context, []byte) error
	}{{"file", p.cfg.File, p.toFile}, {"syslog", p.cfg.Syslog, p.toSyslog}, {"webhook", p.cfg.Webhook, p.toWebhook}} {
		if to.address == "" {
			continue
		}
		last, err := p.published(ctx, to.name)
		if err == nil && last > m.Seq {
			p.log.Error("the record is shorter than what was published of it: its end was cut off", "to", to.name, "published", last, "now", m.Seq)
		}
		if err == nil && last < m.Seq {
			if err = to.send(ctx, line); err == nil {
				err = p.note(ctx, to.name, m.Seq)
			}
		}
		if err != nil {
			p.log.Warn("the head of the record was not published", "to", to.name, "error", err)
			failed = append(failed, fmt.Errorf("publish the head to the %s: %w", to.name, err))
		}
	}
	return errors.Join(failed...)
}

// What each place has is kept beside the record, but is no change: or every
// head would make the next one due.
func metaOf(place string) string { return "record.published." + place }

func (p *publisher) published(ctx context.Context, place string) (seq int64, err error) {
	err = p.st.View(ctx, func(tx *store.Tx) error {
		v, found, err := tx.Meta(metaOf(place))
		if err == nil && found {
			seq, err = strconv.ParseInt(v, 10, 64)
		}
		return err
	})
	return seq, err
}

func (p *publisher) note(ctx context.Context, place string, seq int64) error {
	return p.st.Update(ctx, func(tx *store.Tx) error { return tx.PutMeta(metaOf(place), strconv.FormatInt(seq, 10)) })
}

// watch makes the job due when enough changed, until ctx ends.
func (p *publisher) watch(ctx context.Context) error {
	ctx = tocsin.WithPrincipal(ctx, tocsin.System(tocsin.DefaultTenant, "tocsin"))
	tick := time.NewTicker(headsLook)
	defer tick.Stop()
	start, _, err := p.st.ChainHead(ctx)
	for asked := start.Seq; err == nil; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		asked, err = p.due(ctx, asked)
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// due makes the job due when enough changed since a number of the record, and
// returns the number from which on to count.
func (p *publisher) due(ctx context.Context, since int64) (int64, error) {
	now, _, err := p.st.ChainHead(ctx)
	if err != nil || now.Seq < since+p.cfg.After {
		return since, err
	}
	return now.Seq, p.st.Update(ctx, func(tx *store.Tx) error { return tx.Enqueue(store.Job{Kind: headsKind, Key: "changes"}) })
}

func (p *publisher) toFile(_ context.Context, line []byte) (err error) {
	f, err := os.OpenFile(p.cfg.File, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	if _, err = f.Write(append(line, '\n')); err != nil {
		return err
	}
	return f.Sync()
}

// toSyslog sends one message of RFC 5424, facility 13 (log audit), severity
// notice; over TCP and TLS with its length in front, as RFC 5425 and 6587 have it.
func (p *publisher) toSyslog(ctx context.Context, line []byte) (err error) {
	network, address, err := syslogAddress(p.cfg.Syslog)
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "-"
	}
	msg := fmt.Sprintf("<%d>1 %s %s tocsin - recordHead - %s", 13*8+5, p.now().UTC().Format("2006-01-02T15:04:05.000000Z"), host, line)
	ctx, cancel := context.WithTimeout(ctx, headsTimeout)
	defer cancel()
	var conn net.Conn
	if network == "tls" {
		conn, err = (&tls.Dialer{Config: p.tls}).DialContext(ctx, "tcp", address)
	} else {
		conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
	}
	if err != nil {
		return err
	}
	defer func() {
		if e := conn.Close(); err == nil {
			err = e
		}
	}()
	if network != "udp" {
		msg = fmt.Sprintf("%d %s", len(msg), msg)
	}
	if err := conn.SetDeadline(time.Now().Add(headsTimeout)); err != nil {
		return err
	}
	_, err = io.WriteString(conn, msg)
	return err
}

func (p *publisher) toWebhook(ctx context.Context, line []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.cfg.Webhook, bytes.NewReader(line))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "tocsin")
	res, err := p.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection can be used again
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("the webhook answered %s", res.Status)
	}
	return nil
}
