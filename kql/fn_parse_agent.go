package kql

import (
	"errors"
	"strings"
)

// parse_user_agent tells browser, operating system and device by rules of our
// own, which know what is common in the mail and traffic of an organisation and
// name it as the service does. What they do not know is "Other".

// maxAgentBytes is how much of a user agent is read.
const maxAgentBytes = 4096

func init() {
	Register(Func{Name: "parse_user_agent", NullIn: true, Doc: "The browser, operating system and device of a user agent.",
		Sigs: []Sig{Of(Dynamic, P("user_agent", onlyString), Opt("look_for", onlyString|onlyDynamic))},
		Eval: func(args []Value) Value {
			parts, ok := agentParts(args[1:])
			if !ok {
				return Null(Dynamic)
			}
			return DynamicOf(parseUserAgent(args[0].Str(), parts))
		},
		Prepare: func(consts []*Value) (func([]Value) Value, error) {
			rest, ok := constValues(consts[1:])
			if !ok {
				return nil, nil
			}
			parts, ok := agentParts(rest)
			if !ok {
				return nil, errors.New(`parse_user_agent() looks for "browser", "os" or "device", or an array of these`)
			}
			return func(args []Value) Value { return DynamicOf(parseUserAgent(args[0].Str(), parts)) }, nil
		}})
}

func constValues(consts []*Value) ([]Value, bool) {
	var list []Value
	for _, c := range consts {
		if c == nil {
			return nil, false
		}
		list = append(list, *c)
	}
	return list, true
}

// agentPart is what to look for; all of it when that is not said.
type agentPart struct{ browser, os, device bool }

func agentParts(args []Value) (p agentPart, ok bool) {
	if len(args) == 0 {
		return agentPart{true, true, true}, true
	}
	for _, s := range textsOf(args) {
		switch strings.ToLower(s) {
		case "browser":
			p.browser = true
		case "os":
			p.os = true
		case "device":
			p.device = true
		default:
			return p, false
		}
	}
	return p, p != agentPart{}
}

func parseUserAgent(s string, parts agentPart) *Bag {
	if len(s) > maxAgentBytes {
		s = strings.ToValidUTF8(s[:maxAgentBytes], "")
	}
	bag := func(names []string, values ...string) *Bag {
		b := NewBag()
		for i, name := range names {
			value := ""
			if i < len(values) {
				value = values[i]
			}
			b.Set(name, value)
		}
		return b
	}
	out := NewBag()
	if parts.browser {
		family, v := agentBrowser(s)
		out.Set("Browser", bag([]string{"Family", "MajorVersion", "MinorVersion", "Patch"}, append([]string{family}, v.numbers(3)...)...))
	}
	if parts.os {
		family, v := agentOS(s)
		out.Set("OperatingSystem", bag([]string{"Family", "MajorVersion", "MinorVersion", "Patch", "PatchMinor"}, append([]string{family}, v.numbers(4)...)...))
	}
	if parts.device {
		family, brand, model := agentDevice(s)
		out.Set("Device", bag([]string{"Family", "Brand", "Model"}, family, brand, model))
	}
	return out
}

// agentVersion is a version as it is written, with dots or underscores.
type agentVersion string

// numbers are the first n of the version.
func (v agentVersion) numbers(n int) []string {
	parts := strings.FieldsFunc(string(v), func(r rune) bool { return r == '.' || r == '_' })
	return parts[:min(n, len(parts))]
}

// versionAfter is the version that stands after a mark; found tells whether the
// mark is there.
func versionAfter(s, mark string) (v agentVersion, found bool) {
	at := strings.Index(s, mark)
	if at < 0 {
		return "", false
	}
	rest := s[at+len(mark):]
	end := 0
	for end < len(rest) && (isDigit(rest[end]) || (rest[end] == '.' || rest[end] == '_') && end > 0) {
		end++
	}
	return agentVersion(rest[:end]), true
}

// agentRule is a product: its mark, and the family it is.
type agentRule struct{ mark, family string }

