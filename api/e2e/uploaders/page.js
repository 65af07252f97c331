// What the page can do: one function per client, called by driver.mjs with
// parameters that the Go tests chose. Each uploads a file of random bytes and
// returns {error, body, sha256, key, …}: error is "" when the client calls it
// a success, body what a refusing server said.
import { DirectUpload } from "@rails/activestorage";
import AwsS3 from "@uppy/aws-s3";
import Uppy from "@uppy/core";
import * as FilePond from "filepond";
import * as uppy5 from "uppy5";
import { signgateProcess } from "./filepond-adapter.js";

const chunkSize = 5 << 20; // the smallest that S3 takes

// makeFile returns a file of random bytes.
function makeFile({ name, type, size }) {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
  return new File([bytes], name, { type });
}

async function sha256(file) {
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  return Array.from(sum, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// What no log may hold beside the signatures in URLs: those in forms.
const secrets = new Set();
for (const name of ["set", "append"]) {
  const add = FormData.prototype[name];
  FormData.prototype[name] = function (field, value, ...rest) {
    if (/^(x-amz-signature|policy)$/i.test(field)) secrets.add(value);
    return add.call(this, field, value, ...rest);
  };
}

// expire waits until a presigned URL is older than it may get.
async function expire(url) {
  const query = new URL(url).searchParams;
  const began = query.get("X-Amz-Date").replace(/(....)(..)(..T..)(..)(..Z)/, "$1-$2-$3:$4:$5");
  const end = Date.parse(began) + 1000 * Number(query.get("X-Amz-Expires"));
  while (Date.now() <= end + 1000) await new Promise((resolve) => setTimeout(resolve, 20)); // S3's clock has whole seconds
}

// beforePart puts a slow network below the client: fn is called with the URL
// of part `number` when it is first to be sent, and says whether it is.
function beforePart(number, fn) {
  const { open, send, abort } = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.open = function (method, url, ...rest) {
    this.part = method === "PUT" ? Number(new URL(url).searchParams.get("partNumber")) : 0;
    this.address = url;
    return open.call(this, method, url, ...rest);
  };
  XMLHttpRequest.prototype.send = async function (body) {
    if (this.part === number) {
      number = 0;
      this.stalled = true;
      await new Promise((resolve) => setTimeout(resolve)); // the client is done with sending
      if (!(await fn(this.address)) || !this.stalled) return;
      this.stalled = false;
    }
    send.call(this, body);
  };
  XMLHttpRequest.prototype.abort = function () {
    if (this.stalled) this.dispatchEvent(new ProgressEvent("abort")); // as one that is on its way
    this.stalled = false;
    abort.call(this);
  };
}

// upload lets an Uppy upload one file, with the interruptions that are asked
// for: pauseAfter (a part), reload (then a new Uppy goes on, with what the old
// one knew of the upload), stallAt (a part that never arrives; then a pause
// longer than its life), lateAt (a part that is sent when its life is over),
// retry (after the first failure), cancelAfter (a part).
async function upload(makeUppy, params) {
  const file = makeFile(params.file);
  const outcome = { error: "", firstError: "", body: "", sha256: await sha256(file), key: "", stale: "", tidies: Boolean(params.cancelAfter) };
  const add = (uppy) => {
    uppy.on("upload-success", (_, response) => { outcome.key = response.body.key; });
    uppy.on("upload-error", (_, error, response) => {
      outcome.error = error.message;
      outcome.body = error.body ?? (error.request ?? error.source ?? response)?.responseText ?? "";
    });
    return uppy.addFile({ name: file.name, type: file.type, data: file, meta: params.meta });
  };
  const uppy = makeUppy();
  const id = add(uppy);
  uppy.on("s3-multipart:part-uploaded", (_, { PartNumber }) => {
    if (PartNumber === params.pauseAfter) uppy.pauseAll();
    if (PartNumber === params.cancelAfter) uppy.cancelAll();
  });
  if (params.stallAt) beforePart(params.stallAt, (url) => { outcome.stale = url; uppy.pauseAll(); return false; });
  if (params.lateAt) beforePart(params.lateAt, async (url) => { outcome.stale = url; await expire(url); return true; });
  const happens = (event) => new Promise((resolve) => uppy.on(event, resolve));
  const paused = happens("pause-all"), cancelled = happens("cancel-all");

  let uploading = uppy.upload();
  if (params.pauseAfter || params.stallAt) {
    await paused;
    if (params.stallAt) await expire(outcome.stale);
    if (params.reload) {
      const next = makeUppy();
      next.setFileState(add(next), { s3Multipart: uppy.getFile(id).s3Multipart });
      uploading = next.upload();
    } else {
      uppy.resumeAll();
    }
  }
  await Promise.race([uploading, cancelled]);
  if (params.retry && outcome.error) {
    outcome.firstError = outcome.error;
    outcome.error = "";
    await uppy.retryAll();
  }
  return { ...outcome, secrets: [...secrets] };
}

// sign is the `signRequest` that an app gives Uppy 6.
const sign = ({ gateway, token }) => async (request) => {
  const response = await fetch(`${gateway}/v1/uploads/sign`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify(request),
  });
  if (!response.ok) throw new Error(`refused with ${response.status}`);
  return response.json();
};

// direct sends a file as Rails does.
const direct = (file, url, delegate) =>
  new Promise((resolve) => new DirectUpload(file, url, delegate).create((error, blob) => resolve({ error: error ?? "", blob })));

globalThis.scenarios = {
  // Uppy 6 in companion mode: {session, multipart, file}
  uppy6(params) {
    const options = { companionEndpoint: params.session, shouldUseMultipart: params.multipart, getChunkSize: () => chunkSize };
    return upload(() => new Uppy().use(AwsS3, options), params);
  },

  // Uppy 6 with signatures of the app's own: {gateway, token, prefix, multipart, file}
  uppy6sign(params) {
    const options = {
      signRequest: sign(params), shouldUseMultipart: params.multipart, getChunkSize: () => chunkSize,
      generateObjectKey: (file) => params.prefix + file.name,
    };
    return upload(() => new Uppy().use(AwsS3, options), params);
  },

  // Uppy 5: {session, headers, multipart, limit, file}. limit is how many
  // requests it sends at once.
  uppy5(params) {
    const options = {
      endpoint: params.session, headers: params.headers, limit: params.limit ?? 6,
      shouldUseMultipart: params.multipart, getChunkSize: () => chunkSize,
    };
    return upload(() => new uppy5.Uppy().use(uppy5.AwsS3, options), params);
  },

  // ActiveStorage: {session, file, tamper}. tamper sends other bytes of the
  // same length than those whose checksum was promised.
  async activeStorage({ session, file: description, tamper }) {
    const file = makeFile(description);
    const delegate = {
      directUploadWillStoreFileWithXHR(xhr) {
        xhr.addEventListener("readystatechange", () => { outcome.body = xhr.responseText; }); // before the client hears of it
        if (tamper) xhr.send = () => XMLHttpRequest.prototype.send.call(xhr, makeFile(description));
      },
    };
    const outcome = { body: "", sha256: await sha256(file) };
    return Object.assign(outcome, await direct(file, `${session}/direct_uploads`, delegate));
  },

  // What Shrine's documentation does, without Uppy: {session, file}
  async shrine({ session, file: description }) {
    const file = makeFile(description);
    const answer = await fetch(`${session}/presign?${new URLSearchParams({ filename: file.name, type: file.type })}`);
    if (!answer.ok) return { error: `refused with ${answer.status}`, body: await answer.text() };
    const { method, url, fields, headers } = await answer.json();
    let body = file;
    if (method.toUpperCase() === "POST") {
      body = new FormData();
      for (const [name, value] of Object.entries(fields)) body.append(name, value);
      body.append("file", file);
    }
    const response = await fetch(url, { method, headers, body });
    return {
      error: response.ok ? "" : `S3 answers ${response.status}`, body: await response.text(),
      sha256: await sha256(file), key: fields?.key ?? "", secrets: [...secrets],
    };
  },

  // FilePond with its adapter: {session, file, abort}
  async filePond({ session, file: description, abort }) {
    const file = makeFile(description);
    const send = signgateProcess(session);
    const process = (...parameters) => {
      if (abort) queueMicrotask(() => pond.getFile().abortProcessing()); // before any answer
      return send(...parameters);
    };
    const pond = FilePond.create({ server: { process }, instantUpload: false, allowMinimumUploadDuration: false });
    document.body.append(pond.element);
    const error = await new Promise((resolve) => {
      pond.on("processfile", (failure) => resolve(failure ? String(failure.body ?? failure) : ""));
      pond.on("processfileabort", () => resolve("aborted"));
      pond.addFile(file).then((item) => pond.processFile(item.id)).catch(() => {});
    });
    return { error, body: "", sha256: await sha256(file), key: pond.getFile().serverId ?? "", secrets: [...secrets] };
  },
};
