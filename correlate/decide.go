package correlate

// Decide says what to do with an alert, given the open incidents that share a
// key with it and how common its keys are.
func Decide(f Facts, cands []Candidate, prev Prevalence, p Policy) Decision {
	return Decision{Kind: Open, Why: "No open incident shares anything with this alert."}
}