// crawlers and tools name themselves plainly, whatever else they say.
var agentCrawlers = []agentRule{
	{"Googlebot-Image/", "Googlebot-Image"}, {"Googlebot/", "Googlebot"}, {"AdsBot-Google", "AdsBot-Google"}, {"bingbot/", "bingbot"}, {"BingPreview/", "BingPreview"},
	{"msnbot/", "msnbot"}, {"Yahoo! Slurp", "Yahoo! Slurp"}, {"DuckDuckBot/", "DuckDuckBot"}, {"Baiduspider", "Baiduspider"}, {"YandexBot/", "YandexBot"},
	{"facebookexternalhit/", "FacebookBot"}, {"Twitterbot/", "Twitterbot"}, {"LinkedInBot/", "LinkedInBot"}, {"Applebot/", "Applebot"}, {"AhrefsBot/", "AhrefsBot"},
	{"SemrushBot/", "SemrushBot"}, {"MJ12bot/", "MJ12bot"}, {"PetalBot", "PetalBot"}, {"GPTBot/", "GPTBot"}, {"CCBot/", "CCBot"}, {"Slackbot-LinkExpanding ", "Slackbot-LinkExpanding"},
	{"Slackbot ", "Slackbot"}, {"Discordbot/", "Discordbot"}, {"TelegramBot", "TelegramBot"}, {"CensysInspect/", "CensysInspect"},
}

// agentTools stand at the beginning of what they send.
var agentTools = []agentRule{
	{"curl/", "curl"}, {"Wget/", "Wget"}, {"python-requests/", "Python Requests"}, {"Python-urllib/", "Python-urllib"}, {"Python/", "Python"}, {"aiohttp/", "aiohttp"},
	{"python-httpx/", "python-httpx"}, {"Go-http-client/", "Go-http-client"}, {"okhttp/", "okhttp"}, {"Apache-HttpClient/", "Apache-HttpClient"}, {"Java/", "Java"},
	{"axios/", "axios"}, {"node-fetch/", "node-fetch"}, {"PostmanRuntime/", "PostmanRuntime"}, {"insomnia/", "insomnia"}, {"Ruby", "Ruby"}, {"libwww-perl/", "libwww-perl"},
	{"Microsoft Office/", "Microsoft Office"}, {"Microsoft-CryptoAPI/", "Microsoft-CryptoAPI"}, {"Microsoft BITS/", "Microsoft BITS"}, {"Windows-Update-Agent/", "Windows-Update-Agent"},
	{"azsdk-", "azsdk"}, {"AzurePowershell/", "AzurePowershell"}, {"AZURECLI/", "Azure CLI"}, {"rclone/", "rclone"}, {"fasthttp", "fasthttp"}, {"Dalvik/", "Dalvik"},
}

