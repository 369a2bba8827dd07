/** What the Redis driver asks of a server: its keys by prefix, and which run of it answers. */

const SCAN_COUNT = 100;
const escapeGlob = (text) => text.replace(/[\\*?[\]^]/g, '\\$&');

/**
 * Names of the keys under a prefix, which is plain text.
 * @param {string} prefix
 * @param {(work: (client: any) => Promise<any>) => Promise<any>} run sends one command
 */
export async function keysUnder(prefix, run) {
  const found = new Set();
  const pattern = `${escapeGlob(prefix)}*`;
  let cursor = '0';
  do {
    const [next, names] = await run((client) => client.scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT));
    for (const name of names) found.add(name);
    cursor = next;
  } while (cursor !== '0');
  return [...found];
}

/** Id of the server's run, another one after each restart; null where the server does not tell. */
export async function serverRun(run) {
  let text;
  try {
    text = await run((client) => (typeof client.info === 'function' ? client.info('server') : Promise.resolve('')));
  } catch (error) {
    // It answered, and the user may not ask.
    if (error?.name === 'ReplyError') return null;
    throw error;
  }
  return /^run_id:(\S+)/m.exec(String(text))?.[1] ?? null;
}
