package lake

import (
	"encoding/json"

	"github.com/tocsinhq/tocsin/kql"
)

func parseDynamic(s string) kql.Dyn { var v any; json.Unmarshal([]byte(s), &v); return v }
func dynamicText(v kql.Value) string {
	b, _ := json.Marshal(v.Dynamic())
	return string(b)
}
