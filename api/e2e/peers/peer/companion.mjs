// Uppy's Companion in an Express app, for S3 only, one process per core. What
// S3 doesn't need is left out in its favour: sessions, request log, metrics.
// It asks nobody who they are.
// Environment: PORT, FOLDER (to write in), BUCKET, REGION, AWS_ACCESS_KEY_ID
// and AWS_SECRET_ACCESS_KEY.
import { app as companion } from "@uppy/companion";
import express from "express";
import { perCore } from "./cluster.mjs";

const { PORT, FOLDER, BUCKET, REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = process.env;

await perCore(() => {
  const { app } = companion({
    s3: { key: AWS_ACCESS_KEY_ID, secret: AWS_SECRET_ACCESS_KEY, bucket: BUCKET, region: REGION },
    server: { host: `127.0.0.1:${PORT}`, protocol: "http" },
    filePath: FOLDER,
    secret: "bench",
    corsOrigins: ["https://app.example.com"],
    uploadUrls: ["https://app.example.com/"],
    metrics: false,
  });
  express().use(app).listen(Number(PORT), "127.0.0.1");
});
