package kql

import "testing"

// syntaxSamples are queries that together have every form of the grammar. Each
// is accepted.
var syntaxSamples = []string{
	`print 1, 1.5, 1e10, 0x1F, 1., 1.e5, 5m, 2.5h, 3ms, 4microsecond, 5tick, 1days, 2hours, 3minutes, true, False`,
	`print bool(true), bool(null), int(-1), long(0xff), real(nan), real(+inf), double(1), decimal(1.50), guid(74be27de-1e4e-49d9-b579-fe0b331d3642)`,
	`print datetime(2020-01-02), datetime(2020-01-02T03:04:05.678Z), date(null), timespan(1.02:03:04.5), time(2 days), timespan(15 seconds), timespan(-1h)`,
	"print 'a', \"b\\t\\x41\\u0041\\101\", @\"c\\\"\"d\", h'e', H@'f', ```g\n\"h``` , ~~~i~~~, 'j' \"k\"",
	`print dynamic({"a":[1,-2.5,null,true,"x",datetime(2020-01-01),1d,dynamic([])],"b":{}}), dynamic(null), dynamic("s")`,
	`print x.a.b['c'][0].["d"].['e'], a[-1], f(x, *, n=1).g[0], -x, +1, - 1`,
	`print a + b * c - d / e % f, a < b, (a or b) and c, not(a), a == b and c != d or e <> f`,
	`T | where a =~ "b" and a !~ "b" and a has "b" and a !has_cs "b" and a hasprefix "b" and a !hassuffix_cs "b" and a contains_cs "b" and a notcontains "b" and a startswith "b" and a !endswith_cs "b" and a matches regex "b" and a : "b" and a like "b"`,
	`T | where a in (1, 2) and a !in~ ("x") and a in (T | project a) and a has_any (dynamic(["x"])) and a has_all ("x", "y") and a between (1 .. 2) and a !between (ago(1d) .. now())`,
	`T | where * has "x" | where * == 1 | filter a`,
	`set notruncation; set a = 1; let x = 5; let f = (a: string, b: long = 5) { strcat(a, b) }; T`,
	`let f = (a: string, T: (x: long), U: (*)) { let y = a; T | take 1; }; let v = view () { T }; let m = materialize(T | take 1); f("x")`,
	`declare query_parameters(x: long = 1, y: string = "a"); print x`,
	`declare pattern app = (a: string)[b: string] { ("x").["y"] = { T | take 1; }; ("z", "w").["v"] = { let q = 1; U }; }; app("x").["y"]`,
	`alias database d = cluster("c").database("d"); restrict access to (T, U*, database("d").*); workspace("w").T`,
	`T | project a, b = c, ["x y"] = 1, (c, d) = f(x) | project-away a*, *b*, c | project-keep a | project-rename a = b | project-reorder a desc, *, b* granny-asc | project-by-names "a", dynamic(["b"])`,
	`T | extend a = 1, b | distinct * | distinct a, b | sort by a asc nulls last, b desc | order by a nulls first | take 1 | limit 2 | sample 3 | sample-distinct 4 of a`,
	`T | top 5 by a desc nulls last | top-nested 2 of a with others = "x" by b = sum(c), top-nested of d by max(e) asc | top-hitters 3 of a by b | count | count as n`,
	`T | summarize | summarize by a | summarize hint.strategy=shuffle hint.shufflekey=a c = count(), arg_max(t, *) by b, bin(d, 1h)`,
	`T | join Y on a | join kind = leftouter hint.remote=left (Y | take 1) on $left.a == $right.b, c | join (Y) | lookup kind=inner (Y) on a`,
	`union kind=outer withsource=S isfuzzy=true T, U*, (V | take 1), database("d").W*, ['x y'] | union Z`,
	`T | mv-expand a | mvexpand bagexpansion=array with_itemindex=i a, b = c to typeof(string) limit 10 | mv-expand kind=bag a to typeof(long)`,
	`T | mv-apply with_itemindex=i a, b = c to typeof(long) limit 5 on (where a > 1 | take 2) | mvapply id=b on (count) | mv-apply a id x on (take 1)`,
	`T | parse a with * "x=" x: long " y=" y "." * | parse-where kind=regex flags=Ui a with @"\d+" x | parse-kv a as (b: long, c: string) with (pair_delimiter=",", kv_delimiter="=")`,
	`T | make-series c = count() default = 0, d = sum(e) on t from ago(1d) to now() step 1h by a | make-series kind=nonempty count() on t in range(1, 10, 2) by a, b = c`,
	`T | serialize | serialize r = row_number() | as hint.materialized=true X | consume | getschema | invoke f(1).g(2) | evaluate pivot(a, sum(b)) : (*, x: long) | assert-schema (a: long)`,
	`range x from 1 to 10 step 1 | render timechart with (title="a", ycolumns=b, c, series=d, kind=stacked, ymin=0) | render piechart kind=default | render table by a, b`,
	`search kind=case_sensitive in (T, U*) "x" and a: "b" or * has "y" | search *`,
	`find withsource=s in (T, database("d").U*) where a == 1 project a, b: long, pack(*)`,
	`find a == 1 project-smart`,
	`T | reduce kind=source by a with threshold=0.1, characters="x" | fork x=(where a | count) (take 1) | facet by a, b with (take 1 | count)`,
	`T | partition hint.strategy=native by a (top 1 by b | project c) | partition by a in f() (take 1) | partition by a { U | where b == 1 }`,
	`T | scan with_match_id=m order by a asc partition by b declare (x: long = 0, y: string) with (step s1 optional output=last: a == 1 => x = s1.x + 1, y = "z"; step s2: true;)`,
	`T | make-graph a --> b with N on n, M on m | graph-match cycles=none (x)-[e]->(y)<-[f*1..3]-(z)--(w)-->()<--(v), (p)-[q]-(r) where x.a == 1 project x.b, c = e.d`,
	`T | make-graph a -- b with_node_id=n partitioned-by p (graph-mark-components kind=weak with_component_id=c | graph-to-table nodes as N with_node_id=i, edges)`,
	`G | graph-shortest-paths output=all (a)-[e*1..5]->(b) project a | graph-where-nodes a == 1 | graph-where-edges b`,
	"datatable(a: long, b: string, c: dynamic)[1, 'x', dynamic([1]), -2, \"y\" 'z', dynamic(null),]",
	`externaldata(a: string)[@"https://x/y.csv", h"z"] with (format="csv", ignoreFirstRecord=true)`,
	`T | extend x = toscalar(U | summarize max(a)), y = toscalar(1) | where a in ((U)) // end`,
	"T // comment\n\n| where a == 1 // another | take 2\n\u00a0| take\u202f1\u200b\ufeff",
	`T | mv-expand a to typeof(long) | extend b = typeof(string) | extend id = 1, title = 2, has = 3, by = 4`,
	`print ["a b"] = 1, ['c\'d'] = 2, 1x = 3, $y = 4`,
	`(T | take 1) | union (U) | join (V | take 1) on a`,
	`cluster("c").database("d").f(1).T`,
}

func TestSamples(t *testing.T) {
	for _, src := range syntaxSamples {
		q, err := Parse(src)
		if err != nil {
			t.Errorf("%s\n%v", src, err)
			continue
		}
		if d := roundTrip(q); d != "" {
			t.Error(d)
		}
	}
}
