import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import * as named from '../../js/index.js';
import { importPackage } from '../../js/plugins/concerns/installed-package.js';
import dependencies, {
  checkPluginDependencies,
  getPluginDependencyReport,
  loadPluginDependency,
  PLUGIN_DEPENDENCIES,
  requirePluginDependency
} from '../../js/plugins/concerns/plugin-dependencies.js';
import prometheus, { formatPrometheusMetrics } from '../../js/plugins/concerns/prometheus-formatter.js';
import {
  ensurePlgPrefix,
  existingResourceName,
  resolveResourceName,
  resolveResourceNames
} from '../../js/plugins/concerns/resource-names.js';
import { VERSION } from '../../js/util/version.js';
import { rejection } from './support/clients.js';
import { connectDatabase, makeDatabase } from './support/databases.js';

const s3db = { ...named };

// Packages are looked up from the application's directory: each test has one of its own.
const home = process.cwd();
let application;

beforeEach(() => {
  application = mkdtempSync(join(tmpdir(), 's3db-app-'));
  process.chdir(application);
});

afterEach(() => {
  process.chdir(home);
  rmSync(application, { recursive: true, force: true });
  delete process.env.S3DB_SKIP_PLUGIN_DEP_CHECK;
});

function installed(name, manifest, code = 'module.exports = { answer: 42 };') {
  const folder = join(application, 'node_modules', name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, ...manifest }));
  writeFileSync(join(folder, 'index.js'), code);
}

test('spec05_11_1_a_missing_package_is_reported_with_the_command_to_install_it', async () => {
  const error = await rejection(requirePluginDependency('turso-replicator'));
  for (const phrase of [
    'Turso Replicator - Missing dependencies detected!',
    'Turso Replicator - Missing Dependencies',
    'Plugin: turso-replicator',
    'Status: 0/1 dependencies satisfied',
    '\u274c Missing dependency: @libsql/client\n   Description: libSQL client\n   Required: >=0.14.0\n   Install: pnpm add @libsql/client',
    'Quick fix - Run all install commands:\n  pnpm add @libsql/client'
  ]) {
    assert.ok(error.message.includes(phrase), phrase);
  }
  assert.deepEqual(
    [error.constructor, error.pluginId, error.pluginName, error.missing, error.incompatible],
    [Error, 'turso-replicator', 'Turso Replicator', ['@libsql/client'], []]
  );
  assert.match(error.docsUrl, /docs\/plugins\/replicator\.md$/);
  const quiet = await requirePluginDependency('turso-replicator', { throwOnError: false });
  assert.deepEqual([quiet.valid, quiet.isValid, quiet.missing], [false, false, ['@libsql/client']]);
});

test('spec05_11_1_versions_are_compared_as_semver', async () => {
  const check = async (version) => {
    installed('amqplib', version === null ? {} : { version });
    const [message] = (await requirePluginDependency('rabbitmq-consumer', { throwOnError: false })).messages;
    return message;
  };
  assert.equal(await check('0.10.4'), '\u2705 amqplib@0.10.4 (compatible with ^0.10.0)');
  assert.equal(
    await check('0.9.1'),
    '\u26a0\ufe0f  Incompatible version: amqplib\n   Installed: 0.9.1\n   Required: ^0.10.0\n   Update: pnpm add amqplib'
  );
  assert.match(await check('1.0.0'), /Incompatible version/);
  assert.equal(await check(null), '\u2705 amqplib@unknown (installed)');
  installed('amqplib', { version: '0.1.0' });
  assert.equal((await requirePluginDependency('rabbitmq-consumer', { checkVersions: false })).valid, true);
  assert.deepEqual((await requirePluginDependency('rabbitmq-consumer', { throwOnError: false })).incompatible, ['amqplib']);
});

test('spec05_11_1_a_check_reads_manifests_and_runs_nothing', async () => {
  installed('amqplib', { version: '0.10.9' }, 'throw new Error("executed");');
  assert.equal((await requirePluginDependency('rabbitmq-consumer')).valid, true);
});

