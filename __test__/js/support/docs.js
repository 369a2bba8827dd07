/** Runs the snippets of a documentation page: what `console.log(...)` prints is compared with the comment behind it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const entry = new URL('../../../js/index.js', import.meta.url).href;

/** Programs of a page: a block that imports begins one, the blocks after it go on. */
function programsOf(page) {
  const text = readFileSync(new URL(`../../../docs/plugins/${page}`, import.meta.url), 'utf8');
  const programs = [];
  for (const [, block] of text.matchAll(/```js\n([\s\S]*?)```/g)) {
    if (/^import /m.test(block) || programs.length === 0) programs.push(block);
    else programs[programs.length - 1] += block;
  }
  return programs;
}

/**
 * @param {string} page file under docs/plugins
 * @returns {Promise<{ programs: number, compared: number }>}
 */
export async function runPage(page) {
  const programs = programsOf(page);
  let compared = 0;
  globalThis.__compare = (actual, expected) => {
    compared += 1;
    assert.deepEqual(actual, expected);
  };
  try {
    for (const [index, program] of programs.entries()) {
      const code = program
        .replace(/^(\s*)console\.log\((.+)\); \/\/ (.+)$/gm, '$1__compare($2, $3);')
        .replaceAll("'s3db-native'", JSON.stringify(entry));
      await import(`data:text/javascript,${encodeURIComponent(code)}//${index}`);
    }
  } finally {
    delete globalThis.__compare;
  }
  return { programs: programs.length, compared };
}
