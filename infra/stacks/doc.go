// Package stacks puts an environment together: which constructs its file asks
// for, in which stacks, and how they know of each other. What each of them
// promises stands in its own package, and whether they keep it together is
// tested here, request by request.
package stacks
