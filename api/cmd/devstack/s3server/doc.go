// Package s3server runs a real S3 server on this machine, for the local stack
// and its tests: versitygw on a folder, in a child process.
//
// It needs a process of its own, because the server changes the working
// directory of its process and can stand in it only once. The child is this
// same binary, started again with ChildArgument; it ends when its standard
// input closes, so it can't outlive its parent, however that ends.
//
// It is no place for data that matters, and what AWS does about KMS,
// lifecycles or service principals it doesn't do.
package s3server
