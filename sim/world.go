// Package sim is a pretend company on which Tocsin can be shown and tested: its
// people, devices and ordinary days, and one attack on it.
//
// It owns the story and the rows that sensors would write of it: everything is
// deterministic from a seed and a start time, in columns of the hunting tables,
// with ids that hold together across tables. It makes no alerts: what is found
// is found by intake, detection and correlation like anywhere else. Names are
// invented, domains end in .example and addresses are those set aside for
// documentation.
package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/tocsinhq/tocsin"
)

// World is the company at rest: who works there and on what. It does not
// change once made.
type World struct {
	Name, Domain, NetBIOS string
	Tenant                string // directory tenant id
	Subscription          string // cloud subscription id
	Egress                string // the office's public address
	People                []Person
	Devices               []Device

	seed uint64
}

// Person is an account of a human, or a human's second account for
// administration.
type Person struct {
	Given, Surname, Display string
	SAM, UPN                string
	SID, ObjectID           string
	Title, Department       string
	Manager                 int // index in People, -1 for none
	Device                  int // index in Devices, -1 for accounts without one
	Admin                   bool
}

// DeviceKind is what a device is for.
type DeviceKind string

// The kinds of devices.
const (
	Workstation      DeviceKind = "Workstation"
	Server           DeviceKind = "Server"
	DomainController DeviceKind = "DomainController"
)

// Device is a managed computer.
type Device struct {
	Short, Name string // short name, and as sensors log it
	ID          string
	Kind        DeviceKind
	OS, Build   string
	IP, MAC     string
	Owner       int // index in People, -1 for servers
}

var givenNames = strings.Fields("Aino Bilal Carmen Dario Elif Fergus Greta Hamza Ines Jonas Katya Liam Maren Nadia Oskar Priya Quentin Rosa Stellan Tomasz Ulla Viktor Wanda Xenia Yusuf Zora Anselm Brigid Cosmin Delphine")

var surnames = strings.Fields("Aalto Becker Castellan Drummond Eriksen Fontaine Gallo Haddad Ivanov Jansen Kowal Lindgren Moreau Novak Okafor Raman Petrov Quist Rossi Silva Zielinski Ulrich Varga Winther Ybarra Zeller Abbot Brandt Costa Duval")

type role struct {
	title, department string
	count             int
}

var roles = []role{
	{"Chief Executive", "Management", 1}, {"Chief Financial Officer", "Finance", 1}, {"Controller", "Finance", 2},
	{"Accounts Payable Clerk", "Finance", 3}, {"Purchasing Agent", "Purchasing", 4}, {"Sales Representative", "Sales", 9},
	{"Marketing Specialist", "Marketing", 4}, {"Design Engineer", "Engineering", 12}, {"Test Engineer", "Engineering", 6},
	{"Production Planner", "Production", 5}, {"Quality Inspector", "Production", 4}, {"HR Partner", "People", 3},
	{"System Administrator", "IT", 2}, {"Service Desk Technician", "IT", 3}, {"Security Analyst", "IT", 1},
}

var serverNames = []struct {
	name string
	kind DeviceKind
}{
	{"fnw-dc01", DomainController}, {"fnw-dc02", DomainController}, {"fnw-file01", Server}, {"fnw-sql01", Server}, {"fnw-app01", Server},
	{"fnw-bkp01", Server}, {"fnw-print01", Server}, {"fnw-sync01", Server}, {"fnw-build01", Server}, {"fnw-web01", Server},
	{"fnw-mes01", Server}, {"fnw-mes02", Server}, {"fnw-jump01", Server}, {"fnw-log01", Server}, {"fnw-wsus01", Server},
}

// The parts of the story that are named in it. People are found by title, so
// that every seed has them.
const (
	titleVictim = "Accounts Payable Clerk"
	titleAdmin  = "System Administrator"
	titleDesk   = "Service Desk Technician"
)

// Company makes the company of a seed: 60 people, 75 computers and 5 meeting
// room or spare computers, two accounts for administration.
func Company(seed uint64) *World {
	w := &World{Name: "Fennwick Instruments", Domain: "fennwick.example", NetBIOS: "FENNWICK", Egress: "198.51.100.10", seed: seed}
	w.Tenant, w.Subscription = w.guid("tenant"), w.guid("subscription")
	r := w.random("company")
	w.hire(r)
	for i, s := range serverNames {
		w.addDevice(s.name, s.kind, -1, fmt.Sprintf("10.20.0.%d", 10+i))
	}
	for i := range w.People {
		if w.People[i].Admin {
			continue
		}
		w.People[i].Device = w.addDevice(fmt.Sprintf("fnw-ws%03d", i+1), Workstation, i, fmt.Sprintf("10.20.8.%d", 20+i))
	}
	for i := range 5 {
		w.addDevice(fmt.Sprintf("fnw-room%02d", i+1), Workstation, -1, fmt.Sprintf("10.20.9.%d", 20+i))
	}
	return w
}

