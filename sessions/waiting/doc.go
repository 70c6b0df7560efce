// Package waiting knows which devices of the guest network wait for internet, and who asks for help: what the desk sees
// first. All of it is in memory, bounded, and forgotten soon; nothing is kept of a request but what an Entry says.
package waiting
