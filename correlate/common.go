package correlate

import (
	"net/netip"
	"strings"

	"github.com/tocsinhq/tocsin"
)

// commonProcesses are programs that every host runs for as long as it is up:
// one process of theirs serves unrelated work for weeks, so that sharing it
// says nothing. The list is short on purpose: what is common in one
// organisation only is measured, by Prevalence.
var commonProcesses = map[string]bool{
	// Windows: kernel, session and service hosts, shell, indexer, management hosts.
	"system": true, "registry": true, "smss.exe": true, "csrss.exe": true, "wininit.exe": true, "winlogon.exe": true,
	"services.exe": true, "lsass.exe": true, "lsaiso.exe": true, "svchost.exe": true, "taskhost.exe": true, "taskhostw.exe": true,
	"taskhostex.exe": true, "explorer.exe": true, "dwm.exe": true, "fontdrvhost.exe": true, "sihost.exe": true, "userinit.exe": true,
	"spoolsv.exe": true, "searchindexer.exe": true, "runtimebroker.exe": true, "wmiprvse.exe": true,
	"msmpeng.exe": true, "mssense.exe": true, "sysmon.exe": true, "sysmon64.exe": true, "monitoringhost.exe": true, "vmtoolsd.exe": true,
	// Linux and macOS.
	"systemd": true, "init": true, "launchd": true, "sshd": true, "cron": true, "crond": true, "dockerd": true, "containerd": true,
}

func commonProcess(image string) bool {
	image = strings.ToLower(image)
	if i := strings.LastIndexAny(image, `\/`); i >= 0 {
		image = image[i+1:]
	}
	return commonProcesses[image]
}

// commonFile: what the operating system brings is on every host, whatever an
// attacker does with it, so neither its hash nor its path links.
func commonFile(filePath, name string) bool {
	if commonProcess(name) {
		return true
	}
	p := tocsin.CanonicalPath(filePath)
	if len(p) > 2 && p[1] == ':' {
		p = p[2:]
	}
	for _, dir := range systemFolders {
		if strings.HasPrefix(p, dir) {
			return true
		}
	}
	return false
}

var systemFolders = []string{"/windows/system32/", "/windows/syswow64/", "/windows/winsxs/", "/windows/assembly/", "/windows/microsoft.net/",
	"/windows/explorer.exe", "/windows/hh.exe", "/windows/regedit.exe", "/usr/bin/", "/bin/", "/sbin/", "/usr/sbin/", "/usr/lib/", "/lib/"}

// commonNames are account names that every other domain has, too.
var commonNames = map[string]bool{"administrator": true, "admin": true, "guest": true, "root": true, "user": true, "test": true, "service": true, "krbtgt": true}

// commonIP: addresses that name no peer of their own.
func commonIP(s string) bool {
	a, err := netip.ParseAddr(s)
	return err != nil || a.IsLoopback() || a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast() || s == "255.255.255.255"
}

// commonDomains are hosts that are reached from everywhere at all times.
var commonDomains = []string{"microsoft.com", "windowsupdate.com", "office.com", "office365.com", "microsoftonline.com", "live.com",
	"sharepoint.com", "google.com", "gstatic.com", "googleapis.com", "amazonaws.com", "apple.com", "akamai.net", "digicert.com", "localhost"}

func commonDomain(d string) bool {
	for _, c := range commonDomains {
		if d == c || strings.HasSuffix(d, "."+c) {
			return true
		}
	}
	return false
}
