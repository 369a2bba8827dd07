/** Serving the exposition text: as a route of the API plugin, or from a server of its own (spec/12 section B.5). */
import { PluginError } from '../../errors/index.js';

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
/** Networks that may ask when the server listens on all interfaces: loopback and private ones. */
const PRIVATE = ['127.0.0.1', '::1', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'];

function respond(response, status, headers, body, head) {
  response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) });
  response.end(head ? undefined : body);
}

/** A test for addresses: single ones and `address/bits`. */
async function allowlist(entries) {
  const { BlockList, isIP } = await import('node:net');
  const list = new BlockList();
  for (const entry of entries) {
    const [address, bits] = String(entry).split('/');
    const version = isIP(address);
    const family = version === 6 ? 'ipv6' : 'ipv4';
    try {
      if (version === 0) throw new RangeError('no address');
      if (bits === undefined) list.addAddress(address, family);
      else list.addSubnet(address, Number(bits), family);
    } catch (error) {
      throw new PluginError(`prometheus.ipAllowlist holds '${entry}', which is no address or network`, {
        pluginName: 'MetricsPlugin',
        operation: 'start',
        option: 'prometheus.ipAllowlist',
        statusCode: 400,
        retriable: false,
        original: error,
        suggestion: "Use addresses and networks such as '127.0.0.1' or '10.0.0.0/8'."
      });
    }
  }
  return (address) => {
    const plain = String(address).replace(/^::ffff:/, '');
    const version = isIP(plain);
    return version !== 0 && list.check(plain, version === 6 ? 'ipv6' : 'ipv4');
  };
}

function handle(request, response, { path, text, allowed, cors, failed }) {
  const extra = cors ? { 'Access-Control-Allow-Origin': cors === true ? '*' : String(cors), 'Access-Control-Allow-Methods': 'GET' } : {};
  const plain = { ...extra, 'Content-Type': 'text/plain; charset=utf-8' };
  const head = request.method === 'HEAD';
  if (!allowed(request.socket.remoteAddress)) return respond(response, 403, plain, 'Forbidden', head);
  if (request.method === 'OPTIONS') {
    response.writeHead(204, { ...extra, ...(cors ? { 'Access-Control-Allow-Headers': 'Content-Type' } : {}) });
    return response.end();
  }
  const [asked] = String(request.url).split('?');
  if (asked !== path || (request.method !== 'GET' && !head)) return respond(response, 404, plain, 'Not Found', head);
  try {
    return respond(response, 200, { ...extra, 'Content-Type': CONTENT_TYPE }, text(), head);
  } catch (error) {
    failed(error);
    return respond(response, 500, plain, 'Internal Server Error', head);
  }
}

/**
 * Starts a server; it does not keep the process alive. Resolves when it listens, or when it cannot.
 * @param {object} config `port`, `path`, `host`, `cors`, `ipAllowlist`, `enforceIpAllowlist`
 * @param {{ text: () => string, failed: (error: Error) => void }} hooks
 * @returns {Promise<import('node:http').Server | null>}
 */
export async function startServer(config, { text, failed }) {
  const { createServer } = await import('node:http');
  const { ipAllowlist, enforceIpAllowlist = true, port, path, cors = false } = config;
  const host = config.host ?? (ipAllowlist === undefined ? '127.0.0.1' : '0.0.0.0');
  const allowed = enforceIpAllowlist ? await allowlist(ipAllowlist ?? PRIVATE) : () => true;
  const server = createServer((request, response) => handle(request, response, { path, text, allowed, cors, failed }));
  return new Promise((resolve) => {
    server.once('error', (error) => {
      failed(error);
      resolve(null);
    });
    server.listen(port, host, () => {
      server.on('error', failed);
      resolve(server);
    });
    server.unref();
  });
}

/** Closes a server and its idle connections. */
export async function stopServer(server) {
  await new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections?.();
  });
}

/** The running API plugin of a database, or undefined. */
export function runningApi(database) {
  const registry = database?.plugins ?? {};
  const api = registry.api ?? registry.ApiPlugin;
  return api?.server ? api : undefined;
}

/** Adds the route to the app of an API plugin: Hono's `(context)` and `(request, response)` handlers are both served. */
export function addRoute(api, path, text) {
  const app = api.getApp?.() ?? api.app ?? api.server.getApp?.() ?? api.server.app;
  if (typeof app?.get !== 'function') {
    throw new PluginError('prometheus.mode=integrated requires API Plugin to be active', {
      pluginName: 'MetricsPlugin',
      operation: 'start',
      statusCode: 400,
      retriable: false,
      suggestion: 'Start ApiPlugin before MetricsPlugin, or use prometheus.mode standalone.'
    });
  }
  app.get(path, (context, response) => {
    if (typeof context?.body === 'function') return context.body(text(), 200, { 'Content-Type': CONTENT_TYPE });
    response.setHeader('Content-Type', CONTENT_TYPE);
    response.end(text());
    return undefined;
  });
}
