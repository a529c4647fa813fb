//go:build race

package detect

// raceEnabled thins out the long comparisons: the race detector makes them ten
// times slower and finds nothing new in each further event.
const raceEnabled = true
