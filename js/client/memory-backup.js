import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { isNotFound, ResourceError, ValidationError } from '../errors/index.js';

const MANIFEST = 's3db.json';
const FORMAT_VERSION = '1.0';
const RECORD_KEY = /^resource=(.+?)\/data\/id=(.+)$/s;
const OLD_RECORD_KEY = /^resource=([^/]+)\/id=(.+)$/s;

/** System fields of records and markers of stored metadata; everything else is the user's. */
const INTERNAL = new Set([
  '_v',
  '_lastModified',
  '_hasContent',
  '_contentLength',
  '_mimeType',
  '_etag',
  '_definitionHash',
  '_versionId',
  '_expiresAt',
  '_originalVersion',
  '_versionMapped',
  '_partition',
  '_partitionValues',
  '_map',
  '_pluginMap',
  '_rev',
  '_overflow',
  '_truncated',
  '_e',
  '_x',
  '$overflow',
  '$truncated'
]);

/** Resource names become file names, so nothing that names another directory is accepted. */
function requireFileName(name) {
  if (name === '' || name === '.' || name === '..' || /[/\\\0]/.test(name)) {
    throw new ValidationError(`Resource name '${name}' cannot be used as a file name`, {
      field: 'resource',
      value: name,
      statusCode: 400,
      suggestion: 'Leave it out with the resources option.'
    });
  }
  return name;
}

function resourceOf(database, name) {
  const resource = database?.resources?.[name];
  return typeof resource?.insert === 'function' ? resource : undefined;
}

const withoutInternal = (record) => Object.fromEntries(Object.entries(record).filter(([name]) => !INTERNAL.has(name)));

/** Keys of records by resource: current layout, or the layout of old imports where a resource has no current keys. */
function groupKeys(keys, wanted) {
  const current = new Map();
  const old = new Map();
  for (const key of keys) {
    const match = RECORD_KEY.exec(key);
    const group = match ? current : old;
    const [, name, id] = match ?? OLD_RECORD_KEY.exec(key) ?? [];
    if (name === undefined || (wanted && !wanted.includes(name))) continue;
    if (!group.has(name)) group.set(name, []);
    group.get(name).push({ key, id });
  }
  for (const [name, records] of old) if (!current.has(name)) current.set(name, records);
  return current;
}

async function rawRecord(client, { key, id }) {
  const { Metadata, Body } = await client.getObject(key);
  const record = { ...Metadata };
  const text = await Body.transformToString();
  if (text !== '') {
    let parsed;
    try {
      parsed = JSON.parse(text);
    } catch {
      parsed = undefined;
    }
    if (parsed !== null && typeof parsed === 'object' && !Array.isArray(parsed)) Object.assign(record, parsed);
    else record._body = text;
  }
  return { ...record, id };
}

async function* lines(client, records, resource, count) {
  for (const item of records) {
    let record;
    try {
      record = resource ? await resource.get(item.id) : await rawRecord(client, item);
    } catch (error) {
      // Deleted since it was listed.
      if (isNotFound(error)) continue;
      throw error;
    }
    yield `${count() > 0 ? '\n' : ''}${JSON.stringify({ ...withoutInternal(record), id: item.id })}`;
    count(1);
  }
}

function schemaOf(resource) {
  return {
    attributes: resource.$schema?.attributes ?? resource.attributes,
    partitions: resource.config?.partitions ?? {},
    behavior: resource.behavior,
    timestamps: resource.config?.timestamps ?? false
  };
}

/**
 * @param {import('./memory-client.js').MemoryClient} client
 * @param {string} outputDir
 * @param {{ resources?: string[], compress?: boolean, database?: object }} options
 */
