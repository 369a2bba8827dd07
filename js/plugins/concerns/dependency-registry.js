/** Optional packages of the plugins (spec/05 section 11.2). */

const DOCS = 'https://github.com/s3db-native/s3db-native/blob/main/docs/plugins';

function dependency(name, version, description, installCommand = `pnpm add ${name}`) {
  return [name, { version, description, installCommand, npmUrl: `https://www.npmjs.com/package/${name}` }];
}

function entry(name, file, ...dependencies) {
  return { name, docsUrl: `${DOCS}/${file}`, dependencies: Object.fromEntries(dependencies) };
}

/** A package that is a plugin identifier of its own. */
function single(name, pkg, version, description, file) {
  return entry(name, file, dependency(pkg, version, description));
}

/** A package that other entries require; the identifier itself always is valid. */
function bare(id) {
  return { name: id, docsUrl: `https://www.npmjs.com/package/${id}`, dependencies: {} };
}

const HONO = dependency('hono', '^4.0.0', 'Ultra-light HTTP server framework');
const HONO_SERVER = dependency('@hono/node-server', '^1.0.0', 'Node.js adapter for Hono');
const SQS = dependency('@aws-sdk/client-sqs', '^3.0.0', 'AWS SDK for SQS');
const REDIS = dependency('ioredis', '^5.4.1', 'Redis client for Node.js');

/**
 * Plugin identifier -> `{ name, docsUrl, dependencies: { package: { version, description, installCommand, npmUrl } } }`;
 * `version` is a semver range.
 */
export const PLUGIN_DEPENDENCIES = {
  'postgresql-replicator': entry('PostgreSQL Replicator', 'replicator.md', dependency('pg', '^8.0.0', 'PostgreSQL client for Node.js')),
  'bigquery-replicator': entry(
    'BigQuery Replicator',
    'replicator.md',
    dependency('@google-cloud/bigquery', '^7.0.0', 'Google Cloud BigQuery SDK')
  ),
  'sqs-replicator': entry('SQS Replicator', 'replicator.md', SQS),
  'planetscale-replicator': single(
    'PlanetScale Replicator',
    '@planetscale/database',
    '^1.0.0',
    'PlanetScale serverless driver',
    'replicator.md'
  ),
  'turso-replicator': single('Turso Replicator', '@libsql/client', '>=0.14.0', 'libSQL client', 'replicator.md'),
  mongodb: single('MongoDB Replicator', 'mongodb', '>=6.0.0', 'MongoDB driver', 'replicator.md'),
  mysql2: single('MySQL Replicator', 'mysql2', '^3.0.0', 'MySQL and MariaDB client', 'replicator.md'),
  '@aws-sdk/client-dynamodb': single('DynamoDB Replicator', '@aws-sdk/client-dynamodb', '^3.0.0', 'AWS SDK for DynamoDB', 'replicator.md'),
  '@aws-sdk/lib-dynamodb': single(
    'DynamoDB Replicator',
    '@aws-sdk/lib-dynamodb',
    '^3.0.0',
    'Document client of the AWS SDK for DynamoDB',
    'replicator.md'
  ),
  'sqs-consumer': entry('SQS Queue Consumer', 'queue-consumer.md', SQS),
  'rabbitmq-consumer': entry(
    'RabbitMQ Queue Consumer',
    'queue-consumer.md',
    dependency('amqplib', '^0.10.0', 'AMQP 0-9-1 library for RabbitMQ')
  ),
  'redis-list-consumer': entry('Redis List Consumer', 'queue-consumer.md', REDIS),
  'redis-stream-consumer': entry('Redis Stream Consumer', 'queue-consumer.md', REDIS),
  'redis-pubsub-consumer': entry('Redis Pub/Sub Consumer', 'queue-consumer.md', REDIS),
  'bullmq-consumer': single('BullMQ Consumer', 'bullmq', '>=5.0.0', 'Queues on Redis', 'queue-consumer.md'),
  'tfstate-plugin': entry(
    'Tfstate Plugin',
    'tfstate.md',
    dependency('node-cron', '^4.0.0', 'Cron job scheduler for auto-sync functionality')
  ),
  'api-plugin': entry(
    'API Plugin',
    'api.md',
    HONO,
    HONO_SERVER,
    dependency('@hono/swagger-ui', '^0.4.0', 'Swagger UI integration for Hono'),
    dependency('jose', '^5.0.0 || ^6.0.0', 'Universal JOSE and JWE implementation (for OAuth2 token validation)')
  ),
  'identity-plugin': entry(
    'Identity Provider Plugin',
    'identity.md',
    HONO,
    HONO_SERVER,
    dependency('jose', '^5.0.0 || ^6.0.0', 'Universal JOSE and JWE implementation (for RSA key generation and JWT signing)'),
    dependency('bcrypt', '^5.1.0 || ^6.0.0', 'Secure password hashing library'),
    dependency('nodemailer', '^6.9.0 || ^7.0.0', 'Email sending library for password reset and verification')
  ),
  otpauth: single('Identity Provider Plugin', 'otpauth', '^9.0.0', 'One-time passwords for multi-factor authentication', 'identity.md'),
  qrcode: single('Identity Provider Plugin', 'qrcode', '^1.5.0', 'QR codes for multi-factor enrolment', 'identity.md'),
  '@maxmind/geoip2-node': single('Identity Provider Plugin', '@maxmind/geoip2-node', '>=5.0.0', 'GeoIP lookup of sign-ins', 'identity.md'),
  'websocket-plugin': single('WebSocket Plugin', 'ws', '^8.0.0', 'WebSocket server', 'api.md'),
  'cloud-inventory-plugin': entry(
    'Cloud Inventory Plugin',
    'cloud-inventory.md',
    dependency('node-cron', '^4.0.0', 'Cron scheduler for automated discovery', 'pnpm add -D node-cron')
  ),
  'ml-plugin': entry(
    'ML Plugin',
    'ml-plugin.md',
    dependency('@tensorflow/tfjs-node', '^4.0.0', 'TensorFlow.js for Node.js with native bindings')
  ),
  ioredis: entry('Redis Cache', 'cache.md', REDIS),
  puppeteer: entry(
    'Puppeteer Suite',
    'puppeteer/README.md',
    dependency('puppeteer-extra', '^3.3.4', 'Headless Chrome automation toolkit'),
    dependency('puppeteer-extra-plugin-stealth', '^2.11.2', 'Stealth plugin to evade bot detection'),
    dependency('user-agents', '^2.0.0', 'Randomized user agent generator'),
    dependency('ghost-cursor', '^1.4.1', 'Human-like mouse movement generator')
  ),
  'puppeteer-extra': bare('puppeteer-extra'),
  'puppeteer-extra-plugin-stealth': bare('puppeteer-extra-plugin-stealth'),
  'user-agents': bare('user-agents'),
  'ghost-cursor': bare('ghost-cursor')
};
