// POST /v1/uploads on AWS's presigner for S3.
// Environment: BUCKET, REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
import { randomUUID } from "node:crypto";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const { BUCKET, REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = process.env;
const life = 300; // seconds

export function route(app) {
  const s3 = new S3Client({
    region: REGION,
    credentials: { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY },
    // Otherwise the SDK signs the CRC-32 of the empty body that it has, and S3
    // refuses any other.
    requestChecksumCalculation: "WHEN_REQUIRED",
  });
  // The presigner signs Content-Length and If-None-Match as they come, and
  // Content-Type only where it is told to. What it can't do is say which
  // headers the URL is then good with: it returns nothing but the URL, so they
  // are written down a second time below.
  const signableHeaders = new Set(["content-type"]);
  const schema = {
    body: {
      type: "object",
      required: ["key", "contentType", "contentLength"],
      additionalProperties: false,
      properties: {
        key: { type: "string", minLength: 1, maxLength: 1024 },
        contentType: { type: "string", minLength: 1, maxLength: 255 },
        contentLength: { type: "integer", minimum: 1, maximum: 5 * 2 ** 30 },
      },
    },
  };

  app.post("/v1/uploads", { schema }, async (request, reply) => {
    const { key, contentType, contentLength } = request.body;
    if (!key.startsWith(`users/${request.subject}/`)) return reply.code(403).send();
    const put = new PutObjectCommand({
      Bucket: BUCKET,
      Key: key,
      ContentType: contentType,
      ContentLength: contentLength,
      IfNoneMatch: "*",
    });
    const signed = Date.now();
    const url = await getSignedUrl(s3, put, { expiresIn: life, signableHeaders });
    return reply.code(201).send({
      id: randomUUID(),
      key,
      method: "PUT",
      url,
      headers: { "Content-Type": contentType, "Content-Length": String(contentLength), "If-None-Match": "*" },
      expiresAt: new Date(signed + life * 1000).toISOString(),
    });
  });
}
