/** Type generator: its text, its file, and that the compiler accepts it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DatabaseError, ValidationError } from '../../js/errors/index.js';
import generator, {
  generateFieldComment,
  generateTypes,
  isFieldOptional,
  mapFieldTypeToTypeScript,
  printTypes
} from '../../js/typescript-generator.js';
import { connectDatabase } from './support/databases.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folders = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function freshFolder() {
  const folder = mkdtempSync(join(tmpdir(), 's3db-types-'));
  folders.push(folder);
  return folder;
}

/** Attributes with every type of the grammar, in shorthand and as objects. */
const EVERY_TYPE = {
  ...Object.fromEntries(
    [
      ...[
        'string',
        'number',
        'boolean',
        'bool',
        'any',
        'json',
        'object',
        'array',
        'date',
        'email',
        'url',
        'uuid',
        'mac',
        'luhn',
        'currency'
      ],
      ...[
        'secret',
        'secretAny',
        'secretNumber',
        'password',
        'ip4',
        'ip6',
        'money',
        'money:4',
        'crypto',
        'crypto:3',
        'decimal',
        'decimal:4'
      ],
      ...['embedding:4', 'embedding', 'geo:lat', 'geo:lat:3', 'geo:lon', 'geo:point', 'geoLat', 'geo-lon', 'geoPoint', 'string[]'],
      ...['number[]', 'objectID', 'function', 'class', 'custom', 'forbidden', 'enum|values:a,b', 'equal|value:5', 'record', 'tuple']
    ].map((type) => [type, type])
  ),
  items: 'array|items:string|required',
  numbers: { type: 'array', items: 'number' },
  objects: { type: 'array', items: { type: 'object', props: { at: 'number|required', label: 'string' } } },
  nestedArrays: { type: 'array', items: { type: 'array', items: 'ip4' } },
  closed: { type: 'object', properties: { ip: 'ip4|required', cost: 'money' }, required: true },
  profile: { bio: 'string|required', social: { $$type: 'object|required', handle: 'string', 'odd-name': 'number' } },
  either: ['string', 'number'],
  alternatives: { type: 'multi', rules: [{ type: 'string' }, { type: 'boolean' }] },
  level: { type: 'enum', values: ['low', "it's", 3], required: true, description: 'How much. */ export const broken = 1; /*' },
  exact: { type: 'equal', value: 'yes' },
  scores: { type: 'record', key: 'string', value: 'number' },
  pair: { type: 'tuple', items: ['string', 'number'] },
  vector: { type: 'embedding', length: 8 },
  required: 'string|required'
};

