// Package lake keeps telemetry at rest: one DuckDB table per hunting table,
// filled through columnar batches and read back read-only.
//
// It owns the catalog of tables (declared in content/tables), the data file,
// the quarantine, the progress of imports and the outbox of pending hits. It
// promises that Append returns only after its rows, quarantine records,
// progress and outbox items are durable together, and that a Write with a Once
// key is stored at most once. It does not decode source formats, match rules
// or speak KQL; those are intake, detect and kql.
//
// # Coercions
//
// A value is stored as its column's type when that loses nothing, else the
// whole row is refused with a RowError and the batch stays as it was:
//
//   - string: any scalar as its text; an object or array as its JSON text
//   - long, int: whole numbers, also as 5.0, 5e3 or "5"; bool as 0 or 1
//   - real: numbers, also as "0.5"; nothing beyond float64
//   - bool: true, false, 0, 1, also as "true", "False", "0", "1"
//   - datetime: ISO 8601 with T or blank, any fraction (cut to microseconds),
//     Z, an offset, or nothing for UTC; a date alone; "/Date(ms)/" is refused.
//     A JSON number is Unix time: seconds below 1e11, milliseconds below 1e14,
//     microseconds below 1e17, else nanoseconds
//   - guid: 32 hex digits, with or without hyphens and braces; kept in lower case
//   - dynamic: any JSON. A string that itself holds a JSON object or array is
//     stored as that object or array, because exports spell it so
//   - null in any column, and "" in a column that is not a string: no value
//
// A table's time column must be present and lie in 1970 to 2261. Keys that the
// table does not declare are kept, as one JSON object, in the hidden column
// _extra; of a key given twice the last one wins.
package lake