func (w *World) hire(r *rand.Rand) {
	taken := map[string]bool{}
	for _, ro := range roles {
		for range ro.count {
			for {
				g, s := givenNames[r.IntN(len(givenNames))], surnames[r.IntN(len(surnames))]
				sam := strings.ToLower(g[:1] + s)
				if taken[sam] {
					continue
				}
				taken[sam] = true
				w.addPerson(Person{Given: g, Surname: s, Display: g + " " + s, SAM: sam, Title: ro.title, Department: ro.department})
				break
			}
		}
	}
	for i := range w.People {
		w.People[i].Manager = 0
	}
	w.People[0].Manager = -1
	// Administrators work with a second account.
	for i, n := 0, len(w.People); i < n; i++ {
		if p := w.People[i]; p.Title == titleAdmin {
			w.addPerson(Person{Given: p.Given, Surname: p.Surname, Display: p.Display + " (admin)", SAM: "adm-" + p.SAM, Title: "Administrator account",
				Department: p.Department, Manager: i, Admin: true})
		}
	}
}

func (w *World) addPerson(p Person) {
	n := len(w.People)
	p.UPN = p.SAM + "@" + w.Domain
	p.SID = fmt.Sprintf("S-1-5-21-%d-%d-%d-%d", w.number("sid1", 1<<31), w.number("sid2", 1<<31), w.number("sid3", 1<<31), 1104+n)
	p.ObjectID = w.guid("person " + p.SAM)
	p.Device = -1
	w.People = append(w.People, p)
}

func (w *World) addDevice(short string, kind DeviceKind, owner int, ip string) int {
	d := Device{Short: short, Name: short + "." + w.Domain, ID: tocsin.DeviceID(short), Kind: kind, Owner: owner, IP: ip, OS: "Windows11", Build: "26100"}
	if kind != Workstation {
		d.OS, d.Build = "WindowsServer2022", "20348"
	}
	h := w.hash("mac " + short)
	d.MAC = fmt.Sprintf("02-%02X-%02X-%02X-%02X-%02X", h[0], h[1], h[2], h[3], h[4])
	w.Devices = append(w.Devices, d)
	return len(w.Devices) - 1
}

// person is the n-th person with a title.
func (w *World) person(title string, n int) *Person {
	for i := range w.People {
		if w.People[i].Title == title {
			if n == 0 {
				return &w.People[i]
			}
			n--
		}
	}
	panic("sim: nobody is a " + title)
}

// adminOf is the second account of a person.
func (w *World) adminOf(p *Person) *Person {
	for i := range w.People {
		if w.People[i].SAM == "adm-"+p.SAM {
			return &w.People[i]
		}
	}
	panic("sim: " + p.SAM + " has no account for administration")
}

func (w *World) device(short string) *Device {
	for i := range w.Devices {
		if w.Devices[i].Short == short {
			return &w.Devices[i]
		}
	}
	panic("sim: no device " + short)
}

func (w *World) deviceOf(p *Person) *Device { return &w.Devices[p.Device] }

// random is a source of randomness of its own for one purpose, so that a change
// in one part of the story leaves the others as they were.
func (w *World) random(purpose string) *rand.Rand {
	h := w.hash("random " + purpose)
	return rand.New(rand.NewPCG(binary.LittleEndian.Uint64(h[:8]), binary.LittleEndian.Uint64(h[8:16])))
}

func (w *World) hash(s string) [32]byte {
	return sha256.Sum256([]byte(strconv.FormatUint(w.seed, 10) + "/" + s))
}

func (w *World) number(s string, below uint64) uint64 {
	h := w.hash(s)
	return binary.LittleEndian.Uint64(h[:8]) % below
}

func (w *World) guid(s string) string {
	h := w.hash("guid " + s)
	h[6], h[8] = h[6]&0x0f|0x40, h[8]&0x3f|0x80
	x := hex.EncodeToString(h[:16])
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}
