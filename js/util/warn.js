/** Warnings: database event `db:warning` once per code and subject, process warning `S3DB_<code>` once per text. */

const printed = new Set();
const raised = new WeakMap();

/**
 * @param {object | null | undefined} database emitter of `db:warning`; without one only the process warns
 * @param {{ code: string, message: string, resource?: string, plugin?: string, details?: object }} warning
 */
export function warnOnce(database, warning) {
  const subject = `${warning.code}\n${warning.resource ?? ''}\n${warning.plugin ?? ''}\n${warning.details?.option ?? ''}`;
  if (database) {
    const seen = raised.get(database) ?? new Set();
    raised.set(database, seen);
    if (!seen.has(subject)) {
      seen.add(subject);
      database.emit('db:warning', warning);
    }
  }
  if (!printed.has(warning.message)) {
    printed.add(warning.message);
    process.emitWarning(warning.message, { type: 'S3dbWarning', code: `S3DB_${warning.code}` });
  }
}
