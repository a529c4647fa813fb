package sqlgen

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tocsinhq/tocsin/kql"
)

// A dialect is how one engine spells what the generator says. The rules of the
// language are outside it: they choose a template by name, never write SQL of
// their own beyond what every engine takes (SELECT, WHERE, CASE, AND, IS NULL,
// comparison signs, CTEs, window frames).
type dialect struct {
	// name gives the SQL type of a natural value.
	types [kql.Dynamic + 1]string
	// param writes the n-th parameter with its type.
	param func(n int, sqlType string) string
	quote func(name string) string
	// templates by name; {0}, {1} ... are the operands, {*} all of them with
	// commas between.
	templates map[string]string
}

var dialects = map[Dialect]*dialect{DuckDB: &duckDB}

// f fills a template in. A name that the dialect lacks is a mistake of the
// program; it is reported as an error of the statement.
func (g *gen) f(name string, args ...string) string {
	t, ok := g.d.templates[name]
	if !ok {
		g.fail(kql.Span{}, "the engine's dialect has no form for %s", name)
		return "NULL"
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(t, '{')
		if i < 0 || i+2 >= len(t) {
			break
		}
		j := strings.IndexByte(t[i:], '}')
		if j < 0 {
			break
		}
		b.WriteString(t[:i])
		key := t[i+1 : i+j]
		if key == "*" {
			b.WriteString(strings.Join(args, ", "))
		} else if n, err := strconv.Atoi(key); err == nil && n < len(args) {
			b.WriteString(args[n])
		} else {
			g.fail(kql.Span{}, "the form of %s lacks operand %s", name, key)
		}
		t = t[i+j+1:]
	}
	b.WriteString(t)
	return b.String()
}