// agentBrowsers are in the order in which they are asked: most of them say that
// they are Chrome and Safari as well.
var agentBrowsers = []agentRule{
	{"AdobeAIR/", "AdobeAIR"}, {"WindowsPowerShell/", "PowerShell"}, {"PowerShell/", "PowerShell"}, {"Microsoft Outlook ", "Outlook"}, {"Outlook-iOS/", "Outlook-iOS"},
	{"Outlook-Android/", "Outlook-Android"}, {"Teams/", "Microsoft Teams"}, {"Thunderbird/", "Thunderbird"},
	{"EdgA/", "Edge Mobile"}, {"EdgiOS/", "Edge Mobile"}, {"Edg/", "Edge"}, {"Edge/", "Edge"}, {"OPT/", "Opera Touch"}, {"OPiOS/", "Opera Mini"}, {"Opera Mini/", "Opera Mini"},
	{"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"YaBrowser/", "Yandex Browser"}, {"Vivaldi/", "Vivaldi"}, {"UCBrowser/", "UC Browser"}, {"MiuiBrowser/", "MiuiBrowser"},
	{"Brave/", "Brave"}, {"Silk/", "Amazon Silk"}, {"QQBrowser/", "QQ Browser"}, {"MicroMessenger/", "WeChat"}, {"Instagram ", "Instagram"}, {"FBAV/", "Facebook"}, {"GSA/", "Google"},
	{"DuckDuckGo/", "DuckDuckGo Mobile"}, {"Slack/", "Slack Desktop Client"}, {"Electron/", "Electron"}, {"HeadlessChrome/", "HeadlessChrome"}, {"PhantomJS/", "PhantomJS"},
	{"CriOS/", "Chrome Mobile iOS"}, {"FxiOS/", "Firefox iOS"}, {"SeaMonkey/", "SeaMonkey"}, {"PaleMoon/", "Pale Moon"}, {"Waterfox/", "Waterfox"}, {"Focus/", "Firefox Focus"},
	{"Firefox/", "Firefox"}, {"IEMobile/", "IE Mobile"}, {"IEMobile ", "IE Mobile"}, {"Chromium/", "Chromium"}, {"Chrome/", "Chrome"},
}

func agentBrowser(s string) (string, agentVersion) {
	for _, r := range agentCrawlers {
		if v, ok := versionAfter(s, r.mark); ok {
			return r.family, v
		}
	}
	for _, r := range agentTools {
		if strings.HasPrefix(s, r.mark) {
			v, _ := versionAfter(s, r.mark)
			return r.family, v
		}
	}
	mobile := strings.Contains(s, "Mobile")
	android := strings.Contains(s, "Android")
	for _, r := range agentBrowsers {
		v, ok := versionAfter(s, r.mark)
		if !ok {
			continue
		}
		switch {
		case r.family == "Chrome" && strings.Contains(s, "; wv)"):
			return "Chrome Mobile WebView", v
		case (r.family == "Chrome" || r.family == "Firefox" || r.family == "Opera") && mobile, r.family == "Firefox" && android:
			return r.family + " Mobile", v
		}
		return r.family, v
	}
	if strings.HasPrefix(s, "Opera/") {
		if v, ok := versionAfter(s, "Version/"); ok {
			return "Opera", v
		}
		v, _ := versionAfter(s, "Opera/")
		return "Opera", v
	}
	if v, ok := versionAfter(s, "MSIE "); ok {
		return "IE", v
	}
	if strings.Contains(s, "Trident/") {
		v, _ := versionAfter(s, "rv:")
		return "IE", v
	}
	if strings.Contains(s, "Symbian") {
		if v, ok := versionAfter(s, "Series60/"); ok && strings.Contains(s, "Safari") {
			return "Nokia OSS Browser", v
		}
		return "Nokia Browser", ""
	}
	version, hasVersion := versionAfter(s, "Version/")
	switch {
	case isAppleMobile(s) && hasVersion && strings.Contains(s, "Safari/"):
		return "Mobile Safari", version
	case isAppleMobile(s):
		v, _ := appleOS(s)
		return "Mobile Safari UI/WKWebView", v
	case strings.Contains(s, "BlackBerry"), strings.Contains(s, "BB10"):
		return "BlackBerry WebKit", version
	case android && strings.Contains(s, "AppleWebKit"):
		return "Android", version
	case hasVersion && strings.Contains(s, "Safari/"):
		return "Safari", version
	case strings.Contains(s, "Macintosh") && strings.Contains(s, "AppleWebKit/"):
		v, _ := versionAfter(s, "AppleWebKit/")
		return "Apple Mail", v
	}
	for _, r := range agentTools {
		if v, ok := versionAfter(s, r.mark); ok && v != "" {
			return r.family, v
		}
	}
	return "Other", ""
}

func isAppleMobile(s string) bool {
	return strings.Contains(s, "iPhone") || strings.Contains(s, "iPad") || strings.Contains(s, "iPod")
}

// appleOS is the version of iOS: CPU iPhone OS 16_5 like Mac OS X.
func appleOS(s string) (agentVersion, bool) {
	for _, mark := range []string{"iPhone OS ", "CPU OS ", "iPadOS ", "iOS ", "iOS/"} {
		if v, ok := versionAfter(s, mark); ok {
			return v, true
		}
	}
	return "", false
}
