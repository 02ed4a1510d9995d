import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import { writeCommaSeparated } from '../../devices/index.ts';
import type { CliContext } from '../context.ts';
import { usageError } from '../errors.ts';
import type { HttpClient } from '../http-client.ts';
import { operatorClient } from '../operator.ts';
import { tableLines } from '../tables.ts';
import { printJson } from '../terminal.ts';

const actSchema = z.looseObject({
  at: z.string(),
  actor: z.string(),
  act: z.string(),
  subject: z.string(),
  details: z.record(z.string(), z.unknown()),
});
const pageSchema = z.looseObject({ acts: z.array(actSchema), next: z.number().nullable() });
const PAGE = 1000;

/** `list-acts`: who did what on this host, the newest first. */
export function listActsCommand(context: CliContext) {
  return new Command('list-acts')
    .description('list who did what on this host, the newest first')
    .option('--act <act>', 'only this act, or all of one kind: "serial" for all that begin with "serial."')
    .option('--actor <actor>', 'only what this account, or "operator", did')
    .option('--subject <subject>', 'only what was done to this, or to what is below it: a brand, BRAND/MODEL')
    .option('--since <time>', 'only at or after this moment (RFC 3339)')
    .option('--until <time>', 'only before this moment (RFC 3339)')
    .option('--limit <number>', 'at most so many', '100')
    .option('--csv', 'print them as CSV')
    .option('--json', 'print them as JSON')
    .action(async ({ limit, csv, json, ...filter }) => {
      const acts = await actsOf(await operatorClient(context), filter, countOf(limit));
      if (json) return printJson(context.terminal, acts);
      const rows = acts.map(({ at, actor, act, subject, details }) => [
        at,
        actor,
        act,
        subject,
        Object.keys(details).length === 0 ? '' : JSON.stringify(details),
      ]);
      const columns = ['Time', 'Actor', 'Act', 'Subject', 'Details'];
      const text = csv
        ? writeCommaSeparated(
            columns.map((column) => column.toLowerCase()),
            rows,
          )
        : tableLines(columns, rows)
            .map((line) => `${line}\n`)
            .join('');
      context.terminal.stdout.write(text);
    });
}

function countOf(limit: string): number {
  if (/^[1-9]\d{0,8}$/.test(limit)) return Number(limit);
  throw usageError(`cannot list ${limit.slice(0, 40)} acts: --limit takes a whole number from 1`);
}

async function actsOf(
  client: HttpClient,
  filter: Readonly<Record<string, string | undefined>>,
  limit: number,
): Promise<readonly z.infer<typeof actSchema>[]> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) if (value !== undefined) query.set(name, value);
  const found: z.infer<typeof actSchema>[] = [];
  for (;;) {
    query.set('limit', String(Math.min(limit - found.length, PAGE)));
    const { acts, next } = await client.request(`/ops/v1/acts?${query.toString()}`, pageSchema);
    found.push(...acts);
    if (next === null || found.length >= limit) return found;
    query.set('before', String(next));
  }
}
