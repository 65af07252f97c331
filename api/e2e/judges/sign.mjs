// Signs with AWS's own JavaScript signer. Standard input holds one JSON
// object: url, keyPairId, privateKeyFile, dateLessThan (RFC 3339); for a custom
// policy dateGreaterThan and ipAddress, or policy itself; for another digest
// than SHA-1 algorithm ("SHA256"). Standard output gets the signed URL, or with
// cookies: true the cookies as a Cookie header, and nothing else.
import { readFileSync } from "node:fs";
import { getSignedCookies, getSignedUrl } from "@aws-sdk/cloudfront-signer";

const { privateKeyFile, cookies, ...request } = JSON.parse(readFileSync(0, "utf8"));
const signed = { ...request, privateKey: readFileSync(privateKeyFile, "utf8") };
process.stdout.write(
  cookies
    ? Object.entries(getSignedCookies(signed)).map(([name, value]) => `${name}=${value}`).join("; ")
    : getSignedUrl(signed),
);
