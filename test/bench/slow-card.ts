import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchFigure } from '../../scripts/bench-report.ts';
import type { Signer } from '../../src/assertions/index.ts';
import { paced } from './paced.ts';
import type { PreparedRequest } from './serial-load.ts';
import { openStand, type SerialStand } from './serial-stand.ts';

/** Devices that ask in one moment, a little after one another. */
const DEVICES = 16;
const APART_MS = 20;
/** How long a device waits after an answer 202. */
const ASKS_AGAIN_MS = 2000;
/** What a batch, and a device that is between two requests, may add to the signatures themselves. */
const ALLOWED_S = 5;

/**
 * A token of one signature a second, as smart cards are, under devices that all come at once: first when nothing is known of its pace, then
 * when it is. In which order they are served, how long the last one waits, and what they hear meanwhile.
 */
export async function slowCard(keys: readonly Signer[]): Promise<BenchFigure[]> {
  const stand = await openStand({ before: (hsm) => paced(hsm, 1) });
  try {
    return [
      ...(await burst(stand, keys, 'token of 1/s, 16 devices, its pace unknown')),
      ...(await burst(stand, keys, 'the same, its pace known')),
    ];
  } finally {
    await stand.close();
  }
}

async function burst(stand: SerialStand, keys: readonly Signer[], name: string): Promise<BenchFigure[]> {
  const requests = await stand.prepare(DEVICES, keys.slice(0, DEVICES));
  const since = new Date().toISOString();
  const started = performance.now();
  const answers = await Promise.all(
    requests.map(async (request, index) => {
      await sleep(index * APART_MS);
      return untilServed(stand, request);
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  const statuses = answers.flatMap(({ heard }) => heard);
  const others = statuses.filter((status) => status !== 200 && status !== 202);
  const longest = Math.max(...answers.map(({ waited }) => waited)) / 1000;
  const swapped = await servedOutOfOrder(stand, since);
  return [
    { name, value: DEVICES / seconds, unit: 'serials/s', limit: { name: 'the token', value: 1 } },
    {
      name: 'the longest wait of a device',
      value: longest,
      unit: 's',
      limit: { name: 'all signatures', value: DEVICES },
      goal: {
        text: `nobody starves: at most all signatures + ${String(ALLOWED_S)} s`,
        met: longest <= DEVICES + ALLOWED_S,
      },
    },
    {
      name: 'pairs of devices that were served in another order than they came in',
      value: swapped,
      unit: 'pairs',
      goal: { text: 'none', met: swapped === 0 },
    },
    {
      name: 'answers 202 to those who wait',
      value: statuses.filter((status) => status === 202).length,
      unit: 'answers',
      goal: { text: 'nothing but 202 before the serial', met: others.length === 0 },
    },
  ];
}

/** Asks as a device does until it has its serial or is refused. */
async function untilServed({ rig }: SerialStand, { body, apiKey }: PreparedRequest) {
  const begun = performance.now();
  const heard: number[] = [];
  for (;;) {
    const answer = await fetch(`${rig.server.url}/api/v1/snaps/auth/devices`, {
      method: 'POST',
      headers: { 'api-key': apiKey, 'content-type': 'application/x.ubuntu.assertion' },
      body: Buffer.from(body),
    });
    await answer.arrayBuffer();
    heard.push(answer.status);
    if (answer.status !== 202) return { heard, waited: performance.now() - begun };
    await sleep(ASKS_AGAIN_MS);
  }
}

async function servedOutOfOrder({ rig }: SerialStand, since: string): Promise<number> {
  const rows = await rig.database.queries
    .selectFrom('SerialIntent')
    .select(['createdAt', 'signedAt'])
    .where('createdAt', '>=', since)
    .execute();
  const isBefore = (one: string, other: string) => Date.parse(one) < Date.parse(other);
  return rows.reduce(
    (sum, first) =>
      sum +
      rows.filter(
        (second) =>
          isBefore(first.createdAt, second.createdAt) &&
          isBefore(second.signedAt ?? '', first.signedAt ?? ''),
      ).length,
    0,
  );
}
