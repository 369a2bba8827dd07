/** Where a plugin stores: the database's client, or one of its own (option `storage` of later versions, spec/05 section 18). */
import { createClient } from '../client/create-client.js';
import { FileSystemClient } from '../client/filesystem-client.js';
import { PluginError } from '../errors/index.js';

const DRIVERS = {
  filesystem: ({ basePath, path, ...rest }) => new FileSystemClient({ basePath: basePath ?? path, ...rest }),
  s3: ({ connectionString, client, ...rest }, database) =>
    client ?? (connectionString ? createClient(connectionString, rest) : database.client)
};

/** Client for the storage of a plugin: `options.storage` is `{ driver: 's3' | 'filesystem', config }`. */
export function storageClientOf(plugin) {
  const { storage } = plugin.options;
  if (storage === undefined || storage === null) return plugin.database.client;
  const { driver = 's3', config = {} } = storage;
  if (!Object.hasOwn(DRIVERS, driver)) {
    throw new PluginError(`Unknown storage driver "${driver}" for ${plugin.name}`, {
      pluginName: plugin.name,
      operation: 'getStorage',
      driver,
      statusCode: 400,
      retriable: false,
      suggestion: `Set storage.driver to one of: ${Object.keys(DRIVERS).join(', ')}.`
    });
  }
  return DRIVERS[driver](config, plugin.database);
}

/** Namespaces that a plugin's class has stored data under, ascending. */
export async function storedNamespaces(client, baseSlug) {
  const found = new Set();
  const prefix = `plugin=${baseSlug}--`;
  let continuationToken;
  do {
    const page = await client.listObjects({ prefix, delimiter: '/', continuationToken });
    for (const { Prefix } of page.CommonPrefixes ?? []) {
      const from = Prefix.indexOf(prefix);
      if (from !== -1) found.add(Prefix.slice(from + prefix.length).replace(/\/$/, ''));
    }
    continuationToken = page.IsTruncated ? page.NextContinuationToken : undefined;
  } while (continuationToken);
  return [...found].sort();
}
