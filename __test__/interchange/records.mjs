// Definitions and records for the interchange test: all behaviours, all attribute types that both sides store alike. Seeded.

/** Numbers in [0, 1) from a seed (mulberry32). */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export const BEHAVIORS = ['user-managed', 'enforce-limits', 'truncate-data', 'body-overflow', 'body-only'];

const ATTRIBUTES = {
  name: 'string|required',
  note: 'string|optional',
  count: 'number|integer:true|optional',
  ratio: 'number|optional',
  active: 'boolean|optional',
  email: 'email|optional',
  site: 'url|optional',
  tags: 'array|items:string|optional',
  scores: 'array|items:number|optional',
  vector: 'embedding:4|optional',
  address: { street: 'string|optional', city: 'string|optional', geo: { lat: 'number|optional', lng: 'number|optional' } },
  settings: 'json|optional',
  ip: 'ip4|optional',
  host: 'ip6|optional',
  country: 'string|optional'
};

const GUARDED_ATTRIBUTES = {
  name: 'string|required',
  country: 'string|optional',
  token: 'secret|required',
  vault: { code: 'secret|required', hint: 'string|optional' },
  pin: 'password|required'
};

const partitions = () => ({
  byCountry: { fields: { country: 'string' } },
  byCountryAndName: { fields: { country: 'string', name: 'string|maxlength:3' } }
});

/** Plain attributes under one behaviour. */
export function definition(behavior) {
  return { name: `plain-${behavior}`, behavior, attributes: structuredClone(ATTRIBUTES), partitions: partitions(), asyncPartitions: false };
}

/** Secrets and passwords under one behaviour. */
export function guardedDefinition(behavior) {
  return {
    name: `guarded-${behavior}`,
    behavior,
    attributes: structuredClone(GUARDED_ATTRIBUTES),
    partitions: partitions(),
    asyncPartitions: false
  };
}

const WORDS = [
  'alpha',
  'Müller',
  'naïve café',
  '東京',
  '🚀 launch',
  'tab\tand "quotes"',
  'a|b\\c',
  'Ünïcödé',
  'plain',
  'line\nbreak',
  '0123',
  'trailing=='
];
const COUNTRIES = ['DE', 'FR', 'JP', 'US', 'BR'];

/** `count` records; those of behaviours that can hold them are sometimes bigger than the metadata of one object. */
export function records(behavior, count, seed = 1) {
  const next = random(seed * 1000 + BEHAVIORS.indexOf(behavior));
  const pick = (list) => list[Math.floor(next() * list.length)];
  const maybe = (chance, make) => (next() < chance ? make() : undefined);
  const big = behavior === 'body-overflow' || behavior === 'body-only' || behavior === 'user-managed';
  return Array.from({ length: count }, (_, index) => {
    const record = {
      id: `${behavior}-${index}`,
      name: `${pick(WORDS)} ${index}`,
      note: maybe(0.6, () => (big && next() < 0.2 ? `${pick(WORDS)} `.repeat(300).trim() : pick(WORDS))),
      count: maybe(0.8, () => Math.floor((next() - 0.5) * 2 ** 40)),
      ratio: maybe(0.8, () => Math.round((next() - 0.5) * 1e9) / 1e4),
      active: maybe(0.9, () => next() < 0.5),
      email: maybe(0.5, () => `user${index}@example.com`),
      site: maybe(0.4, () => `https://example.com/path/${index}?q=${index}`),
      tags: maybe(0.6, () => Array.from({ length: Math.floor(next() * 4) + 1 }, () => pick(['red', 'grün', 'blue', 'a|b', 'x y']))),
      scores: maybe(0.5, () => Array.from({ length: 3 }, () => Math.floor(next() * 1000))),
      vector: maybe(0.3, () => Array.from({ length: 4 }, () => Math.round((next() - 0.5) * 1e6) / 1e6)),
      address: maybe(0.7, () => ({
        street: pick(WORDS),
        city: pick(WORDS),
        geo: { lat: Math.round(next() * 9e5) / 1e4, lng: Math.round(next() * 18e5) / 1e4 }
      })),
      settings: maybe(0.4, () => ({ theme: pick(['dark', 'light']), depth: { level: index, list: [1, 'two', null, true] } })),
      ip: maybe(0.4, () => `10.${index % 256}.${Math.floor(next() * 256)}.1`),
      host: maybe(0.3, () => `2001:db8::${(index + 1).toString(16)}`),
      country: maybe(0.9, () => pick(COUNTRIES))
    };
    return JSON.parse(JSON.stringify(record));
  });
}

/** `count` records with secrets and passwords. */
export function guardedRecords(behavior, count, seed = 1) {
  const next = random(seed * 7000 + BEHAVIORS.indexOf(behavior));
  const pick = (list) => list[Math.floor(next() * list.length)];
  return Array.from({ length: count }, (_, index) => ({
    id: `${behavior}-${index}`,
    name: `${pick(WORDS)} ${index}`,
    country: pick(COUNTRIES),
    token: `${pick(WORDS)}-secret-${index}`,
    vault: { code: `code ${index} ${pick(WORDS)}`, hint: pick(WORDS) },
    pin: `pin-${index}-${pick(['a', 'ß', '東'])}`
  }));
}

/** Behaviours whose records leave the body of their object to content. */
export const CONTENT_BEHAVIORS = ['user-managed', 'enforce-limits', 'truncate-data'];

/** Content for the first `count` records of a behaviour: bytes of every value, text, an image type. */
export function contents(behavior, count, seed = 1) {
  const next = random(seed * 9000 + BEHAVIORS.indexOf(behavior));
  return Array.from({ length: count }, (_, index) => {
    const bytes = Buffer.from(Array.from({ length: 1 + Math.floor(next() * 5000) }, () => Math.floor(next() * 256)));
    const text = index % 3 === 0;
    return {
      id: `${behavior}-${index}`,
      base64: (text ? Buffer.from(`${WORDS[index % WORDS.length]} of record ${index}`) : bytes).toString('base64'),
      contentType: text ? 'text/plain' : 'image/png'
    };
  });
}

/** Bytes and bitmaps, which s3db.js has since version 19. */
export function bytesDefinition(behavior) {
  return { name: `bytes-${behavior}`, behavior, attributes: { name: 'string', data: 'buffer', flags: 'bits:20', at: 'uuid' } };
}

/** `count` records with bytes as base64 text, the one form in which s3db.js takes them. */
export function bytesRecords(behavior, count, seed = 1) {
  const next = random(seed * 11000 + BEHAVIORS.indexOf(behavior));
  const bytes = (length) => Buffer.from(Array.from({ length }, () => Math.floor(next() * 256))).toString('base64');
  return Array.from({ length: count }, (_, index) => ({
    id: `${behavior}-${index}`,
    name: `record ${index}`,
    data: bytes(1 + Math.floor(next() * 60)),
    flags: bytes(3),
    at: `550e8400-e29b-41d4-a716-${String(index).padStart(12, '0')}`
  }));
}
