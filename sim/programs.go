package sim

import (
	"crypto/sha256"
	"encoding/hex"
)

const (
	system32   = `C:\Windows\System32\`
	officePath = `C:\Program Files\Microsoft Office\root\Office16\`
)

// windows is a program that the operating system brings.
func windows(name string) *program {
	if g := windowsPrograms[name]; g != nil {
		return g
	}
	panic("sim: not declared: " + name)
}

func osProgram(name, desc string, size int64) *program {
	return &program{name: name, dir: system32, company: "Microsoft Corporation", product: "Microsoft® Windows® Operating System", desc: desc, signed: true, size: size}
}

var windowsPrograms = byName(
	osProgram("wininit.exe", "Windows Start-Up Application", 420_000), osProgram("services.exe", "Services and Controller app", 730_000),
	osProgram("lsass.exe", "Local Security Authority Process", 60_000), osProgram("svchost.exe", "Host Process for Windows Services", 57_000),
	osProgram("winlogon.exe", "Windows Logon Application", 900_000), osProgram("userinit.exe", "Userinit Logon Application", 38_000),
	osProgram("cmd.exe", "Windows Command Processor", 289_000), osProgram("conhost.exe", "Console Window Host", 867_000),
	osProgram("taskhostw.exe", "Host Process for Windows Tasks", 96_000), osProgram("wscript.exe", "Microsoft ® Windows Based Script Host", 170_000),
	osProgram("rundll32.exe", "Windows host process (Rundll32)", 71_000), osProgram("reg.exe", "Registry Console Tool", 77_000),
	osProgram("whoami.exe", "whoami - displays logged on user information", 73_000), osProgram("net.exe", "Net Command", 60_000),
	osProgram("nltest.exe", "Microsoft® Logon Server Test Utility", 520_000), osProgram("ipconfig.exe", "IP Configuration Utility", 36_000),
	osProgram("nslookup.exe", "nslookup", 90_000), osProgram("systeminfo.exe", "Displays system information", 110_000),
	osProgram("quser.exe", "Query User Utility", 42_000), osProgram("schtasks.exe", "Task Scheduler Configuration Tool", 235_000),
	osProgram("mstsc.exe", "Remote Desktop Connection", 1_500_000), osProgram("wevtutil.exe", "Eventing Command Line Utility", 270_000),
	osProgram("gpupdate.exe", "Microsoft® Group Policy Update Utility", 29_000), osProgram("backgroundtaskhost.exe", "Background Task Host", 20_000),
	osProgram("searchprotocolhost.exe", "Microsoft Windows Search Protocol Host", 460_000), osProgram("runtimebroker.exe", "Runtime Broker", 110_000),
	osProgram("dllhost.exe", "COM Surrogate", 21_000), osProgram("sihost.exe", "Shell Infrastructure Host", 130_000), osProgram("sc.exe", "Service Control Manager Configuration Tool", 75_000),
	osProgram("ping.exe", "TCP/IP Ping Command", 22_000), osProgram("notepad.exe", "Notepad", 200_000), osProgram("robocopy.exe", "Microsoft Robocopy", 160_000),
	osProgram("msiexec.exe", "Windows® installer", 70_000), osProgram("wusa.exe", "Windows Update Standalone Installer", 310_000),
	osProgram("spoolsv.exe", "Spooler SubSystem App", 880_000), osProgram("w3wp.exe", "IIS Worker Process", 28_000),
)

func byName(list ...*program) map[string]*program {
	m := make(map[string]*program, len(list))
	for _, g := range list {
		m[g.name] = g
	}
	return m
}

var (
	explorer   = &program{name: "explorer.exe", dir: `C:\Windows\`, company: "Microsoft Corporation", product: "Microsoft® Windows® Operating System", desc: "Windows Explorer", signed: true, size: 5_200_000}
	powershell = &program{name: "powershell.exe", dir: system32 + `WindowsPowerShell\v1.0\`, company: "Microsoft Corporation", product: "Microsoft® Windows® Operating System", desc: "Windows PowerShell", signed: true, size: 450_000}
	wmiprvse   = &program{name: "wmiprvse.exe", dir: system32 + `wbem\`, company: "Microsoft Corporation", product: "Microsoft® Windows® Operating System", desc: "WMI Provider Host", signed: true, size: 520_000}
	edge       = &program{name: "msedge.exe", dir: `C:\Program Files (x86)\Microsoft\Edge\Application\`, company: "Microsoft Corporation", product: "Microsoft Edge", desc: "Microsoft Edge", signed: true, size: 4_200_000}
	outlook    = &program{name: "outlook.exe", dir: officePath, company: "Microsoft Corporation", product: "Microsoft Outlook", desc: "Microsoft Outlook", signed: true, size: 43_000_000}
	winword    = &program{name: "winword.exe", dir: officePath, company: "Microsoft Corporation", product: "Microsoft Office", desc: "Microsoft Word", signed: true, size: 1_900_000}
	excel      = &program{name: "excel.exe", dir: officePath, company: "Microsoft Corporation", product: "Microsoft Office", desc: "Microsoft Excel", signed: true, size: 67_000_000}
	powerpnt   = &program{name: "powerpnt.exe", dir: officePath, company: "Microsoft Corporation", product: "Microsoft Office", desc: "Microsoft PowerPoint", signed: true, size: 1_800_000}
	teams      = &program{name: "ms-teams.exe", dir: `C:\Program Files\WindowsApps\MSTeams_24295.605_x64\`, company: "Microsoft Corporation", product: "Microsoft Teams", desc: "Microsoft Teams", signed: true, size: 9_000_000}
	onedrive   = &program{name: "onedrive.exe", dir: `C:\Program Files\Microsoft OneDrive\`, company: "Microsoft Corporation", product: "Microsoft OneDrive", desc: "Microsoft OneDrive", signed: true, size: 4_600_000}
	acrobat    = &program{name: "acrord32.exe", dir: `C:\Program Files (x86)\Adobe\Acrobat Reader DC\Reader\`, company: "Adobe Systems Incorporated", product: "Adobe Acrobat Reader", desc: "Adobe Acrobat Reader", signed: true, size: 5_000_000}
	cad        = &program{name: "fenncad.exe", dir: `C:\Program Files\FennCAD\bin\`, company: "Fenn Software", product: "FennCAD", desc: "FennCAD Workbench", signed: true, size: 88_000_000}
	erp        = &program{name: "tallyerp.exe", dir: `C:\Program Files\Tallyworks\`, company: "Tallyworks", product: "Tallyworks ERP", desc: "Tallyworks client", signed: true, size: 31_000_000}
	vscode     = &program{name: "code.exe", dir: `C:\Program Files\Microsoft VS Code\`, company: "Microsoft Corporation", product: "Visual Studio Code", desc: "Visual Studio Code", signed: true, size: 170_000_000}
	git        = &program{name: "git.exe", dir: `C:\Program Files\Git\cmd\`, company: "The Git Development Community", product: "Git", desc: "Git for Windows", signed: true, size: 46_000}
	defender   = &program{name: "msmpeng.exe", dir: `C:\ProgramData\Microsoft\Windows Defender\Platform\4.18.24090.11-0\`, company: "Microsoft Corporation", product: "Microsoft® Windows® Operating System", desc: "Antimalware Service Executable", signed: true, size: 130_000}
	sqlservr   = &program{name: "sqlservr.exe", dir: `C:\Program Files\Microsoft SQL Server\MSSQL16.MSSQLSERVER\MSSQL\Binn\`, company: "Microsoft Corporation", product: "Microsoft SQL Server", desc: "SQL Server Windows NT", signed: true, size: 700_000}
	backupd    = &program{name: "keepagent.exe", dir: `C:\Program Files\Keepsafe\`, company: "Keepsafe Backup", product: "Keepsafe", desc: "Keepsafe backup agent", signed: true, size: 12_000_000}
	sevenzip   = &program{name: "7z.exe", dir: `C:\Program Files\7-Zip\`, company: "Igor Pavlov", product: "7-Zip", desc: "7-Zip Console", signed: false, size: 560_000}
)

func sha256sum(content string) string {
	s := sha256.Sum256([]byte("content " + content))
	return hex.EncodeToString(s[:])
}
