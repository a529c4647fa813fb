package lake

import "testing"

// TestSplitPart: an element of a split text as text is taken by the engine; it
// is what the function and the element by themselves give.
func TestSplitPart(t *testing.T) {
	l := openLake(t, t.TempDir())
	const texts = `let T = datatable(x:string)["", ",", "a", "a,b", ",a,", "a,,b", "äö,ü,é", "a\"b,\\c", "a.b.c"];
`
	for _, at := range []string{"0", "1", "2", "5", "-1", "-2", "-5"} {
		for _, sep := range []string{",", ",,", ".", "ö"} {
			r := huntRowsOf(t, l, texts+`T | extend a = tostring(split(x, "`+sep+`")[`+at+`]) | extend parts = split(x, "`+sep+`") | extend at = tolong("`+at+`") | extend b = tostring(parts[at]) | where a != b | project x, a, b`, HuntOptions{AllTime: true})
			if len(r.rows) > 0 {
				t.Errorf("%q %s: text, ours, the function's: %q", sep, at, r.rows)
			}
		}
	}
}
