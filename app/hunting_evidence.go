package app

import (
	"strings"

	"github.com/tocsinhq/tocsin"
)

// entityTypes are the kinds of evidence as AlertEvidence calls them.
var entityTypes = map[tocsin.EvidenceType]string{
	tocsin.EvDevice: "Machine", "ioTDevice": "Machine", tocsin.EvUser: "User", tocsin.EvProcess: "Process", tocsin.EvFile: "File", "fileHash": "File",
	tocsin.EvIP: "Ip", tocsin.EvURL: "Url", tocsin.EvDNS: "Dns", tocsin.EvRegistryKey: "RegistryKey", tocsin.EvRegistryValue: "RegistryValue",
	tocsin.EvAnalyzedMessage: "MailMessage", "submissionMail": "MailMessage", tocsin.EvMailCluster: "MailCluster", tocsin.EvMailbox: "Mailbox",
	tocsin.EvMailboxConfig: "MailboxConfiguration", tocsin.EvOAuthApp: "OAuthApplication", tocsin.EvServicePrincipal: "OAuthApplication",
	tocsin.EvCloudApp: "CloudApplication", tocsin.EvCloudSession: "CloudLogonSession", tocsin.EvHostSession: "HostLogonSession",
	tocsin.EvAzureResource: "CloudResource", tocsin.EvAmazonResource: "CloudResource", tocsin.EvGoogleResource: "CloudResource",
	tocsin.EvSecurityGroup: "SecurityGroup", tocsin.EvMalware: "Malware",
}

func entityType(e *tocsin.Evidence) string {
	if t, ok := entityTypes[e.Type]; ok {
		return t
	}
	return graded(e.Type)
}

// alertEvidence is one row for each thing that an alert is about.
func alertEvidence(al *tocsin.Alert) []map[string]any {
	host := deviceOf(al)
	out := make([]map[string]any, 0, len(al.Evidence))
	for i := range al.Evidence {
		e := &al.Evidence[i]
		at := e.Created
		if at.IsZero() {
			at = al.FirstActivity
		}
		row := map[string]any{
			"Timestamp": at, "AlertId": al.ID, "Title": al.Title, "Categories": jsonText(al.Categories), "AttackTechniques": jsonText(al.Techniques),
			"ServiceSource": serviceNames[al.ServiceSource], "DetectionSource": detectionName(al.DetectionSource), "EntityType": entityType(e),
			"EvidenceRole": evidenceRole(e), "EvidenceDirection": evidenceDirection(e), "Severity": graded(al.Severity),
			"SourceSystem": al.Source, "TenantId": al.Tenant, "Type": "AlertEvidence", "AdditionalFields": string(asJSON(e.Props)),
		}
		describe(e, row)
		if row["DeviceName"] == nil && e.Device != "" {
			row["DeviceName"] = e.Device
		}
		if row["DeviceId"] == nil {
			if id := e.Str("mdeDeviceId"); id != "" {
				row["DeviceId"] = id
			} else if name, _ := row["DeviceName"].(string); name != "" && host[tocsin.ShortHost(name)] != "" {
				row["DeviceId"] = host[tocsin.ShortHost(name)]
			}
		}
		out = append(out, row)
	}
	return out
}

// deviceOf are the ids of an alert's devices by short name.
func deviceOf(al *tocsin.Alert) map[string]string {
	ids := map[string]string{}
	for i := range al.Evidence {
		if e := &al.Evidence[i]; e.Type == tocsin.EvDevice && e.Str("mdeDeviceId") != "" {
			ids[tocsin.ShortHost(e.Name())] = e.Str("mdeDeviceId")
		}
	}
	return ids
}

// evidenceRole tells assets that suffered from what belongs to the attack.
func evidenceRole(e *tocsin.Evidence) string {
	for _, r := range e.Roles {
		if r == tocsin.RoleAttacked || r == tocsin.RoleCompromised {
			return "Impacted"
		}
	}
	if len(e.Roles) == 0 && e.Entity().IsAsset() {
		return "Impacted"
	}
	return "Related"
}

