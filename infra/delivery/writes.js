// Viewer request of the behaviour that uploads and deletes. CloudFront has
// verified the signature before, over the whole URL: what the query says is
// what was signed for. Here the request is held to it. Whatever is missing,
// there twice, unknown or of another form is refused.
const PREFIX = '@PREFIX@';

const OWN = ['sg-id', 'sg-length', 'sg-method', 'sg-type'];
const CLOUDFRONT = ['Expires', 'Hash-Algorithm', 'Key-Pair-Id', 'Signature'];
const COOKIES = ['CloudFront-Expires', 'CloudFront-Hash-Algorithm', 'CloudFront-Key-Pair-Id', 'CloudFront-Policy', 'CloudFront-Signature'];
const LONGEST_KEY = 1024; // bytes, as S3 counts them

function handler(event) {
  try {
    const request = event.request;
    const reason = refusal(request);
    if (reason) {
      return forbidden(reason);
    }
    request.uri = request.uri.slice(PREFIX.length - 1);
    request.querystring = {};
    return request;
  } catch (e) {
    return forbidden('the request can not be read');
  }
}

function forbidden(reason) {
  return {
    statusCode: 403,
    statusDescription: 'Forbidden',
    headers: { 'cache-control': { value: 'no-store' }, 'content-type': { value: 'text/plain; charset=utf-8' } },
    body: reason + '\n',
  };
}

// refusal says why the request is not the one that was signed for; '' if it is.
function refusal(request) {
  if (hasAny(request.cookies, COOKIES)) {
    return 'signed cookies do not write';
  }
  const query = request.querystring;
  const names = Object.keys(query);
  for (let i = 0; i < names.length; i++) {
    if (OWN.indexOf(names[i]) < 0 && CLOUDFRONT.indexOf(names[i]) < 0) {
      // Policy is such a one: with a wildcard its holder could write the
      // parameters itself.
      return 'the URL has a parameter that does not belong there';
    }
    if (query[names[i]].multiValue) {
      return 'the URL has a parameter twice';
    }
  }
  if (!/^[0-9A-Za-z]{1,64}$/.test(valueOf(query, 'sg-id'))) {
    return 'sg-id is missing';
  }
  if (!isKey(request.uri)) {
    return 'the path is not ' + PREFIX + ' and a key in its one encoding';
  }
  const method = valueOf(query, 'sg-method');
  if (method !== 'PUT' && method !== 'DELETE') {
    return 'sg-method is PUT or DELETE';
  }
  if (request.method !== method) {
    return 'the URL is for another method';
  }
  return method === 'PUT' ? refusalOfPut(request, query) : refusalOfDelete(request, query);
}

function refusalOfPut(request, query) {
  const length = valueOf(query, 'sg-length');
  if (!/^(0|[1-9][0-9]{0,15})$/.test(length)) {
    return 'sg-length is a number of bytes';
  }
  if (header(request, 'transfer-encoding') !== undefined || header(request, 'content-length') !== length) {
    return 'Content-Length is not sg-length';
  }
  const type = decoded(valueOf(query, 'sg-type'));
  if (!/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(type)) {
    return 'sg-type is a media type';
  }
  if (header(request, 'content-type') !== type) {
    return 'Content-Type is not sg-type';
  }
  if (header(request, 'content-encoding') !== undefined) {
    return 'Content-Encoding is not signed for';
  }
  return '';
}

function refusalOfDelete(request, query) {
  if (query['sg-length'] || query['sg-type']) {
    return 'a DELETE has neither sg-length nor sg-type';
  }
  const length = header(request, 'content-length');
  if (header(request, 'transfer-encoding') !== undefined || (length !== undefined && length !== '0')) {
    return 'a DELETE has no body';
  }
  return '';
}

// isKey asks for the prefix and a key as it is encoded everywhere else: all but
// RFC 3986's unreserved characters and the slash, in capital hexadecimals.
function isKey(uri) {
  if (uri.indexOf(PREFIX) !== 0) {
    return false;
  }
  const path = uri.slice(PREFIX.length);
  const key = decoded(path);
  if (/[\x00-\x1f\x7f-\x9f]/.test(key) || encoded(key) !== path || sizeOf(path) > LONGEST_KEY) {
    return false;
  }
  const segments = key.split('/');
  for (let i = 0; i < segments.length; i++) {
    if (segments[i] === '' || segments[i] === '.' || segments[i] === '..') {
      return false;
    }
  }
  return true;
}

function encoded(key) {
  return encodeURIComponent(key)
    .replace(/%2F/g, '/')
    .replace(/[!'()*]/g, function (c) { return '%' + c.charCodeAt(0).toString(16).toUpperCase(); });
}

// decoded is '' for what is no percent-encoded UTF-8.
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch (e) {
    return '';
  }
}

// sizeOf is the number of bytes that an encoded path stands for.
function sizeOf(path) {
  return path.replace(/%[0-9A-F]{2}/g, 'x').length;
}

function valueOf(query, name) {
  return query[name] ? query[name].value : '';
}

// header is undefined where there is none, and null where there are two, which
// is like no value that is asked for.
function header(request, name) {
  const found = request.headers[name];
  if (!found) {
    return undefined;
  }
  return found.multiValue ? null : found.value;
}

function hasAny(fields, names) {
  for (let i = 0; i < names.length; i++) {
    if (fields && fields[names[i]]) {
      return true;
    }
  }
  return false;
}