test('spec05_11_1_unknown_identifiers_and_the_environment_switch', async () => {
  const error = await rejection(requirePluginDependency('nope'));
  assert.ok(error.message.startsWith('Unknown plugin identifier: nope. Available plugins: postgresql-replicator, '));
  const quiet = await requirePluginDependency('nope', { throwOnError: false });
  assert.deepEqual([quiet.valid, quiet.messages.length], [false, 1]);
  process.env.S3DB_SKIP_PLUGIN_DEP_CHECK = '1';
  assert.deepEqual((await requirePluginDependency('turso-replicator')).messages, []);
  await assert.rejects(requirePluginDependency('nope'), /Unknown plugin identifier/);
  process.env.S3DB_SKIP_PLUGIN_DEP_CHECK = 'true';
  await assert.rejects(requirePluginDependency('turso-replicator', 'MyPlugin'), /Required by: MyPlugin/);
});

test('spec05_11_1_report_and_results_of_several', async () => {
  const results = await checkPluginDependencies(['turso-replicator', 'puppeteer-extra', 'nope']);
  assert.deepEqual(
    [...results].map(([id, { valid }]) => [id, valid]),
    [
      ['turso-replicator', false],
      ['puppeteer-extra', true],
      ['nope', false]
    ]
  );
  const report = await getPluginDependencyReport();
  assert.ok(report.includes('S3DB.JS - Plugin Dependency Status Report'));
  assert.ok(report.includes('\u274c MISSING - Turso Replicator'));
  assert.ok(report.includes('\u2705 READY - ghost-cursor'));
  const total = Object.keys(PLUGIN_DEPENDENCIES).length;
  assert.match(report, new RegExp(`Summary: \\d+/${total} plugins ready to use$`));
  assert.equal(dependencies, requirePluginDependency);
  assert.equal(s3db.requirePluginDependency, requirePluginDependency);
});

test('spec05_11_2_every_identifier_that_callers_use_is_registered', () => {
  for (const id of [
    'postgresql-replicator',
    'bigquery-replicator',
    'sqs-replicator',
    'sqs-consumer',
    'rabbitmq-consumer',
    'tfstate-plugin',
    'api-plugin',
    'identity-plugin',
    'cloud-inventory-plugin',
    'ml-plugin',
    'puppeteer',
    'planetscale-replicator',
    'turso-replicator',
    'ioredis',
    'mongodb',
    'mysql2',
    '@aws-sdk/client-dynamodb',
    '@aws-sdk/lib-dynamodb',
    'otpauth',
    'qrcode',
    '@maxmind/geoip2-node'
  ]) {
    const { name, docsUrl, dependencies: packages } = PLUGIN_DEPENDENCIES[id];
    assert.ok(name && docsUrl, id);
    for (const [pkg, entry] of Object.entries(packages)) {
      assert.ok(entry.version && entry.description && entry.installCommand.includes(pkg), `${id} ${pkg}`);
      assert.equal(entry.npmUrl, `https://www.npmjs.com/package/${pkg}`);
    }
  }
});

test('spec05_16_46_packages_load_from_the_directory_of_the_application', async () => {
  await assert.rejects(loadPluginDependency('turso-client', { caller: 'TursoReplicator', feature: 'replication' }), (error) => {
    assert.ok(error.message.includes('TursoReplicator - Missing dependencies detected!'));
    assert.ok(error.message.includes('pnpm add turso-client'));
    return true;
  });
  installed('turso-client', { version: '1.0.0', main: 'index.js' });
  assert.equal((await loadPluginDependency('turso-client')).default.answer, 42);
  installed('only-import', { version: '1.0.0', type: 'module', exports: { '.': { import: './index.js' } } }, 'export const answer = 43;');
  assert.equal((await importPackage('only-import')).answer, 43);
  installed('broken', { version: '1.0.0', main: 'index.js' }, 'throw new Error("inside");');
  await assert.rejects(loadPluginDependency('broken'), { message: 'inside' });
});

