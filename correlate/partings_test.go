package correlate

import (
	"reflect"
	"testing"
)

func TestPartings(t *testing.T) {
	// One incident of five comes apart into three; 5 and 6 stay together.
	whole := []int64{1, 1, 1, 1, 1, 2, 2}
	parts := []int64{1, 1, 3, 3, 4, 5, 5}
	ties := []Tie{{1, 0, 1, "a"}, {2, 1, 1.1, "weak"}, {3, 1, 1.4, "strong"}, {4, 3, 1.2, "far"}, {6, 5, 2, "b"}}
	n, out := Partings(whole, parts, ties, 10)
	want := []Parting{{Main: []int{0, 1}, Piece: []int{2, 3}, Tie: &ties[2]}, {Main: []int{2, 3}, Piece: []int{4}, Tie: &ties[3]}}
	if n != 1 || !reflect.DeepEqual(out, want) {
		t.Errorf("%d %+v", n, out)
	}
	if n, out := Partings(whole, parts, nil, 1); n != 1 || len(out) != 1 || out[0].Tie != nil {
		t.Errorf("without ties and with a limit: %d %+v", n, out)
	}
	if n, out := Partings(parts, whole, ties, 10); n != 0 || out != nil {
		t.Errorf("nothing is merged: %d %+v", n, out)
	}
}
