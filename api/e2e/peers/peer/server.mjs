// What one would otherwise write: a Fastify service that checks an access
// token with jose and signs with AWS's own signer, one process per core.
// Environment: PORT, ISSUER, AUDIENCE, CDN_URL, KEY_ID, KEY_FILE (PKCS#8) and
// ALGORITHM (SHA1 or SHA256).
import cluster from "node:cluster";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { getSignedUrl } from "@aws-sdk/cloudfront-signer";
import Fastify from "fastify";
import { createRemoteJWKSet, jwtVerify } from "jose";

const { PORT, ISSUER, AUDIENCE, CDN_URL, KEY_ID, KEY_FILE, ALGORITHM } = process.env;

if (cluster.isPrimary) {
  for (let n = 0; n < availableParallelism(); n++) cluster.fork();
  process.on("SIGINT", () => process.exit(0));
} else {
  const privateKey = readFileSync(KEY_FILE, "utf8");
  const keys = createRemoteJWKSet(new URL(`${ISSUER}/jwks`));
  const app = Fastify();

  app.addHook("onRequest", async (request, reply) => {
    const token = request.headers.authorization?.replace(/^Bearer /, "") ?? "";
    try {
      const { payload } = await jwtVerify(token, keys, { issuer: ISSUER, audience: AUDIENCE });
      request.subject = payload.sub;
    } catch {
      return reply.code(401).send();
    }
  });

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

  await app.listen({ port: Number(PORT), host: "127.0.0.1" });
}
