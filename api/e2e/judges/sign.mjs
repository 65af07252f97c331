// Signs one URL with AWS's own JavaScript signer. Standard input holds one
// JSON object: url, keyPairId, privateKeyFile, dateLessThan (RFC 3339) and,
// for another digest than SHA-1, algorithm ("SHA256"). Standard output gets
// the signed URL and nothing else.
import { readFileSync } from "node:fs";
import { getSignedUrl } from "@aws-sdk/cloudfront-signer";

const { privateKeyFile, ...request } = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(getSignedUrl({ ...request, privateKey: readFileSync(privateKeyFile, "utf8") }));
