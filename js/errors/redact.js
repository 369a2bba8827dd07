/** Copies of error details that are safe to log: no bodies, no credentials. */

const REDACTED = '[redacted]';
const MAX_DEPTH = 8;

/** Members whose value is a credential or a record body, in lower case without `_` and `-`. */
const SENSITIVE = new Set([
  'accesskeyid',
  'authorization',
  'body',
  'clientsecret',
  'content',
  'cookie',
  'credentials',
  'passphrase',
  'password',
  'pepper',
  'plaintext',
  'privatekey',
  'salt',
  'secret',
  'secretaccesskey',
  'secretkey',
  'sessiontoken',
  'ssecustomerkey',
  'token'
]);

const USER_INFO = /([a-z][a-z0-9+.-]*:\/\/)[^\s/?#]*@/gi;

/**
 * Text with the user information of every URL in it replaced.
 * @param {string} text
 * @returns {string}
 */
export function redactUrls(text) {
  return text.includes('@') ? text.replace(USER_INFO, '$1***@') : text;
}

/**
 * Copy of a value with bodies and credentials replaced; cycles and deep nesting are cut.
 * @param {unknown} value
 * @returns {any}
 */
export function redact(value) {
  return copy(value, 0, new Set());
}

/**
 * Copy of the input of a client command: names stay, contents go.
 * @param {unknown} input
 * @returns {any}
 */
export function redactCommandInput(input) {
  const out = redact(input);
  if (out !== null && typeof out === 'object' && out.Metadata !== null && typeof out.Metadata === 'object') {
    out.Metadata = Object.fromEntries(Object.keys(out.Metadata).map((name) => [name, REDACTED]));
  }
  return out;
}

function copy(value, depth, ancestors) {
  if (typeof value === 'string') return redactUrls(value);
  if (typeof value === 'bigint') return String(value);
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof Date) return value;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (ancestors.has(value)) return '[circular]';
  if (depth >= MAX_DEPTH) return '[nested]';
  if (value instanceof Error) return describeError(value);
  ancestors.add(value);
  const out = Array.isArray(value) ? value.map((item) => copy(item, depth + 1, ancestors)) : copyMembers(value, depth, ancestors);
  ancestors.delete(value);
  return out;
}

function copyMembers(object, depth, ancestors) {
  const out = {};
  for (const name of Object.keys(object)) {
    if (name === '__proto__') continue;
    const item = object[name];
    const hidden = SENSITIVE.has(name.replace(/[_-]/g, '').toLowerCase()) && item !== null && item !== undefined;
    out[name] = hidden ? REDACTED : copy(item, depth + 1, ancestors);
  }
  return out;
}

/**
 * Name, message and transport facts of an error, without its other members.
 * @param {any} error
 */
export function describeError(error) {
  const out = { name: error.name, message: redactUrls(String(error.message)) };
  for (const name of ['code', 'Code', 'statusCode', 'requestId', '$metadata']) {
    if (error[name] !== undefined) out[name] = name === '$metadata' ? { ...error[name] } : error[name];
  }
  return out;
}
