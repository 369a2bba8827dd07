// What index.d.ts declares is what import and require return: names, class members, both ways.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as namespace from 's3db-native';
import { subpaths } from '../../scripts/subpaths.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const esm = { ...namespace };
const cjs = createRequire(import.meta.url)('s3db-native');

/** The declarations, read by their formatting (one member a line, two spaces deep). */
function readDeclarations() {
  const files = [
    join(root, 'index.d.ts'),
    ...['types', join('types', 'plugins')].flatMap((folder) =>
      readdirSync(join(root, folder))
        .filter((name) => name.endsWith('.d.ts'))
        .map((name) => join(root, folder, name))
    )
  ];
  const values = new Set(['default']);
  const classes = new Map();
  const interfaces = new Map();
  for (const file of files) {
    let open;
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      const value = /^export (?:declare )?(?:abstract )?(class|function|const) (\w+)/.exec(line);
      if (value) values.add(value[2]);
      const alias = /^export \{ \w+ as (\w+) \};$/.exec(line);
      if (alias) values.add(alias[1]);
      const head = /^(?:export )?(class|interface) (\w+)(?:<.*?>)?(?: extends ([\w, ]+))?.* \{(\})?$/.exec(line);
      if (head) {
        const table = head[1] === 'class' ? classes : interfaces;
        const entry = table.get(head[2]) ?? { bases: [], methods: new Set(), statics: new Set(), properties: new Set() };
        for (const base of head[3]?.split(',') ?? []) entry.bases.push(base.trim());
        table.set(head[2], entry);
        open = head[4] ? undefined : entry;
      } else if (line === '}') {
        open = undefined;
      } else if (open) {
        const method = /^ {2}(static )?(\w+)(?:<.*?>)?\(/.exec(line);
        const property = /^ {2}(?:readonly )?(\$?\w+): /.exec(line);
        if (method && method[2] !== 'constructor') (method[1] ? open.statics : open.methods).add(method[2]);
        else if (property) open.properties.add(property[1]);
      }
    }
  }
  return { values, classes, interfaces };
}

const { values, classes, interfaces } = readDeclarations();

/** Members of a class with those of its declared bases and merged interface. */
function membersOf(name, kind) {
  const result = new Set();
  const visit = (entry) => {
    if (!entry) return;
    for (const member of entry[kind]) result.add(member);
    for (const base of entry.bases) {
      visit(classes.get(base));
      visit(interfaces.get(base));
    }
  };
  visit(classes.get(name));
  visit(interfaces.get(name));
  return result;
}

const isClass = (value) => typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));

