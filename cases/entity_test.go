package cases

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tocsinhq/tocsin"
)

func TestEntityOf(t *testing.T) {
	const guid = "74be27de-1e4e-49d9-b579-fe0b331d3642"
	id := tocsin.DeviceID
	sha256, sha1, md5 := strings.Repeat("a1", 32), strings.Repeat("b2", 20), strings.Repeat("c3", 16)
	for _, c := range []struct {
		kind, column string
		row          map[string]any
		name, key    string // "" for no evidence
		props        string
	}{
		{"device", "DeviceId", map[string]any{"DeviceId": "d1", "DeviceName": "Host1.Corp.Example"}, "host1.corp.example", "device:" + id("host1"), `{"deviceDnsName":"host1.corp.example","dnsDomain":"corp.example","hostName":"host1","mdeDeviceId":"d1"}`},
		{"device", "DeviceName", map[string]any{"DeviceName": "host1"}, "host1", "device:" + id("host1"), `{"deviceDnsName":"host1","hostName":"host1"}`},
		{"device", "RemoteDeviceName", map[string]any{"RemoteDeviceName": "host2", "DeviceId": "d1"}, "host2", "device:" + id("host2"), `{"deviceDnsName":"host2","hostName":"host2"}`},
		{"device", "DeviceId", map[string]any{"DeviceId": "d1"}, "d1", "device:d1", `{"mdeDeviceId":"d1"}`},
		{"user", "AccountUpn", map[string]any{"AccountUpn": "ann@corp.example", "AccountSid": "S-1-5-21-1", "AccountObjectId": guid}, "ann@corp.example", "user:ann@corp",
			`{"userAccount":{"accountName":"ann","azureAdUserId":"` + guid + `","userPrincipalName":"ann@corp.example","userSid":"S-1-5-21-1"}}`},
		{"account", "InitiatingProcessAccountSid", map[string]any{"InitiatingProcessAccountSid": "S-1-5-21-2", "InitiatingProcessAccountName": "bob", "InitiatingProcessAccountDomain": "CORP", "AccountName": "other"},
			`CORP\bob`, "user:bob@corp", `{"userAccount":{"accountName":"bob","domainName":"CORP","userSid":"S-1-5-21-2"}}`},
		{"user", "Who", map[string]any{"Who": `CORP\eve`}, `CORP\eve`, "user:eve@corp", `{"userAccount":{"accountName":"eve","domainName":"CORP"}}`},
		{"user", "Who", map[string]any{"Who": guid}, guid, "user:" + guid, `{"userAccount":{"azureAdUserId":"` + guid + `"}}`},
		{"mailbox", "RecipientEmailAddress", map[string]any{"RecipientEmailAddress": "ann@corp.example", "RecipientObjectId": guid}, "ann@corp.example", "mailbox:ann@corp.example",
			`{"primaryAddress":"ann@corp.example","upn":"ann@corp.example","userAccount":{"accountName":"ann","azureAdUserId":"` + guid + `","userPrincipalName":"ann@corp.example"}}`},
		{"mailbox", "X", map[string]any{"X": "nobody"}, "", "", ""},
		{"cloudApplication", "ApplicationId", map[string]any{"ApplicationId": 11161.0, "Application": "Office 365"}, "Office 365", "cloudApplication:11161", `{"appId":11161,"displayName":"Office 365","saasAppId":11161}`},
		{"cloudApplication", "Application", map[string]any{"Application": "Box"}, "Box", "cloudApplication:box", `{"displayName":"Box"}`},
		{"azureResource", "AzureResourceId", map[string]any{"AzureResourceId": "/subscriptions/1/x/vm1"}, "vm1", "cloudResource:/subscriptions/1/x/vm1", `{"resourceId":"/subscriptions/1/x/vm1","resourceName":"vm1"}`},
		{"amazonResource", "R", map[string]any{"R": "arn:aws:s3:::bucket"}, "bucket", "cloudResource:arn:aws:s3:::bucket", `{"amazonResourceId":"arn:aws:s3:::bucket","resourceName":"bucket"}`},
		{"googleCloudResource", "R", map[string]any{"R": "//compute/vm2"}, "vm2", "cloudResource://compute/vm2", `{"fullResourceName":"//compute/vm2","resourceName":"vm2"}`},
		{"file", "InitiatingProcessSHA1", map[string]any{"InitiatingProcessSHA1": sha1, "InitiatingProcessFileName": "a.exe", "InitiatingProcessFileSize": 7.0, "FileName": "b.exe"}, "a.exe", "file:sha1:" + sha1,
			`{"fileDetails":{"fileName":"a.exe","fileSize":7,"sha1":"` + sha1 + `"}}`},
		{"file", "H", map[string]any{"H": sha256}, sha256, "file:sha256:" + sha256, `{"fileDetails":{"sha256":"` + sha256 + `"}}`},
		{"file", "H", map[string]any{"H": md5}, "file", "file:md5:" + md5, `{"fileDetails":{"md5":"` + md5 + `"}}`},
		{"file", "FolderPath", map[string]any{"FolderPath": `C:\Temp\x.dll`, "DeviceName": "h"}, "x.dll", "file:path:" + id("h") + ":c:/temp/x.dll", `{"fileDetails":{"fileName":"x.dll","filePath":"C:\\Temp\\x.dll"}}`},
		{"process", "ProcessId", map[string]any{"ProcessId": 42.0, "ProcessCommandLine": "p -x", "ProcessCreationTime": "2026-01-01T00:00:00.0000000Z", "FileName": "p.exe", "DeviceName": "h"}, "p.exe", "process:" + id("h") + "/42/1767225600",
			`{"imageFile":{"fileName":"p.exe"},"processCommandLine":"p -x","processCreationDateTime":"2026-01-01T00:00:00.0000000Z","processId":42}`},
		{"process", "InitiatingProcessFileName", map[string]any{"InitiatingProcessFileName": "q.exe", "InitiatingProcessUniqueId": "u1", "ProcessId": 1.0}, "q.exe", "process:u1", `{"imageFile":{"fileName":"q.exe"}}`},
		{"ip", "RemoteIP", map[string]any{"RemoteIP": "::ffff:192.0.2.1"}, "192.0.2.1", "ip:192.0.2.1", `{"ipAddress":"192.0.2.1"}`},
		{"ip", "RemoteIP", map[string]any{"RemoteIP": "none"}, "", "", ""},
		{"url", "Url", map[string]any{"Url": "https://Evil.example/a"}, "https://Evil.example/a", "url:evil.example/a", `{"url":"https://Evil.example/a"}`},
		{"dns", "D", map[string]any{"D": "evil.example"}, "evil.example", "domain:evil.example", `{"domainName":"evil.example"}`},
		{"oauthApplication", "OAuthAppId", map[string]any{"OAuthAppId": guid}, guid, "oauthApplication:" + guid, `{"appId":"` + guid + `"}`},
		{"securityGroup", "G", map[string]any{"G": "S-1-5-32-544"}, "S-1-5-32-544", "securityGroup:s-1-5-32-544", `{"sid":"S-1-5-32-544"}`},
		{"mailMessage", "NetworkMessageId", map[string]any{"NetworkMessageId": guid, "Subject": "Hi"}, "Hi", "mailMessage:" + guid, `{"networkMessageId":"` + guid + `","subject":"Hi"}`},
		{"mailCluster", "Q", map[string]any{"Q": "subject:x"}, "subject:x", "mailCluster:subject:x", `{"query":"subject:x"}`},
		{"registryValue", "RegistryValueName", map[string]any{"RegistryKey": `HKLM\Run`, "RegistryValueName": "x", "RegistryValueData": "y", "DeviceName": "h"}, `HKLM\Run`, "registry:" + id("h") + `:hkey_local_machine\run\x`,
			`{"registryKey":"HKLM\\Run","registryValue":"y","registryValueName":"x"}`},
		{"registryKey", "K", map[string]any{"K": "HKCU"}, "", "", ""},
		{"device", "DeviceId", map[string]any{"DeviceId": nil}, "", "", ""},
		{"device", "Missing", map[string]any{}, "", "", ""},
		{"device", "X", map[string]any{"X": map[string]any{}}, "", "", ""},
		{"planet", "X", map[string]any{"X": "mars"}, "", "", ""},
	} {
		e, ok := EntityOf(c.kind, c.column, c.row)
		if ok != (c.props != "") {
			t.Errorf("%s in %s: %v, %+v", c.kind, c.column, ok, e)
			continue
		}
		if !ok {
			continue
		}
		props, err := json.Marshal(e.Props)
		if err != nil {
			t.Fatal(err)
		}
		e.Verdict, e.RemediationStatus = tocsin.VerdictUnknown, tocsin.RemediationNone
		keys := e.Keys()
		if len(keys) == 0 || keys[0].String() != c.key || e.Name() != c.name && c.name != "file" || string(props) != c.props || e.Validate() != nil {
			t.Errorf("%s in %s: %q, keys %v, %s, %v", c.kind, c.column, e.Name(), keys, props, e.Validate())
		}
	}
}

func TestEntityKinds(t *testing.T) {
	for kind, typ := range entityKinds {
		if entityMakers[typ] == nil {
			t.Errorf("nothing makes a %s", kind)
		}
	}
	if got := strings.Join(EntityKinds(true), " "); got != "account amazonResource azureResource cloudApplication device googleCloudResource mailbox user" {
		t.Errorf("assets: %s", got)
	}
}