/** Compiles files of a folder in which the package is installed under both names. */
function compile(folder, flags = []) {
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  for (const name of ['s3db.js', 's3db-native']) symlinkSync(root, join(folder, 'node_modules', name));
  symlinkSync(join(root, 'node_modules', '@types'), join(folder, 'node_modules', '@types'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const files = readdirSync(folder).filter((name) => name.endsWith('.ts'));
  const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'node16', '--moduleResolution', 'node16', '--types', 'node'];
  return spawnSync(process.execPath, [tsc, ...options, ...flags, ...files], { cwd: folder, encoding: 'utf8' });
}

test('the generated declarations compile under tsc --strict for every attribute type', async () => {
  const db = await connectDatabase({ passphrase: 'p' });
  const every = await db.createResource({ name: 'every_type', attributes: EVERY_TYPE, timestamps: true });
  every.addPluginAttribute('_added', 'string|optional', 'SomePlugin');
  every.addPluginAttribute('_counted', { type: 'number', optional: true }, 'SomePlugin');
  await db.createResource({ name: 'user_profiles-x', attributes: { name: 'string|required', age: 'number|integer' } });
  // Names that the file itself uses, that collide, and that are no identifiers.
  for (const name of ['record', 'array', 'resource', 'date', 'resource_map', 'user-profiles_x', '2fa codes', "it's", 'ação']) {
    await db.createResource({ name, attributes: { when: 'date', tags: 'array|items:string', any: 'object' } });
  }
  for (const options of [{}, { formatStyle: 'type', includeMetadata: true, includeComments: false, moduleName: 's3db-native' }]) {
    const folder = freshFolder();
    await generateTypes(db, { ...options, outputPath: join(folder, 'database.d.ts') });
    writeFileSync(
      join(folder, 'use.ts'),
      `import S3db from 's3db.js';
import type { EveryType, ResourceMap, UserProfilesX } from './database.js';
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_equal: Equal<A, B>): void => {};
const db = new S3db({ connectionString: 'memory://x/y' });
export const profile: UserProfilesX = { id: 'one', name: 'Ada' };
// @ts-expect-error name is required
export const nameless: UserProfilesX = { id: 'one' };
same<EveryType['createdAt'], string>(true);
same<EveryType['embedding:4'], number[] | undefined>(true);
same<EveryType['level'], 'low' | "it's" | 3>(true);
same<EveryType['either'], string | number | undefined>(true);
same<EveryType['date'], Date | undefined>(true);
same<EveryType['geo:point'], { latitude: number; longitude: number } | undefined>(true);
same<EveryType['closed'], { ip: string; cost?: number }>(true);
same<NonNullable<EveryType['profile']>['social']['handle'], string | undefined>(true);
same<NonNullable<EveryType['objects']>[number], { at: number; label?: string }>(true);
same<EveryType['pair'], [string, number] | undefined>(true);
same<'_added' extends keyof EveryType ? true : false, false>(true);
const found = await db.resources['user_profiles-x'].get('one');
const age: number | undefined = found.age;
const etag: string = found._etag;
// The times of a record are made by the library.
const made = await db.resources.every_type.insert({} as Omit<EveryType, 'createdAt' | 'updatedAt'>);
same<(typeof made)['createdAt'], string>(true);
// @ts-expect-error name is required
db.resources['user_profiles-x'].insert({});
// @ts-expect-error no such resource
db.resources.absent;
const key: keyof ResourceMap = 'every_type';
export { age, etag, key };
`
    );
    const { status, stdout } = compile(folder);
    assert.equal(stdout, '');
    assert.equal(status, 0);
  }
});

test('without includeResource the declarations need no package', async () => {
  const db = await connectDatabase();
  await db.createResource({ name: 'things', attributes: { a: 'string|required' } });
  const folder = freshFolder();
  const text = await generateTypes(db, { includeResource: false, outputPath: join(folder, 'database.d.ts') });
  assert.doesNotMatch(text, /import|declare module/);
  assert.match(text, /^ {2}things: any;$/m);
  assert.equal(compile(folder).stdout, '');
});

test('names and texts of a definition cannot leave their place in the generated file', async () => {
  const evil = [
    'x: 1 } export const hacked = 1; interface Y {',
    '*/ export const hacked = 1; /*',
    "'; hacked; '",
    'a\nb',
    'a\u2028b',
    '`hacked`'
  ];
  // A database object of its own: createResource refuses some of these names.
  const attributes = Object.fromEntries(evil.map((name) => [name, { type: 'string', description: `${name} */ hacked(); /*` }]));
  attributes.level = { type: 'enum', values: evil };
  const resources = Object.fromEntries(evil.map((name) => [name, { name, config: {}, schema: { attributes } }]));
  const folder = freshFolder();
  await generateTypes(
    { resources },
    { outputPath: join(folder, 'database.d.ts'), moduleName: 's3db.js', header: '*/ export const hacked = 1; /*' }
  );
  writeFileSync(
    join(folder, 'use.ts'),
    "import * as types from './database.js';\n// @ts-expect-error nothing escaped\ntypes.hacked;\nexport const names: (keyof types.ResourceMap)[] = " +
      `${JSON.stringify(evil)};\n`
  );
  assert.equal(compile(folder).stdout, '');
  await generateTypes({ resources: {} }, { outputPath: join(folder, 'other.d.ts'), moduleName: "x'; export const hacked = 1; import 'y" });
  assert.match(readFileSync(join(folder, 'other.d.ts'), 'utf8'), /^import \{ Resource, Database \} from 'x\\'; export const hacked/m);
});

test('the text has the parts in the order of the specification', async () => {
  const db = await connectDatabase();
  await db.createResource({ name: 'user_profiles', attributes: { name: 'string|required', tags: 'array' }, timestamps: true });
  const text = await generateTypes(db, { outputPath: false, header: 'Made for the tests.' });
  const order = [
    'Generated at: 20',
    'Do not edit',
    'Made for the tests.',
    "import { Resource, Database } from 's3db.js';",
    'export interface UserProfiles {',
    '  id: string;\n\n  name: string;\n  tags?: any[];\n',
    '  createdAt: string;',
    '  updatedAt: string;',
    'export interface ResourceMap {',
    '  user_profiles: Resource<UserProfiles>;',
    "declare module 's3db.js' {",
    'interface RegisteredResources extends ResourceMap {}'
  ];
  let at = -1;
  for (const part of order) {
    assert.ok(text.indexOf(part, at + 1) > at, `${part} after the part before it in\n${text}`);
    at = text.indexOf(part, at + 1);
  }
  assert.equal(text.split('createdAt').length, 2, 'once');
  const typed = await generateTypes(db, { outputPath: '', formatStyle: 'type', includeComments: false, includeMetadata: true });
  assert.match(typed, /^export type UserProfiles = \{$/m);
  assert.match(typed, /^ {2}_etag\?: string;$/m);
  assert.doesNotMatch(typed.slice(typed.indexOf('*/')), /\/\*\*/);
});

test('the file appears whole in folders that are made, and nothing stays behind', async () => {
  const db = await connectDatabase();
  await db.createResource({ name: 'things', attributes: { a: 'string' } });
  const folder = freshFolder();
  const path = join(folder, 'a', 'b', 'database.d.ts');
  const text = await generateTypes(db, { outputPath: path });
  assert.equal(readFileSync(path, 'utf8'), text);
  await Promise.all(Array.from({ length: 8 }, () => generateTypes(db, { outputPath: path })));
  assert.deepEqual(readdirSync(join(folder, 'a', 'b')), ['database.d.ts']);
  writeFileSync(join(folder, 'file'), '');
  await assert.rejects(generateTypes(db, { outputPath: join(folder, 'file', 'x.d.ts') }), (error) => {
    assert.ok(error instanceof DatabaseError);
    assert.match(error.message, /Could not write the generated types to .*x\.d\.ts/);
    assert.ok(error.suggestion.includes('outputPath'));
    return true;
  });
});

test('the default path is types/database.d.ts, and printTypes prints and writes nothing', async () => {
  const db = await connectDatabase();
  await db.createResource({ name: 'things', attributes: { a: 'string' } });
  const folder = freshFolder();
  const before = process.cwd();
  const { log } = console;
  const printed = [];
  try {
    process.chdir(folder);
    console.log = (text) => printed.push(text);
    const text = await printTypes(db, { outputPath: 'ignored.d.ts' });
    assert.deepEqual(printed, [text]);
    assert.deepEqual(readdirSync(folder), []);
    await generateTypes(db);
    assert.deepEqual(readdirSync(join(folder, 'types')), ['database.d.ts']);
  } finally {
    console.log = log;
    process.chdir(before);
  }
  assert.deepEqual(generator, { generateTypes, printTypes });
});

test('wrong options of the generator are typed errors that name the option', async () => {
  const db = await connectDatabase();
  for (const [options, field] of [
    [{ formatStyle: 'class' }, 'formatStyle'],
    [{ includeResource: 'no' }, 'includeResource'],
    [{ moduleName: '' }, 'moduleName'],
    [{ header: 5 }, 'header'],
    [{ outputPath: 5 }, 'outputPath']
  ]) {
    await assert.rejects(generateTypes(db, { outputPath: null, ...options }), (error) => {
      assert.ok(error instanceof ValidationError);
      assert.equal(error.field, field);
      assert.ok(error.suggestion);
      return true;
    });
  }
  await assert.rejects(generateTypes(null, { outputPath: null }), { name: 'ValidationError', field: 'database' });
});

test('helpers of the generator map one definition', () => {
  assert.equal(mapFieldTypeToTypeScript('string|required'), 'string');
  assert.equal(mapFieldTypeToTypeScript('embedding:384'), 'number[] /* 384 dimensions */');
  assert.equal(mapFieldTypeToTypeScript({ type: 'array', items: 'number' }), 'Array<number>');
  assert.equal(mapFieldTypeToTypeScript('unheard'), 'any');
  const recursive = { type: 'object', properties: {} };
  recursive.properties.child = recursive;
  assert.equal(mapFieldTypeToTypeScript(recursive), '{\n  child?: any;\n}');
  assert.equal(isFieldOptional('string|required'), false);
  assert.equal(isFieldOptional('required|string'), true);
  assert.equal(isFieldOptional({ type: 'string', required: true }), false);
  assert.equal(isFieldOptional({ a: 'string' }), true);
  assert.equal(generateFieldComment('a', { type: 'string', description: 'Text */ of a' }), '/** a: Text *\\/ of a */');
  assert.equal(generateFieldComment('a', 'string'), '');
});
