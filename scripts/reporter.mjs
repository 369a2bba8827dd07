// Reporter for node:test that writes one JSON line per finished test; scripts/test.mjs reads them.
export default async function* reporter(source) {
  for await (const { type, data } of source) {
    if (type === 'test:pass' || type === 'test:fail') {
      if (data.details?.type === 'suite' && type === 'test:pass' && data.skip === undefined) continue;
      const error = data.details?.error;
      const cause = error?.cause ?? error;
      const line = {
        name: data.name,
        file: data.file,
        suite: data.details?.type === 'suite',
        skip: data.skip === undefined ? undefined : data.skip === true || data.skip === '' ? 'no reason given' : data.skip,
        todo: data.todo !== undefined && data.todo !== false,
        ok: type === 'test:pass',
        ms: data.details?.duration_ms,
        failureType: error?.failureType,
        error: type === 'test:fail' ? (cause?.stack ?? String(cause)) : undefined
      };
      yield `${JSON.stringify(line)}\n`;
    } else if (type === 'test:stdout' || type === 'test:stderr') {
      yield `${JSON.stringify({ output: data.message, file: data.file })}\n`;
    }
  }
}
