package app

import (
	"context"
	"reflect"
	"testing"
)

// Public captures of different formats go in at one end and come out as
// incidents; the second time they add nothing.
func TestImportPublicCapturesTwice(t *testing.T) {
	var paths []string
	for _, name := range []string{
		"data/Security-Datasets/datasets/atomic/aws/collection/ec2_proxy_s3_exfiltration.zip",
		"data/Security-Datasets/datasets/atomic/windows/credential_access/host/psh_lsass_memory_dump_comsvcs.zip",
		"data/Security-Datasets/datasets/atomic/windows/credential_access/host/empire_mimikatz_opth.tar.gz",
		"data/Security-Datasets/datasets/compound/LSASS_campaign_02",
		"data/Security-Datasets/datasets/compound/GoldenSAMLADFSMailAccess",
		"data/Security-Datasets-history/datasets/atomic/m365/credential_access/o365spray_default.zip",
	} {
		if p := sharedFile(t, name); p != "" {
			paths = append(paths, p)
		}
	}
	if len(paths) == 0 {
		t.Skip("the public captures are not on this machine")
	}
	dir := t.TempDir()
	a := open(t, dir)
	ctx := context.Background()
	first, err := a.Import(ctx, paths, nil)
	if err != nil {
		t.Fatal(err)
	}
	before, err := a.Totals(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d records, %d alerts, %d incidents, rows %v", first.Records, before.Alerts, before.Incidents, before.Rows)
	for _, table := range []string{"DeviceProcessEvents", "DeviceNetworkEvents", "DeviceRegistryEvents", "CloudAppEvents", "IdentityDirectoryEvents"} {
		if before.Rows[table] == 0 {
			t.Errorf("no rows in %s", table)
		}
	}
	if before.Alerts == 0 || before.Incidents == 0 || len(first.Errors) > 0 {
		t.Errorf("%d alerts, %d incidents, errors %v", before.Alerts, before.Incidents, first.Errors)
	}
	second, err := a.Import(ctx, paths, nil)
	if err != nil {
		t.Fatal(err)
	}
	after, err := a.Totals(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(before, after) || second.Records != 0 || second.NewAlerts != 0 || second.Repeated != 0 {
		t.Errorf("the second import changed something:\nbefore %+v\nafter  %+v\nsummary %+v", before, after, second)
	}
}
