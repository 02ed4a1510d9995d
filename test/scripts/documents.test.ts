import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { complaintsAbout, type Known } from '../../scripts/documents/links.ts';
import { errorReference } from '../../scripts/documents/error-codes.ts';
import { listedRoutes } from '../../scripts/documents/routes.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const KNOWN: Known = {
  programs: new Set(['store-admin', 'snap-proxy']),
  madeLater: new Set(['docs/made-later.md']),
  scripts: new Set(['demo']),
  commands: new Set(['store-admin create key', 'store-admin login', 'snap-store-proxy status']),
  aliases: new Map([['snap-proxy', 'snap-store-proxy']]),
};

const complaints = (text: string) => complaintsAbout(ROOT, 'docs/divergences.md', text, KNOWN);

describe('a document', () => {
  test.each([
    '[a file beside it](reference/commands.md), [one above](../README.md), [far away](https://example.com/x)',
    '# Two Words\n\n[here](#two-words)',
    'npm run demo',
    'src/errors.ts and docs/made-later.md',
    '    store-admin create key NAME',
    'the commands `store-admin create`, `store-admin login --offline URL` and `snap-proxy status`',
    '    KEY=$(store-admin create key x) && BRAND_ACCOUNT_ID=b store-admin login URL',
    'prose about a store-admin forgets nothing',
  ])('may say: %s', (text) => {
    expect(complaints(text)).toEqual([]);
  });

  test.each([
    ['[nowhere](reference/nothing.md)', 'docs/divergences.md: the link reference/nothing.md leads nowhere'],
    ['[no heading](#absent)', 'docs/divergences.md: the link #absent leads nowhere'],
    ['`npm run dance`', 'docs/divergences.md: there is no "npm run dance"'],
    ['src/nothing/here.ts', 'docs/divergences.md: there is no file src/nothing/here.ts'],
    [
      '    store-admin forget everything',
      'docs/divergences.md: there is no command "store-admin forget everything"',
    ],
    ['`snap-proxy dance`', 'docs/divergences.md: there is no command "snap-proxy dance"'],
    ['```sh\nX=1 bin/store-admin dance\n```', 'docs/divergences.md: there is no command "store-admin dance"'],
  ])('may not say: %s', (text, complaint) => {
    expect(complaints(text)).toEqual([complaint]);
  });
});

test('routes are listed as code at the beginning of a row', () => {
  expect(listedRoutes('| `GET /b` | x |\n| `POST /a/{id}` | y |\n`GET /c`')).toEqual([
    'GET /b',
    'POST /a/{id}',
  ]);
});

test('a table of codes keeps its form whatever a sentence holds', () => {
  const table = errorReference([{ code: 'usage', area: 'cli', meaning: 'cannot do a|b with <file>' }]);
  expect(table).toContain('| `usage` | cannot do a\\|b with &lt;file> |');
});
