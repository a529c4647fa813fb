package lake

func childMain() bool { return false }
