// Package decisionhook asks an application who may do what: one signed POST
// for a question, one small JSON document for an answer.
//
// # The question
//
//	POST <URL>
//	Content-Type: application/json
//	webhook-id: <id>
//	webhook-timestamp: <seconds since 1970>
//	webhook-signature: v1,<Base64> [v1,<Base64> …]
//
//	{"type":"signgate.decision","timestamp":"2026-11-21T12:00:00Z","data":{
//	 "principal":{"kind":"person","subject":"alice","groups":["staff"],"tenant":"a"},
//	 "action":"read","key":"users/bob/a.png","address":"192.0.2.7"}}
//
// It is signed as Standard Webhooks says (https://www.standardwebhooks.com,
// specification 1.0.0): HMAC-SHA256 over id, timestamp and body, joined by dots.
// Its libraries verify that in most languages, and refuse a timestamp that is
// more than five minutes off. While a secret is being changed there are two
// signatures. A question is about one object, "key", or about everything
// below a "prefix", there now or later, whatever it is called: who allows a
// prefix allows each object below it.
//
// # The answer
//
//	200 OK
//	Content-Type: application/json
//
//	{"decision":"allow","expiresIn":60,"cacheFor":30,"reason":"…","message":"…"}
//
// decision is "allow" or "deny"; the rest may be left out. expiresIn is the
// longest life in seconds of each thing issued on the answer; it is counted from
// when the thing is issued, so a stable URL isn't stable where it is shorter
// than the URL's window. cacheFor says for how
// many seconds the answer stands for the same question, up to what Config says;
// 0 if left out. reason goes to the log, message to people. Anything else is no
// answer: another status, a redirect, another type, a member that isn't named
// here, more than 16 KiB, more than the timeout. No answer is never an allow.
//
// The package knows nothing of policies, and doesn't ask twice.
package decisionhook
