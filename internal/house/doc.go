// Package house holds the rules of the house as tests: which package may import which, that each package says what it is for, and
// what no code of ours may do. A broken rule fails the build with its reason.
package house