describe('declarations', () => {
  const instances = new Map();
  let db;

  before(async () => {
    db = new esm.Database({ connectionString: 'memory://declarations/test' });
    await db.connect();
    const resource = await db.createResource({ name: 'things', attributes: { a: 'string' }, partitions: ['a'], guard: ['admin'] });
    instances.set('Database', db);
    instances.set('Resource', resource);
    instances.set('Schema', resource.schema);
    instances.set('Validator', new esm.Validator());
    instances.set('ConnectionString', new esm.ConnectionString('s3://bucket/prefix'));
    instances.set('S3Client', new esm.S3Client({ connectionString: 'http://k:s@127.0.0.1:1/bucket' }));
    instances.set('MemoryClient', new esm.MemoryClient());
    instances.set('MemoryStorage', new esm.MemoryStorage());
    instances.set('ResourceReader', resource.readable());
    instances.set('ResourceWriter', resource.writable());
    instances.set('Factory', new esm.Factory('things', { a: 'text' }));
    instances.set('Seeder', new esm.Seeder(db));
    const memory = new esm.MemoryCache();
    instances.set('MemoryCache', memory);
    instances.set('S3Cache', new esm.S3Cache({ client: new esm.MemoryClient() }));
    instances.set('FilesystemCache', new esm.FilesystemCache({ directory: 'cache', createDirectory: false }));
    instances.set('PartitionAwareFilesystemCache', new esm.PartitionAwareFilesystemCache({ path: 'cache', createDirectory: false }));
    instances.set('RedisCache', new esm.RedisCache());
    instances.set('MultiTierCache', new esm.MultiTierCache({ drivers: [{ driver: memory }] }));
    instances.set('CachePlugin', await db.usePlugin(new esm.CachePlugin({ driver: 'memory' })));
    instances.set('CacheError', new esm.CacheError('text'));
    instances.set('Background', new esm.Background());
    instances.set('ProcessManager', new esm.ProcessManager());
    instances.set('CronManager', new esm.CronManager());
    instances.set('CoordinatorPlugin', await db.usePlugin(new esm.CoordinatorPlugin()));
    instances.set('BaseError', new esm.BaseError({ message: 'text' }));
    instances.set('NoSuchKey', new esm.NoSuchKey({ bucket: 'b', key: 'k', resourceName: 'r', id: 'i' }));
    instances.set('ResourceNotFound', new esm.ResourceNotFound({ bucket: 'b', resourceName: 'r', id: 'i' }));
  });

  after(() => db.disconnect());

  test('import and require return the same objects under the same names', () => {
    assert.deepEqual(Object.keys(cjs).sort(), Object.keys(esm).sort());
    for (const name of Object.keys(esm)) assert.equal(cjs[name], esm[name], name);
  });

  test('every declared value exists and every exported value is declared', () => {
    const exported = new Set(Object.keys(esm));
    assert.deepEqual([...values].filter((name) => !exported.has(name)).sort(), [], 'declared, not exported');
    assert.deepEqual([...exported].filter((name) => !values.has(name)).sort(), [], 'exported, not declared');
  });

  test('the declarations of sub-paths name what the sub-paths export', async () => {
    const { exports: map } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const typed = Object.entries(map).filter(([path, target]) => path !== '.' && path !== './lite' && target?.import?.types);
    assert.ok(typed.length >= 2);
    for (const [path, target] of typed) {
      const declared = new Set();
      const read = (file) => {
        for (const line of readFileSync(file, 'utf8').split('\n')) {
          const value = /^export (?:declare )?(?:class|function|const) (\w+)/.exec(line);
          const from = /^export \* from '(.+)\.cjs';$/.exec(line);
          const named = /^export \{ (.+) \} from /.exec(line);
          if (value) declared.add(value[1]);
          for (const name of named?.[1].split(', ') ?? []) declared.add(name.split(' as ').pop());
          if (from) read(join(dirname(file), `${from[1]}.d.cts`));
          if (line.startsWith('export default ')) declared.add('default');
        }
      };
      read(join(root, target.import.types));
      const exported = Object.keys(await import(`s3db-native${path.slice(1)}`));
      assert.deepEqual([...declared].sort(), exported.sort(), path);
    }
  });

  test('every sub-path has declarations for import and require, with the names it exports', async () => {
    const { exports: map } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    for (const name of subpaths().filter((each) => each !== '/package.json')) {
      const target = map[`.${name}`] ?? map[`.${name.slice(0, name.lastIndexOf('/'))}/*`];
      if (target?.import?.types) continue;
      const file = name.replace(/\.js$/, '').slice(1);
      const exported = Object.keys(await import(`s3db-native${name}`)).sort();
      for (const format of ['mts', 'cts']) {
        const path = ['', '/index'].map((end) => join(root, 'dist', `${file}${end}.d.${format}`)).find((each) => existsSync(each));
        assert.ok(path, `${name} .d.${format}`);
        const text = readFileSync(path, 'utf8');
        const declared = [...text.matchAll(/^export (?:\{ (?:\w+ as )?(\w+) \}|declare const (\w+)|(default))/gm)].map(
          (match) => match[1] ?? match[2] ?? match[3]
        );
        assert.deepEqual(declared.sort(), exported, `${name} .d.${format}`);
      }
    }
  });

  test('declared classes are classes of that name with the declared methods', () => {
    const absent = [];
    for (const name of classes.keys()) {
      if (!(name in esm) || name === 'S3db') continue;
      assert.ok(isClass(esm[name]), `${name} is a class`);
      assert.equal(esm[name].name, name);
      const instance = instances.get(name);
      for (const method of membersOf(name, 'methods')) {
        if (typeof (esm[name].prototype[method] ?? instance?.[method]) !== 'function') absent.push(`${name}.${method}`);
      }
      for (const method of membersOf(name, 'statics')) assert.equal(typeof esm[name][method], 'function', `${name}.${method}`);
    }
    assert.deepEqual(absent, [], 'declared, but no method');
  });

  test('instances have the declared properties', () => {
    const absent = [];
    for (const [name, instance] of instances) {
      for (const property of membersOf(name, 'properties')) if (!(property in instance)) absent.push(`${name}.${property}`);
    }
    assert.deepEqual(absent, [], 'declared, but not there');
  });

  test('public methods of the classes are declared', () => {
    const undeclared = [];
    for (const name of classes.keys()) {
      if (!(name in esm)) continue;
      const declared = new Set([...membersOf(name, 'methods'), ...membersOf(name, 'properties')]);
      const inherited = Object.getPrototypeOf(esm[name].prototype);
      for (const [key, { value }] of Object.entries(Object.getOwnPropertyDescriptors(esm[name].prototype))) {
        if (key === 'constructor' || key.startsWith('_') || typeof value !== 'function') continue;
        // Methods of the Node classes that are overridden need no line of their own.
        if (declared.has(key) || (inherited && key in inherited && !declared.has(key))) continue;
        undeclared.push(`${name}.${key}`);
      }
    }
    assert.deepEqual(undeclared, []);
  });

  test('the default export is a subclass of Database that adds nothing', () => {
    assert.notEqual(esm.default, esm.Database);
    assert.equal(Object.getPrototypeOf(esm.default), esm.Database);
    assert.equal(esm.default.name, 'S3db');
    assert.equal(esm.S3db, esm.Database);
    assert.deepEqual(Object.getOwnPropertyNames(esm.default.prototype), ['constructor']);
  });
});
