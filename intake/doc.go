// Package intake turns bytes from outside into rows of the lake and hits of
// the rules: files and archives, hunting-table NDJSON, Splunk HEC, Elastic
// bulk.
//
// It owns the readers of the formats, the mapping of source events to hunting
// tables, the limits on hostile input and the order of what follows: decode,
// match, one lake transaction (rows, quarantine, progress, hits), then alerts.
// It promises that one bad record costs itself only and is told by item, that
// what no table takes is kept in the quarantine with a reason, and that an
// import which is repeated or killed at any point ends with the same rows and
// alerts as one that ran through. It does not store cases or decide what
// belongs together; cases does, through the accept function that New is given.
package intake
