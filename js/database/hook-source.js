/** Hooks in `s3db.json` (`persistHooks`): source text, signed with the passphrase of the database. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { runInThisContext } from 'node:vm';
import { warnOnce } from '../util/warn.js';

const MARK = '__s3db_serialized_function';

function signature(passphrase, resourceName, event, name, code) {
  const message = ['s3db-hook-v1', resourceName, event, name, code].join('\n');
  return `hmac-sha256:${createHmac('sha256', Buffer.from(String(passphrase), 'utf8'))
    .update(message, 'utf8')
    .digest('hex')}`;
}

/** Hook table with functions as signed source text; entries that cannot be stored are left out. */
export function serializeHooks(database, resourceName, hooks) {
  if (!hooks || typeof hooks !== 'object') return hooks;
  const result = {};
  for (const event of Object.keys(hooks)) {
    if (!Array.isArray(hooks[event])) {
      result[event] = hooks[event];
      continue;
    }
    const entries = [];
    for (const hook of hooks[event]) {
      if (typeof hook === 'function') {
        if (!database.persistHooks) continue;
        const code = String(hook);
        const name = hook.name || 'anonymous';
        entries.push({ [MARK]: true, code, name, signature: signature(database.passphrase, resourceName, event, name, code) });
      } else if (hook !== null && typeof hook === 'object' && hook[MARK]) {
        entries.push(hook);
      }
    }
    if (entries.length > 0) result[event] = entries;
  }
  return result;
}

function signedHere(database, resourceName, event, entry) {
  if (typeof entry.signature !== 'string') return false;
  const expected = Buffer.from(signature(database.passphrase, resourceName, event, entry.name, entry.code));
  const given = Buffer.from(entry.signature);
  return expected.length === given.length && timingSafeEqual(expected, given);
}

function revive(database, resourceName, event, entry) {
  if (!signedHere(database, resourceName, event, entry) && database.options.trustUnsignedHooks !== true) {
    warnOnce(database, {
      code: 'HOOK_SOURCE_REFUSED',
      resource: `${resourceName}.${event}`,
      message: `Stored hook '${entry.name}' of '${resourceName}.${event}' is unsigned or altered and was not loaded`,
      details: { resource: resourceName, event, name: entry.name }
    });
    return null;
  }
  try {
    // Evaluated in global scope: closures of the original function are not visible.
    const value = runInThisContext(`(${entry.code})`);
    return typeof value === 'function' ? value : null;
  } catch (error) {
    if (database.verbose)
      console.warn(`[Database] hook '${entry.name}' of '${resourceName}.${event}' cannot be restored: ${error.message}`);
    return null;
  }
}

/** Stored hook table with its entries revived; without `persistHooks` entries stay plain objects and are never run. */
export function deserializeHooks(database, resourceName, hooks) {
  if (!hooks || typeof hooks !== 'object') return hooks;
  const result = {};
  for (const event of Object.keys(hooks)) {
    const list = hooks[event];
    if (!Array.isArray(list)) {
      // Summaries of later versions ({ count, handlers }) carry no functions.
      continue;
    }
    result[event] = list
      .map((entry) =>
        entry !== null && typeof entry === 'object' && entry[MARK] && database.persistHooks
          ? revive(database, resourceName, event, entry)
          : entry
      )
      .filter((entry) => entry !== null && entry !== undefined && entry !== '');
  }
  return result;
}
