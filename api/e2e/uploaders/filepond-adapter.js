// The `server.process` of FilePond (4.x) for an upload session of signgate:
//
//   FilePond.create(element, { server: { process: signgateProcess(session.url) } });
//
// FilePond by itself sends files through a server. This asks for a POST form
// and sends the file straight to S3; what FilePond then knows the file by is
// its key.
export const signgateProcess = (sessionUrl) => (fieldName, file, metadata, load, error, progress, abort) => {
  const asking = new AbortController();
  const request = new XMLHttpRequest();
  const query = new URLSearchParams({ filename: file.name, type: file.type || "application/octet-stream" });
  fetch(`${sessionUrl}/presign?${query}`, { signal: asking.signal })
    .then((response) => (response.ok ? response.json() : Promise.reject(new Error(`refused with ${response.status}`))))
    .then(({ url, fields }) => {
      const form = new FormData();
      for (const [name, value] of Object.entries(fields)) form.append(name, value);
      form.append("file", file, file.name); // the last: S3 ignores what follows
      request.upload.onprogress = (event) => progress(event.lengthComputable, event.loaded, event.total);
      request.onload = () => (request.status < 300 ? load(fields.key) : error(`S3 answers ${request.status}`));
      request.onerror = () => error("S3 can't be reached");
      request.open("POST", url);
      request.send(form);
    })
    .catch((reason) => asking.signal.aborted || error(reason.message));
  return { abort: () => { asking.abort(); request.abort(); abort(); } };
};
