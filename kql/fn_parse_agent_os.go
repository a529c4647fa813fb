package kql

import "strings"

// windowsNT are the names of the versions of Windows by those of its kernel.
var windowsNT = map[agentVersion]agentVersion{
	"10.0": "10", "6.4": "10", "6.3": "8.1", "6.2": "8", "6.1": "7", "6.0": "Vista", "5.2": "XP", "5.1": "XP", "5.01": "2000", "5.0": "2000", "4.0": "NT 4.0",
}

// agentSystems are those whose version stands after their mark.
var agentSystems = []agentRule{
	{"Windows Phone OS ", "Windows Phone"}, {"Windows Phone ", "Windows Phone"}, {"CrOS x86_64 ", "Chrome OS"}, {"CrOS aarch64 ", "Chrome OS"}, {"CrOS armv7l ", "Chrome OS"},
	{"SymbianOS/", "Symbian OS"}, {"Symbian/", "Symbian OS"}, {"Tizen ", "Tizen"}, {"KAIOS/", "KaiOS"}, {"HarmonyOS ", "HarmonyOS"}, {"BB10; Touch", "BlackBerry OS"},
	{"BlackBerry", "BlackBerry OS"}, {"Android ", "Android"}, {"Android/", "Android"}, {"Android-", "Android"}, {"Android", "Android"},
}

// agentUnixes come after the phones, which say that they are Linux as well.
var agentUnixes = []agentRule{
	{"Ubuntu/", "Ubuntu"}, {"Ubuntu", "Ubuntu"}, {"Fedora/", "Fedora"}, {"Fedora", "Fedora"}, {"Debian", "Debian"}, {"Red Hat", "Red Hat"}, {"CentOS", "CentOS"},
	{"FreeBSD ", "FreeBSD"}, {"FreeBSD", "FreeBSD"}, {"OpenBSD ", "OpenBSD"}, {"NetBSD ", "NetBSD"}, {"SunOS ", "Solaris"}, {"Linux", "Linux"}, {"linux", "Linux"},
}

func agentOS(s string) (string, agentVersion) {
	for _, r := range agentSystems {
		if v, ok := versionAfter(s, r.mark); ok {
			return r.family, v
		}
	}
	if isAppleMobile(s) || strings.Contains(s, "Outlook-iOS") {
		v, _ := appleOS(s)
		return "iOS", v
	}
	if v, ok := versionAfter(s, "Windows NT "); ok {
		if name, ok := windowsNT[v]; ok {
			return "Windows", name
		}
		return "Windows NT", v
	}
	for _, r := range []agentRule{{"Windows 98", "98"}, {"Windows 95", "95"}, {"Windows CE", "CE"}} {
		if strings.Contains(s, r.mark) {
			return "Windows", agentVersion(r.family)
		}
	}
	for _, mark := range []string{"Mac OS X ", "macOS ", "macOS/"} {
		if v, ok := versionAfter(s, mark); ok {
			return "Mac OS X", v
		}
	}
	switch {
	case strings.Contains(s, "Macintosh"), strings.Contains(s, "Darwin/") && strings.Contains(s, "x86_64"):
		return "Mac OS X", ""
	case strings.Contains(s, "CFNetwork/"):
		return "iOS", ""
	case strings.Contains(s, "Windows"), strings.HasPrefix(s, "Microsoft"):
		return "Windows", ""
	}
	for _, r := range agentUnixes {
		if v, ok := versionAfter(s, r.mark); ok {
			return r.family, v
		}
	}
	return "Other", ""
}

