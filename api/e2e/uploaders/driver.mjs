// Runs scenarios of page.js in a headless Chromium, on a page whose origin is
// neither the gateway's nor S3's. First prints {"origin"}. Then reads one JSON
// object a line, {"scenario", "params"}, runs it in a browser context of its
// own and prints one line: what the scenario returned, and the requests that
// the browser sent for it, CORS preflights too. Ends with standard input.
import { accessSync, constants } from "node:fs";
import { createServer } from "node:http";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { chromium } from "playwright-core";

const patience = 25_000; // milliseconds that a scenario may take

function findChromium() {
  const folders = ["/usr/bin", ...(process.env.PATH ?? "").split(delimiter)];
  const names = ["chromium", "chromium-browser", "google-chrome"];
  const candidates = process.env.CHROMIUM ? [process.env.CHROMIUM] : names.flatMap((name) => folders.map((folder) => join(folder, name)));
  const found = candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (!found) {
    console.error("no Chromium is installed: install the Debian package chromium, or name a binary in the variable CHROMIUM");
    process.exit(1);
  }
  return found;
}

async function servePage() {
  const bundle = await build({
    entryPoints: [fileURLToPath(new URL("page.js", import.meta.url))],
    bundle: true, write: false, format: "iife", target: "es2022", logLevel: "error",
  });
  // Pages made by Rails carry the token; ActiveStorage sends it along.
  const html = '<!doctype html><meta charset="utf-8"><meta name="csrf-token" content="of-the-page"><title>uploaders</title><script src="/page.js"></script>';
  const server = createServer((request, response) => {
    if (request.url === "/page.js") {
      response.setHeader("Content-Type", "text/javascript; charset=utf-8").end(bundle.outputFiles[0].contents);
    } else if (request.url === "/") {
      response.setHeader("Content-Type", "text/html; charset=utf-8").end(html);
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { origin: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

// record keeps what the page sends to others. Chromium's own protocol tells
// of preflights; intercepting requests would answer them in S3's place.
async function record(context, page, origin) {
  const requests = new Map();
  const session = await context.newCDPSession(page);
  session.on("Network.requestWillBeSent", ({ requestId, request }) => {
    if (request.url.startsWith("http") && !request.url.startsWith(origin)) {
      requests.set(requestId, { method: request.method, url: request.url, preflight: request.method === "OPTIONS", status: 0, done: false });
    }
  });
  const change = ({ requestId }, members) => Object.assign(requests.get(requestId) ?? {}, members);
  session.on("Network.responseReceived", (event) => change(event, { status: event.response.status, done: true })); // its body may stay unread
  session.on("Network.loadingFinished", (event) => change(event, { done: true }));
  session.on("Network.loadingFailed", (event) => change(event, { done: true }));
  await session.send("Network.enable");
  return () => [...requests.values()];
}

async function until(condition) {
  const enough = Date.now() + patience;
  while (!condition()) {
    if (Date.now() > enough) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function run(browser, origin, { scenario, params }) {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    const said = [];
    page.on("console", (message) => said.push(message.text()));
    page.on("pageerror", (error) => said.push(String(error)));
    const requests = await record(context, page, origin);
    await page.goto(origin);
    const outcome = await Promise.race([
      page.evaluate(([scenario, params]) => globalThis.scenarios[scenario](params), [scenario, params]),
      new Promise((resolve) => setTimeout(resolve, patience, { error: "the scenario doesn't end" })),
    ]);
    // A client that is cancelled tidies up on its own time. (A preflight whose
    // request is called off isn't reported as done.)
    await until(() => requests().every(({ done, preflight }) => done || preflight) &&
      (!outcome.tidies || requests().some(({ method }) => method === "DELETE")));
    return { ...outcome, requests: requests(), console: said };
  } finally {
    await context.close();
  }
}

const executablePath = findChromium();
const [page, browser] = await Promise.all([
  servePage(),
  chromium.launch({
    executablePath, headless: true, handleSIGINT: false,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  }),
]);
const lines = createInterface({ input: process.stdin });
process.on("SIGINT", () => lines.close());
console.log(JSON.stringify({ origin: page.origin }));
for await (const line of lines) {
  const outcome = await run(browser, page.origin, JSON.parse(line)).catch((error) => ({ error: String(error?.stack ?? error) }));
  console.log(JSON.stringify(outcome));
}
await browser.close();
page.close();
process.exit(0);
