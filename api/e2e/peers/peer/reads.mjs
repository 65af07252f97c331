// POST /v1/read-urls on AWS's signer for CloudFront.
// Environment: CDN_URL, KEY_ID, KEY_FILE (PKCS#8) and ALGORITHM (SHA1 or SHA256).
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { getSignedUrl } from "@aws-sdk/cloudfront-signer";

const { CDN_URL, KEY_ID, KEY_FILE, ALGORITHM } = process.env;

export function route(app) {
  const privateKey = readFileSync(KEY_FILE, "utf8");
  const key = { type: "string", minLength: 1, maxLength: 1024 };
  const item = { type: "object", required: ["key"], additionalProperties: false, properties: { key } };
  const items = { type: "array", minItems: 1, maxItems: 1000, items: item };
  const schema = { body: { type: "object", required: ["items"], additionalProperties: false, properties: { items } } };

  app.post("/v1/read-urls", { schema }, async (request) => {
    const expires = Math.floor(Date.now() / 1000) + 300;
    return {
      items: request.body.items.map(({ key }) => {
        if (!key.startsWith(`users/${request.subject}/`)) return { key, problem: { status: 404 } };
        const id = randomUUID();
        const url = getSignedUrl({
          url: `${CDN_URL}/${key.split("/").map(encodeURIComponent).join("/")}?sg-id=${id}`,
          keyPairId: KEY_ID,
          privateKey,
          dateLessThan: expires * 1000,
          ...(ALGORITHM === "SHA256" && { algorithm: "SHA256" }),
        });
        return { key, id, url, expiresAt: new Date(expires * 1000).toISOString() };
      }),
    };
  });
}
