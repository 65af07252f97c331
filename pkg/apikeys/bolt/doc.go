// Package bolt keeps API keys in one file, for one machine. The file is open
// only while it is read or written, so that an operator's command works beside
// a running gateway; a lock of the operating system keeps them apart. A change
// is on disk when it returns, whole or not at all.
package bolt