test('spec05_12_resource_names', () => {
  assert.equal(ensurePlgPrefix(' users '), 'plg_users');
  assert.equal(ensurePlgPrefix('__users'), 'plg_users');
  assert.equal(ensurePlgPrefix('plg_users'), 'plg_users');
  for (const bad of ['', '  ', null, 7]) {
    assert.throws(() => ensurePlgPrefix(bad), { message: '[resource-names] Resource name must be a non-empty string' });
  }
  assert.equal(resolveResourceName('cache', { defaultName: 'plg_logs' }), 'plg_logs');
  assert.equal(resolveResourceName('cache', { suffix: 'logs' }), 'plg_cache_logs');
  assert.equal(resolveResourceName('cache', { defaultName: 'logs' }, { namespace: 'Tenant-Alpha' }), 'plg_tenant_alpha_logs');
  assert.equal(resolveResourceName('x', { defaultName: 'plg_tenant_logs' }, { namespace: 'tenant' }), 'plg_tenant_logs');
  assert.equal(resolveResourceName('x', { defaultName: 'a', override: 'users_idx' }, { namespace: 'n' }), 'plg_users_idx');
  assert.equal(resolveResourceName('x', { override: 'users_idx' }, { namespace: 'n', applyNamespaceToOverrides: true }), 'plg_n_users_idx');
  assert.throws(() => resolveResourceName('x'), { message: '[resource-names] Missing name parameters for plugin "x"' });
  assert.deepEqual(resolveResourceNames('x', { a: 'one', b: { suffix: 'two' } }, { namespace: 'n' }), {
    a: 'plg_n_one',
    b: 'plg_n_x_two'
  });
  assert.equal(existingResourceName('plg_tenant_a_logs', 'tenant-a', { 'plg_tenant-a_logs': {} }), 'plg_tenant-a_logs');
  assert.equal(existingResourceName('plg_tenant_a_logs', 'tenant-a', {}), 'plg_tenant_a_logs');
});

test('spec05_13_prometheus_text', () => {
  const text = formatPrometheusMetrics({
    metrics: {
      startTime: new Date(Date.now() - 5000).toISOString(),
      operations: { insert: { count: 4, totalTime: 10, errors: 1 }, get: { count: 0, totalTime: 0, errors: 0 } },
      resources: { 'my-users': { insert: { count: 2, totalTime: 3, errors: 0 } } }
    }
  });
  assert.ok(
    text.startsWith(
      [
        '# HELP s3db_operations_total Total number of operations by type and resource',
        '# TYPE s3db_operations_total counter',
        's3db_operations_total{operation="insert",resource="_global"} 4',
        's3db_operations_total{operation="insert",resource="my_users"} 2',
        '',
        '# HELP s3db_operation_duration_seconds Average operation duration in seconds',
        '# TYPE s3db_operation_duration_seconds gauge',
        's3db_operation_duration_seconds{operation="insert",resource="_global"} 0.002500',
        's3db_operation_duration_seconds{operation="insert",resource="my_users"} 0.001500',
        '',
        '# HELP s3db_operation_errors_total Total number of operation errors',
        '# TYPE s3db_operation_errors_total counter',
        's3db_operation_errors_total{operation="insert",resource="_global"} 1',
        ''
      ].join('\n')
    ),
    text
  );
  assert.match(text, /\ns3db_uptime_seconds 5\.\d\d\n/);
  assert.ok(text.includes('s3db_resources_total 1\n'));
  assert.ok(text.endsWith(`s3db_info{version="${VERSION}",node_version="${process.version}"} 1\n`));
  const empty = formatPrometheusMetrics({ metrics: { operations: {}, resources: {}, startTime: new Date().toISOString() } });
  assert.ok(empty.startsWith('# HELP s3db_uptime_seconds'));
  assert.equal(prometheus.formatLabels({ a: 'x"\\\n' }), '{a="x\\"\\\\\\n"}');
  assert.equal(prometheus.sanitizeMetricName('9a-b'), '_9a_b');
});

