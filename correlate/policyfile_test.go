package correlate

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

func TestParsePolicy(t *testing.T) {
	p, err := ParsePolicy([]byte(`{"join": 1.2, "windowHours": 24, "maxEntities": 7, "weights": {"sameUser": {"full": 0.5}}}`))
	want := DefaultPolicy()
	if err != nil || p.Join != 1.2 || p.Window != 24*time.Hour || p.MaxEntities != 7 || p.Merge != want.Merge ||
		p.Weights[SameUser] != (Weight{0.5, 8 * time.Hour, 3}) || p.Weights[SameIP] != want.Weights[SameIP] {
		t.Errorf("%+v, %v", p, err)
	}
	want.GroupsApart = true
	back, err := ParsePolicy(want.File())
	if err != nil || !reflect.DeepEqual(back, want) {
		t.Errorf("%+v, %v", back, err)
	}
	for text, say := range map[string]string{
		`{"join": 0}`: "join is 0", `{"join": 2, "merge": 1}`: "merge is 1", `{"windowHours": 1e9}`: "windowHours", `{"maxEntities": -1}`: "maxEntities is -1",
		`{"weights": {"sameHat": {"full": 1}}}`: "sameHat", `{"weights": {"sameIp": {"full": 9}}}`: "weights.sameIp.full is 9", `{"jion": 1}`: "jion", `[]`: "no policy", `{} {}`: "more after",
	} {
		if _, err := ParsePolicy([]byte(text)); tocsin.CodeOf(err) != tocsin.CodeInvalid || !strings.Contains(err.Error(), say) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := ParsePolicy([]byte(strings.Repeat(" ", MaxPolicyBytes+1))); tocsin.CodeOf(err) != tocsin.CodeLimit {
		t.Error(err)
	}
}
