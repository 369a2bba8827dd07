// Compiled under `tsc --strict` as CommonJS.
import s3db = require('s3db-native');

import guards = require('s3db-native/concerns/guards-helpers');
import generator = require('s3db-native/typescript-generator');

import type { Stored } from 's3db-native';

interface Item {
  title: string;
}

async function main(): Promise<Stored<Item>> {
  const db = new s3db.S3db({ connectionString: 'memory://types/test' });
  const other: s3db.Database = new s3db.default({ connectionString: 'memory://types/test' });
  await Promise.all([db.connect(), other.connect()]);
  const items = await db.createResource<Item>({ name: 'items', attributes: { title: 'string' } });
  const text: string = await generator.generateTypes(db, { outputPath: guards.requireAdmin()({ user: null }) ? 'a.d.ts' : false });
  await s3db.Factory.define<Item>('items', { title: text }).create({}, { database: db });
  // @ts-expect-error title is text
  await items.insert({ title: 1 });
  const [item] = await items.list({ limit: 1 });
  return item ?? items.insert({ title: 'first' });
}

export = main;