func quoteIdent(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// duckDB is DuckDB 1.5.
var duckDB = dialect{
	types: [...]string{
		kql.Unknown: "VARCHAR", kql.Bool: "BOOLEAN", kql.Int: "INTEGER", kql.Long: "BIGINT", kql.Real: "DOUBLE", kql.Decimal: "VARCHAR",
		kql.String: "VARCHAR", kql.DateTime: "BIGINT", kql.TimeSpan: "BIGINT", kql.Guid: "VARCHAR", kql.Dynamic: "VARCHAR",
	},
	param: func(n int, t string) string { return fmt.Sprintf("$%d::%s", n, t) },
	quote: quoteIdent,
	templates: map[string]string{
		"cast": "{0}::{1}",
		// Microseconds of 1970 and ticks of 0001. A TIMESTAMP holds every
		// datetime of Kusto's, cut to microseconds.
		"micros.of":           "epoch_us({0})",
		"micros.make":         "make_timestamp({0})",
		"micros.of.ticks":     "make_timestamp({0} // 10 - 62135596800000000)",
		"date.day":            "date_trunc('day', {0})",
		"date.week":           "(CASE WHEN {0} >= TIMESTAMP '0001-01-07' THEN date_trunc('week', {0} + INTERVAL 1 DAY) - INTERVAL 1 DAY END)",
		"date.month":          "date_trunc('month', {0})",
		"date.year":           "date_trunc('year', {0})",
		"date.part.year":      "year({0})",
		"date.part.quarter":   "quarter({0})",
		"date.part.month":     "month({0})",
		"date.part.day":       "day({0})",
		"date.part.dayofyear": "dayofyear({0})",
		"date.part.dayofweek": "(CASE WHEN {0} < TIMESTAMP '9999-12-31' THEN dayofweek({0}) END)",
		"date.part.hour":      "hour({0})",
		"date.part.minute":    "minute({0})",
		"date.part.second":    "second({0})",
		"date.part.week":      "weekofyear({0})",
		"micros.ticks":        "(epoch_us({0}) * 10 + 621355968000000000)",
		// Least non-negative remainder for a positive constant divisor.
		"floor.rem": "((({0} % {1}) + {1}) % {1})",
		"rem":       "({0} % {1})",
		"quotient":  "({0} // {1})", // cut towards zero; NULL for zero
		"wide":      "({0})::HUGEINT",
		"wrap64":    "(((({0}) + 9223372036854775808) & 18446744073709551615) - 9223372036854775808)::BIGINT",
		"wrap32":    "(((({0}) + 2147483648) & 4294967295) - 2147483648)::INTEGER",

		"same":     "{0} IS NOT DISTINCT FROM {1}",
		"distinct": "{0} IS DISTINCT FROM {1}",
		"true":     "({0}) IS TRUE",
		"in":       "{0} IN ({1})",

		"or.empty":      "coalesce({0}, '')",
		"null.if.empty": "nullif({0}, '')",
		"empty.text":    "''",
		"empty.json":    "'\"\"'",
		"is.nan":        "isnan({0})",
		"is.inf":        "isinf({0})",
		"is.finite":     "isfinite({0})",
		"nan":           "'nan'::DOUBLE",
		"infinity":      "'infinity'::DOUBLE",
		"percentile":    "quantile_disc({0}, {1})",

		"replace":     "replace({0}, {1}, {2})",
		"bytes":       "strlen({0})",
		"lower":       "lower({0})",
		"upper":       "upper({0})",
		"length":      "length({0})",
		"split.part":  "split_part({0}, {1}, {2})",
		"concat":      "({0} || {1})",
		"empty":       "{0} = ''",
		"notempty":    "{0} <> ''",
		"text.of.int": "{0}::VARCHAR",

		"json.text":     "{0}::VARCHAR",
		"json.get":      "nullif(json_extract({0}, {1})::VARCHAR, 'null')",
		"json.string":   "json_extract_string({0}, {1})",
		"json.elements": "json_extract({0}, '$[*]')::VARCHAR[]",
		"json.parse":    "(CASE WHEN json_valid({0}) THEN nullif({0}, 'null') ELSE {1} END)",
		"json.null":     "nullif({0}, 'null')",
		"json.length":   "json_array_length({0})::BIGINT",
		"json.type":     "json_type({0})",
		"json.list":     "to_json({0})::VARCHAR",

		"bin.number":      "CASE WHEN {0} >= {1} THEN ({0} - {1}) // {2} ELSE -(({1} - {0} + {2} - 1) // {2}) END",
		"bin.number.real": "floor(({0} - {1}) / {2})::BIGINT",
		"bin.last":        "(CASE WHEN {0} > {1} THEN ({0} - {1} - 1) // {2} ELSE -1 END)",
		"bin.last.real":   "(ceil(({0} - {1}) / {2})::BIGINT - 1)",

		"range.count":     "floor(({1} - {0}) / nullif({2}, 0))::BIGINT + 1",
		"range.count.int": "CASE WHEN ({2} > 0) = ({1} >= {0}) OR {1} = {0} THEN ({1} - {0}) // {2} + 1 ELSE 0 END",
		"range.guard":     "CASE WHEN {0} > {1} THEN error('a range of more rows than may be made') ELSE greatest({0}, 0) END",

		"random":       "random()",
		"random.below": "floor(random() * {0})",
		"guid.new":     "uuid()::VARCHAR",

		"row":           "struct_pack({*})",
		"row.field":     "{0} := {1}",
		"row.get":       "{0}.{1}",
		"count.true":    "count(*) FILTER (WHERE {0})",
		"filtered":      "{0} FILTER (WHERE {1})",
		"list":          "list({0})",
		"list.ordered":  "list({0} ORDER BY {1})",
		"list.set":      "list(DISTINCT {0})",
		"list.first":    "list_slice({0}, 1, {1})",
		"list.length":   "len({0})",
		"list.range":    "range({0})",
		"list.at":       "list_extract({0}, {1})",
		"list.empty":    "coalesce({0}, [])",
		"first":         "first({0})",
		"first.ordered": "first({0} ORDER BY {1})",
		"any.value":     "any_value({0})",
		"arg.max":       "arg_max({0}, {1})",
		"arg.min":       "arg_min({0}, {1})",
		"stdev":         "stddev_samp({0})",
		"stdevp":        "stddev_pop({0})",
		"variance":      "var_samp({0})",
		"variancep":     "var_pop({0})",
		"bit.and":       "bit_and({0})",
		"bit.or":        "bit_or({0})",
		"bit.xor":       "bit_xor({0})",

		"cte":        "{0} AS MATERIALIZED ({1})",
		"pair":       "[{0}, {1}]",
		"unnest":     "unnest({0})",
		"range":      "range({0})",
		"sample":     "{0} ORDER BY random()",
		"rowid":      "{0}.rowid",
		"site":       "kql_{0}({1})",
		"stage":      "kql_stage({0})",
		"semi":       "{0} SEMI JOIN {1} ON {2}",
		"anti":       "{0} ANTI JOIN {1} ON {2}",
		"unique.by":  "SELECT DISTINCT ON ({0}) {1}",
		"json.array": "from_json({0}, '[\"VARCHAR\"]')",
	},
}
