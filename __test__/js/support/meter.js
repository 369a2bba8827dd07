/** A proxy before an S3 server that counts the requests which really arrive there. */
import { createServer, request as send } from 'node:http';

function kindOf({ method, url, headers }) {
  if (method === 'PUT') return headers['x-amz-copy-source'] ? 'copy' : 'put';
  if (method === 'GET') return url.includes('list-type=2') ? 'list' : 'get';
  // A batch of deletions is a POST.
  return method === 'POST' ? 'delete' : method.toLowerCase();
}

/**
 * @param {string} target connection string of the server
 * @returns {Promise<{ connectionString: string, counts: Record<string, number>, order: string[], close: () => Promise<void> }>} `counts` by
 *   `put`, `copy`, `list`, `get`, `head`, `delete`; `order`
 *   the same as they arrived
 */
export async function startMeter(target) {
  const { hostname, port } = new URL(target);
  const counts = {};
  const order = [];
  const server = createServer((incoming, outgoing) => {
    const kind = kindOf(incoming);
    counts[kind] = (counts[kind] ?? 0) + 1;
    order.push(kind);
    const { method, url, headers } = incoming;
    // The signature is over the headers as the client sent them.
    const passed = send({ hostname, port, method, path: url, headers, setHost: false }, (response) => {
      outgoing.writeHead(response.statusCode, response.headers);
      response.pipe(outgoing);
    });
    passed.on('error', () => outgoing.destroy());
    incoming.pipe(passed);
  });
  await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const url = new URL(target);
  url.host = `127.0.0.1:${server.address().port}`;
  return {
    connectionString: url.href,
    counts,
    order,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      })
  };
}
