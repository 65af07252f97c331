// Package lambda runs an http.Handler as an AWS Lambda function behind an API
// Gateway HTTP API (payload format 2.0) or a function URL, by AWS's own
// runtime client. It is not a web server and knows nothing of the gateway.
//
// A handler sees the request as a server behind TLS would, with these
// differences, which are API Gateway's ("Create AWS Lambda proxy integrations
// for HTTP APIs" in its Developer Guide):
//
//   - Headers of one name arrive as one, joined by commas; cookies as one
//     Cookie header.
//   - The query is as it was sent. The path isn't: an HTTP API unescapes it,
//     twice, cuts it off at a question mark that this brings forth, and refuses
//     a percent sign that is left over (as live captures from July 2026 show).
//     The handler gets what is left, escaped again. So no path can name a key
//     that holds "?" or "%"; bodies and queries can. A function URL hands the
//     path on as it was sent.
//   - The address of the client is the one that API Gateway saw, never one from
//     a header.
//   - Whole answers of 6 MB at most, in Base64 where they aren't UTF-8, else
//     Config.TooLarge's; no trailers, no hijacking.
//
// Lambda freezes the process between invocations. What a handler does after
// it has answered happens at the next invocation or never, so Config.Settle is
// for what must happen now.
package lambda