export async function exportBackup(client, outputDir, { resources, compress = true, database } = {}) {
  await mkdir(outputDir, { recursive: true });
  const groups = groupKeys(await client.getAllKeys({}), resources);
  const stats = {
    version: FORMAT_VERSION,
    timestamp: new Date().toISOString(),
    bucket: client.bucket,
    keyPrefix: client.keyPrefix,
    compressed: Boolean(compress),
    resources: {},
    totalRecords: 0,
    totalSize: 0
  };
  const files = {};
  for (const [name, records] of groups) {
    const path = join(outputDir, `${requireFileName(name)}.jsonl${compress ? '.gz' : ''}`);
    const resource = resourceOf(database, name);
    let recordCount = 0;
    const count = (n = 0) => (recordCount += n);
    const source = Readable.from(lines(client, records, resource, count));
    await (compress ? pipeline(source, createGzip(), createWriteStream(path)) : pipeline(source, createWriteStream(path)));
    const fileSize = (await stat(path)).size;
    files[name] = path;
    stats.resources[name] = { schema: resource ? schemaOf(resource) : null, stats: { recordCount, fileSize } };
    stats.totalRecords += recordCount;
    stats.totalSize += fileSize;
  }
  const manifest = join(outputDir, MANIFEST);
  await writeFile(manifest, JSON.stringify(stats, null, 2));
  const { totalRecords, totalSize } = stats;
  return { manifest, files, stats, resourceCount: groups.size, totalRecords, totalSize };
}

async function readManifest(directory) {
  const path = join(directory, MANIFEST);
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new ResourceError(`Failed to read backup manifest: ${error.message}`, {
      operation: 'importBackup',
      path,
      original: error,
      suggestion: 'Pass a directory written by exportBackup().'
    });
  }
}

async function storeRaw(client, name, record) {
  const { id, _body, ...fields } = record;
  if (id === undefined || id === null || id === '') throw new ValidationError('Record has no id', { field: 'id', value: id });
  const metadata = Object.fromEntries(
    Object.entries(fields).map(([field, value]) => [field, value !== null && typeof value === 'object' ? JSON.stringify(value) : value])
  );
  await client.putObject({ key: `resource=${name}/id=${id}`, metadata, body: _body });
}

/**
 * @param {import('./memory-client.js').MemoryClient} client
 * @param {string} backupDir
 * @param {{ resources?: string[], clear?: boolean, database?: object }} options
 */
export async function importBackup(client, backupDir, { resources, clear = false, database } = {}) {
  const manifest = await readManifest(backupDir);
  const wanted = (name) => !resources || resources.includes(name);
  if (clear) client.clear();
  if (database) {
    for (const [name, { schema } = {}] of Object.entries(manifest?.resources ?? {})) {
      if (!schema || !wanted(name)) continue;
      try {
        await database.createResource({ name, ...schema });
      } catch {
        // The records say what is wrong, line by line, when the resource cannot take them.
      }
    }
  }
  const result = { resourcesImported: 0, recordsImported: 0, errors: [] };
  for (const file of (await readdir(backupDir)).sort()) {
    const match = /^(.+)\.jsonl(\.gz)?$/s.exec(file);
    if (match === null || !wanted(match[1])) continue;
    const name = requireFileName(match[1]);
    const resource = resourceOf(database, name);
    const store = resource ? (record) => resource.insert(record) : (record) => storeRaw(client, name, record);
    await importFile(join(backupDir, file), Boolean(match[2]), name, store, result);
    result.resourcesImported += 1;
  }
  return result;
}

async function importFile(path, compressed, name, store, result) {
  const source = createReadStream(path);
  const input = compressed ? source.pipe(createGunzip()) : source;
  if (compressed) source.on('error', (error) => input.destroy(error));
  let line = 0;
  try {
    for await (const text of readLines(input)) {
      line += 1;
      if (text.trim() === '') continue;
      try {
        await store(JSON.parse(text));
        result.recordsImported += 1;
      } catch (error) {
        result.errors.push({ resource: name, error: error.message, line });
      }
    }
  } catch (error) {
    result.errors.push({ resource: name, error: error.message, line });
  }
}

/** Lines of a stream; an error of the stream rejects, which readline alone does not do. */
async function* readLines(input) {
  let failure = null;
  const reader = createInterface({ input, crlfDelay: Infinity });
  input.once('error', (error) => {
    failure = error;
    reader.close();
  });
  for await (const line of reader) yield line;
  if (failure) throw failure;
}
