package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/lake"
)

const (
	externalTime      = 2 * time.Minute
	externalRedirects = 3
)

// openExternal lets externaldata read over HTTPS from some hosts; nil, which
// switches it off, for none. A query is written by anybody who may hunt, so
// what it names must lead neither to hosts that the administrator did not name
// nor, by the name service, into this network.
func openExternal(hosts []string) (lake.OpenExternal, error) {
	if len(hosts) == 0 {
		return nil, nil
	}
	for i, h := range hosts {
		h = strings.ToLower(strings.TrimSuffix(h, "."))
		name := strings.TrimPrefix(h, "*.")
		if name == "" || strings.ContainsAny(name, "*/:@ ") {
			return nil, tocsin.Errorf(tocsin.CodeInvalid, "%q is no name of a host for external data", hosts[i])
		}
		hosts[i] = h
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second, Control: func(_, address string, _ syscall.RawConn) error { return publicAddress(address) }}
	client := &http.Client{
		Timeout:   externalTime,
		Transport: &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 30 * time.Second, MaxIdleConns: 4, IdleConnTimeout: 30 * time.Second},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > externalRedirects {
				return errors.New("too many redirects")
			}
			return checkExternal(r.URL, hosts)
		},
	}
	return func(ctx context.Context, uri string) (io.ReadCloser, error) {
		u, err := url.Parse(uri)
		if err != nil {
			return nil, tocsin.Errorf(tocsin.CodeInvalid, "The address of external data is not a URL.")
		}
		if err := checkExternal(u, hosts); err != nil {
			return nil, err
		}
		u.Fragment, u.User = "", nil
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
		if err != nil {
			return nil, err
		}
		res, err := client.Do(r)
		if err != nil {
			return nil, err
		}
		if res.StatusCode != http.StatusOK {
			res.Body.Close()
			return nil, tocsin.Errorf(tocsin.CodeInvalid, "The external data at %s cannot be read: the server answered %d.", u.Hostname(), res.StatusCode)
		}
		return res.Body, nil
	}, nil
}

func checkExternal(u *url.URL, hosts []string) error {
	if u.Scheme != "https" || u.Port() != "" && u.Port() != "443" {
		return tocsin.Errorf(tocsin.CodeForbidden, "External data is read over HTTPS only.")
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	for _, h := range hosts {
		if below, ok := strings.CutPrefix(h, "*"); ok && strings.HasSuffix(host, below) && len(host) > len(below) || h == host {
			return nil
		}
	}
	return tocsin.Errorf(tocsin.CodeForbidden, "External data may not be read from %s; an administrator can allow the host.", host)
}

// publicAddress refuses addresses that are not of the Internet: what a name
// leads to is decided by whoever owns the name.
func publicAddress(address string) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	a := ap.Addr().Unmap()
	shared := netip.MustParsePrefix("100.64.0.0/10")
	if !a.IsGlobalUnicast() || a.IsPrivate() || shared.Contains(a) {
		return fmt.Errorf("the address %s is not one of the Internet", a)
	}
	return nil
}