test('resources that sanitising would merge keep their own labels', () => {
  const insert = { count: 1, totalTime: 1, errors: 0 };
  const text = formatPrometheusMetrics({
    metrics: { startTime: new Date().toISOString(), operations: {}, resources: { 'a-b': { insert }, a_b: { insert } } }
  });
  assert.ok(text.includes('resource="a-b"') && text.includes('resource="a_b"'));
  assert.ok(
    formatPrometheusMetrics({
      metrics: { startTime: new Date().toISOString(), operations: {}, resources: {}, pool: { tasksStarted: 3, avgExecutionTime: 1500 } }
    }).includes('s3db_pool_tasks_started_total 3\n')
  );
});

const UNAVAILABLE = Object.keys(s3db).filter((name) => /^[A-Z].+Plugin$/.test(name));

test('every plugin of the guide is exported as a class', () => {
  for (const name of [
    'ApiPlugin',
    'AuditPlugin',
    'BackupPlugin',
    'CachePlugin',
    'CloudInventoryPlugin',
    'CookieFarmPlugin',
    'CookieFarmSuitePlugin',
    'CostsPlugin',
    'EventualConsistencyPlugin',
    'FullTextPlugin',
    'GeoPlugin',
    'IdentityPlugin',
    'ImporterPlugin',
    'MLPlugin',
    'MetricsPlugin',
    'PuppeteerPlugin',
    'QueueConsumerPlugin',
    'RelationPlugin',
    'ReplicatorPlugin',
    'S3QueuePlugin',
    'SchedulerPlugin',
    'SpiderSuitePlugin',
    'StateMachinePlugin',
    'TTLPlugin',
    'TfStatePlugin',
    'VectorPlugin'
  ]) {
    assert.ok(UNAVAILABLE.includes(name), name);
    assert.match(Function.prototype.toString.call(s3db[name]), /^class /);
    assert.ok(s3db[name].prototype instanceof s3db.Plugin);
  }
});

test('a plugin that this version lacks says so instead of doing nothing', async () => {
  assert.throws(
    () => new s3db.SpiderSuitePlugin({ namespace: 'x' }),
    (error) => {
      assert.equal(error.name, 'PluginError');
      assert.equal(error.message, 'SpiderSuitePlugin is not available in this version of s3db-native');
      assert.deepEqual([error.code, error.statusCode, error.retriable], ['PLUGIN_NOT_AVAILABLE', 501, false]);
      return true;
    }
  );
  const database = await connectDatabase();
  await assert.rejects(database.usePlugin(s3db.SpiderSuitePlugin), { code: 'PLUGIN_NOT_AVAILABLE' });
  await assert.rejects(makeDatabase({ plugins: [s3db.SpiderSuitePlugin] }).connect(), { code: 'PLUGIN_NOT_AVAILABLE' });
});

test('spec05_18_identifiers_of_later_versions_and_a_caller_as_text', async () => {
  const later = ['ioredis', 'redis-list-consumer', 'redis-stream-consumer', 'redis-pubsub-consumer', 'bullmq-consumer', 'websocket-plugin'];
  for (const id of later) {
    const { dependencies } = PLUGIN_DEPENDENCIES[id];
    assert.ok(
      Object.values(dependencies).every(({ version, installCommand }) => version && installCommand),
      id
    );
  }
  assert.equal(PLUGIN_DEPENDENCIES['redis-stream-consumer'].dependencies.ioredis.version, '^5.4.1');
  assert.equal(PLUGIN_DEPENDENCIES['bullmq-consumer'].dependencies.bullmq.version, '>=5.0.0');
  const error = await rejection(requirePluginDependency('bullmq-consumer', 'ReportsPlugin'));
  assert.match(error.message, /ReportsPlugin/);
});
