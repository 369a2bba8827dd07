/** Every sub-path of the package, in both module systems, and what importing costs. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { subpaths } from '../../scripts/subpaths.mjs';

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL('../../', import.meta.url));

test('the export map lists the sub-paths of decision 1', () => {
  const names = subpaths();
  for (const name of ['', '/lite', '/typescript-generator', '/package.json', '/concerns/guards-helpers', '/concerns/guards-helpers.js']) {
    assert.ok(names.includes(name), name);
  }
  for (const name of [
    'async-event-emitter',
    'base62',
    'calculator',
    'crypto',
    'error-classifier',
    'geo-encoding',
    'id',
    'ip',
    'money',
    'try-fn'
  ]) {
    assert.ok(names.includes(`/concerns/${name}`) && names.includes(`/concerns/${name}.js`), name);
  }
  for (const name of ['plugin-dependencies', 'resource-names', 'prometheus-formatter']) {
    assert.ok(names.includes(`/plugins/concerns/${name}`) && names.includes(`/plugins/concerns/${name}.js`), name);
  }
  assert.ok(names.includes('/plugins') && names.includes('/plugins/index.js'));
  assert.ok(names.includes('/plugins/cache') && names.includes('/plugins/cache.js') && !names.includes('/plugins/cache/keys'));
  assert.ok(!names.some((name) => name.includes('native-call')), 'internal modules have no sub-path');
});

test('every sub-path gives import and require the same objects', async () => {
  for (const name of subpaths().filter((each) => each !== '/package.json')) {
    const esm = await import(`s3db-native${name}`);
    const cjs = require(`s3db-native${name}`);
    assert.deepEqual(Object.keys(esm).sort(), Object.keys(cjs).sort(), name);
    assert.notEqual(Object.keys(esm).length, 0, name);
    for (const key of Object.keys(cjs)) assert.equal(esm[key], cjs[key], `${name} ${key}`);
  }
  assert.equal(require('s3db-native/package.json').name, 's3db-native');
});

test('files that have no sub-path cannot be imported', async () => {
  for (const name of [
    '/concerns/native-call',
    '/concerns/native-call.js',
    '/dist/core.cjs',
    '/js/index.js',
    '/concerns/absent',
    '/plugins/cache/keys'
  ]) {
    await assert.rejects(
      import(`s3db-native${name}`),
      (error) => /^ERR_(PACKAGE_PATH_NOT_EXPORTED|MODULE_NOT_FOUND)$/.test(error.code),
      name
    );
  }
});

test('names that sub-paths share with the root are the same objects', async () => {
  const main = await import('s3db-native');
  const { ErrorClassifier } = await import('s3db-native/concerns/error-classifier');
  const { default: Emitter } = await import('s3db-native/concerns/async-event-emitter.js');
  const { default: generator, generateTypes } = await import('s3db-native/typescript-generator');
  const { requireRole } = await import('s3db-native/concerns/guards-helpers');
  assert.equal(ErrorClassifier, main.ErrorClassifier);
  assert.equal(Emitter, main.AsyncEventEmitter);
  assert.equal(generateTypes, main.generateTypes);
  assert.deepEqual(generator, { generateTypes: main.generateTypes, printTypes: main.printTypes });
  assert.equal(requireRole, main.requireRole);
  const dependencies = await import('s3db-native/plugins/concerns/plugin-dependencies');
  assert.equal(dependencies.default, main.requirePluginDependency);
  assert.equal((await import('s3db-native/plugins')).CachePlugin, main.CachePlugin);
  // The path that the documentation of s3db.js gives.
  assert.equal((await import('s3db-native/plugins/api/concerns/guards-helpers')).requireRole, main.requireRole);
  assert.equal((await import('s3db-native/concerns/logger')).createLogger, main.createLogger);
});

for (const [system, load] of [
  ['import', "await import('s3db-native')"],
  ['require', "(await import('node:module')).createRequire(import.meta.url)('s3db-native')"]
]) {
  test(`${system} of the package loads neither the addon nor crypto, net and zlib; the first use loads the addon`, () => {
    const program = `
      const addons = () => process.report.getReport().sharedObjects.filter((name) => name.endsWith('s3db.node')).length;
      const loaded = (name) => process.moduleLoadList.includes('NativeModule ' + name);
      const before = ['crypto', 'net', 'zlib'].filter(loaded);
      const { S3db } = ${load};
      const after = ['crypto', 'net', 'zlib'].filter(loaded);
      const without = addons();
      new S3db({ connectionString: 'memory://lazy/addon' });
      console.log(JSON.stringify({ more: after.filter((name) => !before.includes(name)), without, with: addons() }));
      process.exit(0);`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], { cwd: root, encoding: 'utf8' });
    assert.equal(stderr, '');
    assert.deepEqual(JSON.parse(stdout), { more: [], without: 0, with: 1 });
  });
}