// agentBrands are the makers of Android devices by how their models begin.
var agentBrands = []struct{ prefix, brand string }{
	{"SM-", "Samsung"}, {"GT-", "Samsung"}, {"SAMSUNG", "Samsung"}, {"Pixel", "Google"}, {"Nexus", "Google"}, {"Nokia", "Nokia"}, {"HUAWEI", "Huawei"}, {"Redmi", "XiaoMi"},
	{"Mi ", "XiaoMi"}, {"MI ", "XiaoMi"}, {"POCO", "XiaoMi"}, {"moto", "Motorola"}, {"Moto", "Motorola"}, {"XT1", "Motorola"}, {"LM-", "LG"}, {"LG-", "LG"}, {"ONEPLUS", "OnePlus"},
	{"OnePlus", "OnePlus"}, {"CPH", "Oppo"}, {"RMX", "Realme"}, {"vivo", "vivo"}, {"ASUS_", "Asus"}, {"HTC", "HTC"}, {"Lenovo", "Lenovo"}, {"KF", "Amazon"},
}

func agentDevice(s string) (family, brand, model string) {
	for _, r := range agentCrawlers {
		if strings.Contains(s, r.mark) {
			return "Spider", "Spider", "Desktop"
		}
	}
	for _, name := range []string{"iPhone", "iPad", "iPod"} {
		if at := strings.Index(s, name); at >= 0 && !strings.Contains(s, "Windows Phone") {
			model := appleModel(s, name)
			return model, "Apple", model
		}
	}
	if model := androidModel(s); model != "" {
		for _, b := range agentBrands {
			if !strings.HasPrefix(model, b.prefix) {
				continue
			}
			switch b.brand {
			case "Samsung":
				model = strings.TrimLeft(strings.TrimPrefix(model, "SAMSUNG"), " -")
				return "Samsung " + model, b.brand, model
			case "Huawei", "Nokia", "HTC", "Lenovo", "OnePlus", "vivo", "Motorola", "LG", "Asus", "Oppo", "Realme":
				bare := strings.TrimLeft(strings.TrimPrefix(model, b.prefix), " _-")
				if b.prefix == "CPH" || b.prefix == "RMX" || b.prefix == "XT1" || b.prefix == "LM-" || bare == "" {
					bare = model
				}
				return b.brand + " " + bare, b.brand, bare
			}
			return model, b.brand, model
		}
		return model, "Generic_Android", model
	}
	if at := strings.Index(s, "Nokia"); at >= 0 {
		model := s[at+len("Nokia"):]
		if end := strings.IndexAny(model, "/ ;)"); end >= 0 {
			model = model[:end]
		}
		family, _, _ := strings.Cut(model, "-")
		return strings.TrimSpace("Nokia " + family), "Nokia", model
	}
	switch {
	case strings.Contains(s, "Macintosh"), strings.Contains(s, "Mac OS X"):
		return "Mac", "Apple", "Mac"
	case strings.Contains(s, "Android") && strings.Contains(s, "Mobile"):
		return "Generic Smartphone", "Generic", "Smartphone"
	case strings.Contains(s, "Android"):
		return "Generic Tablet", "Generic", "Tablet"
	}
	return "Other", "", ""
}

// appleModel is iPhone, or iPhone14,2 where the device says it.
func appleModel(s, name string) string {
	for rest := s; ; {
		at := strings.Index(rest, name)
		if at < 0 {
			return name
		}
		rest = rest[at+len(name):]
		end := 0
		for end < len(rest) && (isDigit(rest[end]) || rest[end] == ',') {
			end++
		}
		if end > 2 && strings.Contains(rest[:end], ",") {
			return name + rest[:end]
		}
	}
}

// androidModel is what stands between the version of Android and the build, such
// as in (Linux; Android 13; SM-S901B Build/TP1A).
func androidModel(s string) string {
	at := strings.Index(s, "Android ")
	if at < 0 {
		return ""
	}
	rest := s[at:]
	if end := strings.IndexByte(rest, ')'); end >= 0 {
		rest = rest[:end]
	}
	for i, field := range strings.Split(rest, ";") {
		if i == 0 {
			continue
		}
		field, _, _ = strings.Cut(strings.TrimSpace(field), " Build")
		switch {
		case field == "" || field == "wv" || field == "U" || strings.HasPrefix(field, "rv:"):
			continue
		case field == "Mobile" || field == "Tablet":
			return ""
		case len(field) == 5 && (field[2] == '-' || field[2] == '_'): // a language, en-us
			continue
		}
		return field
	}
	return ""
}
