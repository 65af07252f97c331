// What one would otherwise write: a Fastify service that checks an access
// token with jose and signs with AWS's own signers, one process per core.
// Environment: PORT, ISSUER and AUDIENCE, and what the one route needs that
// ROUTE names: reads.mjs or uploads.mjs. Each runs by itself, so that neither
// carries the other's modules.
import Fastify from "fastify";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { perCore } from "./cluster.mjs";

const { PORT, ISSUER, AUDIENCE, ROUTE } = process.env;

await perCore(async () => {
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

  const { route } = await import(`./${ROUTE}.mjs`);
  route(app);
  await app.listen({ port: Number(PORT), host: "127.0.0.1" });
});
