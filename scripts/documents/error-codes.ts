/** The stable codes of all errors, read from the source: docs/reference/errors.md is made from them. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** One code with what is known of it. */
export interface ErrorCode {
  readonly code: string;
  /** The folder of src/ that says it. */
  readonly area: string;
  /** A remark of its type, else the sentence that it comes with; empty where neither is written at one place. */
  readonly meaning: string;
}

const UNION = /type \w*ErrorCode\s*=([^;]+);/g;
const MEMBER = /(?:\/\*\*\s*((?:[^*]|\*(?!\/))*?)\s*\*\/\s*)?\|?\s*'([\w-]+)'/g;
const KIND = "'(?:invalid|unauthenticated|forbidden|not-found|conflict|too-large|unavailable|internal)'";
const THROWN = new RegExp(
  `\\(\\s*(?:${KIND},\\s*)?'([a-z][a-z_-]+)',\\s*[\`'"](cannot [^\`\\n]+?)[\`'"],?\\s*[,)\\n]`,
  'g',
);
const PLAIN = new RegExp(`new AirlockError\\(\\s*${KIND},\\s*'([\\w-]+)'`, 'g');

/** Every code below `src`, sorted by area and code. */
export async function errorCodes(src: string): Promise<readonly ErrorCode[]> {
  const found = new Map<string, ErrorCode>();
  const sentences = new Map<string, string>();
  for (const file of (await readdir(src, { recursive: true })).toSorted()) {
    if (!file.endsWith('.ts')) continue;
    const source = await readFile(join(src, file), 'utf8');
    const area = file.split('/')[0]?.replace(/\.ts$/, '') ?? '';
    for (const [, code = '', sentence = ''] of source.matchAll(THROWN)) {
      if (!sentences.has(`${area} ${code}`)) sentences.set(`${area} ${code}`, readable(sentence));
    }
    for (const [, union = ''] of source.matchAll(UNION)) {
      for (const [, remark = '', code = ''] of union.matchAll(MEMBER))
        add({ code, area, meaning: tidy(remark) });
    }
    for (const [, code = ''] of source.matchAll(PLAIN)) add({ code, area, meaning: '' });
  }
  return [...found.values()]
    .map((one) => ({ ...one, meaning: one.meaning || (sentences.get(`${one.area} ${one.code}`) ?? '') }))
    .toSorted((a, b) => order(a).localeCompare(order(b), 'en'));

  function add(one: ErrorCode): void {
    const key = order(one);
    if (!found.get(key)?.meaning) found.set(key, one);
  }
}

/** docs/reference/errors.md. */
export function errorReference(codes: readonly ErrorCode[]): string {
  const areas = [...new Set(codes.map(({ area }) => area))];
  return [
    PREFACE,
    ...areas.flatMap((area) => [
      `## ${area}`,
      '',
      '| code | meaning, or a sentence that it comes with |',
      '|---|---|',
      ...codes
        .filter((one) => one.area === area)
        .map(({ code, meaning }) => `| \`${code}\` | ${cell(meaning)} |`),
      '',
    ]),
  ].join('\n');
}

const PREFACE = `# Errors

Made from the code; \`AIRLOCK_WRITE_REFERENCE=1 npm test -- test/scripts/reference.test.ts\` writes it anew.

Every error has a kind, a stable code for programs, and one sentence for people that begins with "cannot". The kind decides the HTTP status
and the exit code of a command:

| kind | means | HTTP | exit code |
|---|---|---|---|
| invalid | the request, file or command line is wrong | 400 | 2 |
| unauthenticated | no valid proof of who asks | 401 | 3 |
| forbidden | known, and not permitted | 403 | 4 |
| not-found | not there, or hidden from whoever asks | 404 | 5 |
| conflict | at odds with what is there | 409 | 6 |
| too-large | beyond a limit | 413 | 7 |
| unavailable | a part does not answer now; ask again | 503 | 8 |
| internal | a mistake in Airlock; the client is told nothing more | 500 | 70 |

The codes, by the part that says them (\`…\` stands for a value):
`;

const order = ({ area, code }: { readonly area: string; readonly code: string }) => `${area} ${code}`;

/** Template texts with an ellipsis in place of what is filled in. */
function readable(template: string): string {
  let text = template;
  for (let before = ''; before !== text;) {
    before = text;
    text = text.replaceAll(/\$\{[^{}]*\}/g, '…');
  }
  // What is left has braces within braces: too much for a table.
  return text.includes('${') ? '' : text;
}

const tidy = (remark: string) => remark.replaceAll(/\s*\n\s*\*\s*/g, ' ').trim();
const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
