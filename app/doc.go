// Package app puts the parts together: the only place where store, lake,
// intake, detection, cases, API and portal meet.
//
// It owns the order in which parts start and stop, and nothing of what they
// do. New makes them in one straight function, Start opens the door, Stop
// closes in reverse order, and works after a failed Start.
package app
