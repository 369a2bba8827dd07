// Runs the snippets of docs/plugin-storage.md; what a comment shows as a value is compared.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const docs = readFileSync(new URL('../../docs/plugin-storage.md', import.meta.url), 'utf8');

/** Value of a comment that is JavaScript, else undefined. */
function shownValue(comment) {
  try {
    return { value: new Function(`return (${comment});`)() };
  } catch {
    return undefined;
  }
}

test('spec05_10_the_snippets_of_the_guide_run_and_show_what_happens', async () => {
  const blocks = [...docs.matchAll(/```js\n([\s\S]*?)```/g)].map((match) => match[1]);
  assert.ok(blocks.length >= 6);
  let compared = 0;
  const lines = blocks
    .join('\n')
    .split('\n')
    .map((line) => {
      const shown = /^((?:await )?storage\..*); \/\/ (.+)$/.exec(line);
      if (shown === null || shownValue(shown[2]) === undefined) return line;
      compared += 1;
      return `__compare(${shown[1]}, ${shown[2]});`;
    });
  assert.ok(compared >= 8, `${compared} values compared`);
  const url = new URL('../../dist/index.mjs', import.meta.url).href;
  const code = lines.join('\n').replace("'s3db-native'", JSON.stringify(url));
  globalThis.__compare = (actual, expected) => assert.deepEqual(actual, expected);
  await import(`data:text/javascript,${encodeURIComponent(code)}`);
  delete globalThis.__compare;
});