func evidenceDirection(e *tocsin.Evidence) string {
	for _, r := range e.Roles {
		switch r {
		case tocsin.RoleSource:
			return "Source"
		case tocsin.RoleDestination:
			return "Destination"
		}
	}
	return ""
}

// describe fills the columns that are about one kind of evidence.
func describe(e *tocsin.Evidence, row map[string]any) {
	set := func(column, prop string) {
		if v := e.Str(prop); v != "" {
			row[column] = v
		}
	}
	account := func(at string) {
		set("AccountName", at+".accountName")
		set("AccountDomain", at+".domainName")
		set("AccountSid", at+".userSid")
		set("AccountObjectId", at+".azureAdUserId")
		set("AccountUpn", at+".userPrincipalName")
	}
	file := func(at string) {
		set("FileName", at+".fileName")
		set("FolderPath", at+".filePath")
		set("SHA1", at+".sha1")
		set("SHA256", at+".sha256")
		if d, ok := e.Props[at].(map[string]any); ok {
			switch n := d["fileSize"].(type) {
			case float64: // from JSON
				row["FileSize"] = int64(n)
			case int64:
				row["FileSize"] = n
			}
		}
	}
	resource := func(platform, id, name, kind string) {
		row["CloudPlatform"] = platform
		set("CloudResource", name)
		set("ResourceID", id)
		set("ResourceType", kind)
	}
	switch e.Type {
	case tocsin.EvDevice:
		set("DeviceName", "hostName")
		set("DeviceName", "deviceDnsName")
		set("DeviceId", "mdeDeviceId")
		set("LocalIP", "lastIpAddress")
	case tocsin.EvUser:
		account("userAccount")
	case tocsin.EvProcess:
		file("imageFile")
		set("ProcessCommandLine", "processCommandLine")
		account("userAccount")
	case tocsin.EvFile:
		file("fileDetails")
	case "fileHash":
		if alg := strings.ToUpper(e.Str("algorithm")); alg == "SHA1" || alg == "SHA256" {
			set(alg, "value")
		}
	case tocsin.EvIP:
		set("RemoteIP", "ipAddress")
	case tocsin.EvURL:
		set("RemoteUrl", "url")
	case tocsin.EvDNS:
		set("RemoteUrl", "domainName")
	case tocsin.EvRegistryKey, tocsin.EvRegistryValue:
		set("RegistryKey", "registryKey")
		set("RegistryValueName", "registryValueName")
		set("RegistryValueData", "registryValue")
	case tocsin.EvAnalyzedMessage, "submissionMail":
		set("NetworkMessageId", "networkMessageId")
		set("EmailSubject", "subject")
		set("AccountUpn", "recipientEmailAddress")
	case tocsin.EvMailbox:
		set("AccountUpn", "upn")
		account("userAccount")
	case tocsin.EvMailboxConfig:
		set("AccountUpn", "upn")
	case tocsin.EvOAuthApp, tocsin.EvServicePrincipal:
		set("Application", "displayName")
		set("Application", "servicePrincipalName")
		set("OAuthApplicationId", "appId")
	case tocsin.EvCloudApp:
		set("Application", "displayName")
		if n, ok := e.Props["appId"].(float64); ok {
			row["ApplicationId"] = int64(n)
		}
	case tocsin.EvCloudSession, tocsin.EvHostSession:
		account("account.userAccount")
	case tocsin.EvAzureResource:
		resource("Azure", "resourceId", "resourceName", "resourceType")
		set("AzureResourceId", "resourceId")
		set("AzureResourceType", "resourceType")
		if parts := strings.Split(e.Str("resourceId"), "/"); len(parts) > 2 && strings.EqualFold(parts[1], "subscriptions") {
			row["SubscriptionId"], row["AzureSubscriptionId"] = parts[2], parts[2]
		}
	case tocsin.EvAmazonResource:
		resource("Amazon Web Services", "amazonResourceId", "resourceName", "resourceType")
	case tocsin.EvGoogleResource:
		resource("Google Cloud Platform", "fullResourceName", "resourceName", "resourceType")
	case tocsin.EvMalware:
		set("ThreatFamily", "name")
	}
}
