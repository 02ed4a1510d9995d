import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchFigure, BenchReport } from '../../scripts/bench-report.ts';
import { decodeStream, verifySignature } from '../../src/assertions/index.ts';
import { readSerialRequest, verifySerialRequest } from '../../src/devices/index.ts';
import { P11KitServer } from '../support/p11-kit.ts';
import { makeTestToken } from '../support/softhsm-token.ts';
import { hsmAlone } from './hsm.bench.ts';
import { deviceKeys, load, type LoadReport, type PreparedRequest } from './serial-load.ts';
import { paced } from './paced.ts';
import { slowCard } from './slow-card.ts';
import { workerLoss } from './worker-loss.ts';
import { openStand, type SerialStand } from './serial-stand.ts';
import type { Signer } from '../../src/assertions/index.ts';

/** The documented minimum: 1,000 serials a minute with SoftHSM. */
const MINIMUM = 1000 / 60;

/** Serials over HTTP against what the HSM child alone signs in the same run with the same key. */
export async function run(): Promise<BenchReport> {
  const keys = await deviceKeys(32);
  return {
    subject: 'Serials',
    method:
      'Devices with keys of 4096 bits in a process of their own post serial-requests signed beforehand, each new device once, and post the next as soon as an answer is there, after 64 serials that are not counted. API, worker, HSM child (SoftHSM, RSA 4096), Temporal (dev server on a file, payloads sealed) and the devices share this machine. "HSM child alone" is measured just before, with 64 calls at once.',
    figures: [
      ...(await softHsm(keys)),
      ...(await twoLanes(keys)),
      ...(await slowToken(keys)),
      ...(await slowCard(keys)),
      ...(await behindP11Kit(keys)),
      ...(await workerLoss(await deviceKeys(64))),
    ],
  };
}

async function softHsm(keys: readonly Signer[]): Promise<BenchFigure[]> {
  const stand = await openStand();
  try {
    const figures: BenchFigure[] = [];
    const single = await aloneRate(stand, 1);
    const one = await measure(stand, await stand.prepare(64, keys), 1);
    const bound = single.median + 60;
    figures.push({
      name: 'one device at a time, p50',
      value: one.p50,
      unit: 'ms',
      limit: { name: 'one raw signature', value: single.median },
      goal: { text: 'at most the raw signature + 60 ms', met: one.p50 <= bound },
    });
    for (const [devices, wanted] of [
      [64, 0.35],
      [200, 0.5],
    ] as const) {
      const limit = await aloneRate(stand, 64);
      const result = await measure(stand, await stand.prepare(1536, keys), devices);
      figures.push(rateFigure(`${String(devices)} devices at once`, result, limit.perSecond, wanted));
      if (devices === 64) figures.push(...cpuFigures(result));
    }
    figures.push(...(await parts(stand, keys)));
    figures.push(...(await withManyRows(stand, keys)));
    return figures;
  } finally {
    await stand.close();
  }
}

/** The same load before and after a hundred thousand other serials are in the database. */
async function withManyRows(stand: SerialStand, keys: readonly Signer[]): Promise<BenchFigure[]> {
  const before = await measure(stand, await stand.prepare(1024, keys), 64);
  await fill(stand, 100_000);
  const after = await measure(stand, await stand.prepare(1024, keys), 64);
  return [
    {
      name: '64 devices at once, 100,000 serials stored',
      value: after.perSecond,
      unit: 'serials/s',
      limit: { name: 'with few stored', value: before.perSecond },
      goal: { text: 'within 10 %', met: after.perSecond >= before.perSecond * 0.9 },
    },
  ];
}

/** The first serials of a process take longer than all later ones. Where single devices are measured first, theirs are the first. */
async function warmUp(stand: SerialStand, keys: readonly Signer[]): Promise<void> {
  await measure(stand, await stand.prepare(64, keys), 64);
}

/** A token that signs 100 a second, one after the other, as external ones do. */
async function slowToken(keys: readonly Signer[]): Promise<BenchFigure[]> {
  const withLanes = async (lanes: number) => {
    const stand = await openStand({ before: (hsm) => paced(hsm, 100), provisioner: { lanes } });
    try {
      await warmUp(stand, keys);
      return await measure(stand, await stand.prepare(512, keys), 64);
    } finally {
      await stand.close();
    }
  };
  return [
    rateFigure('token of 100/s, two lanes, 64 devices', await withLanes(2), 100, 0.95),
    plainRate('the same with one lane', await withLanes(1), 100),
  ];
}

/** What `serials.batches.lanes` of temporal.yaml is about: SoftHSM on this machine gains nothing from a second one. */
async function twoLanes(keys: readonly Signer[]): Promise<BenchFigure[]> {
  const stand = await openStand({ provisioner: { lanes: 2 } });
  try {
    await warmUp(stand, keys);
    const limit = await aloneRate(stand, 64);
    const result = await measure(stand, await stand.prepare(1024, keys), 64);
    return [plainRate('64 devices at once, two lanes', result, limit.perSecond)];
  } finally {
    await stand.close();
  }
}

async function behindP11Kit(keys: readonly Signer[]): Promise<BenchFigure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'airlock-p11-bench-'));
  const token = await makeTestToken(folder);
  const server = new P11KitServer(token, folder);
  await server.start();
  const stand = await openStand({ folder, token, hsm: { module: { p11KitAddress: server.address } } });
  try {
    await warmUp(stand, keys);
    const limit = await aloneRate(stand, 64);
    const result = await measure(stand, await stand.prepare(768, keys), 64);
    return [rateFigure('behind p11-kit, 64 devices', result, limit.perSecond, 0.5)];
  } finally {
    await stand.close();
    await server.close();
  }
}

/** Where the service's own time goes, for one serial. */
async function parts(stand: SerialStand, keys: readonly Signer[]): Promise<BenchFigure[]> {
  const [request] = await stand.prepare(1, keys);
  const body = request?.body ?? new Uint8Array();
  const [assertion] = decodeStream(body);
  const read = perCall(400, () => verifySerialRequest(readSerialRequest(body)));
  const { deviceKey } = verifySerialRequest(readSerialRequest(body));
  const verify = perCall(400, () => assertion && verifySignature(assertion, deviceKey));
  return [
    { name: 'of which: read and verify a request', value: read, unit: 'ms/serial' },
    { name: 'of which: its RSA signature alone', value: verify, unit: 'ms/serial' },
  ];
}

function perCall(times: number, call: () => unknown): number {
  const start = process.cpuUsage();
  for (let count = 0; count < times; count += 1) call();
  const used = process.cpuUsage(start);
  return (used.user + used.system) / 1000 / times;
}

type Measured = LoadReport & {
  readonly cpu: { service: number; hsm: number; temporal: number; client: number };
  readonly inTransactions: number;
};

async function measure(
  stand: SerialStand,
  requests: readonly PreparedRequest[],
  devices: number,
): Promise<Measured> {
  const before = stand.cpu();
  const transactionsBefore = stand.inTransactions();
  const report = await load(stand.rig.server.url, requests, devices);
  const after = stand.cpu();
  const inTransactions = (stand.inTransactions() - transactionsBefore) / requests.length;
  const bad = report.statuses.filter(([status]) => status !== 200);
  if (bad.length > 0) throw new Error(`not every device got a serial: ${JSON.stringify(report.statuses)}`);
  const each = (part: 'service' | 'hsm' | 'temporal') => (after[part] - before[part]) / requests.length;
  const client = report.clientCpu / requests.length;
  return {
    ...report,
    cpu: { service: each('service'), hsm: each('hsm'), temporal: each('temporal'), client },
    inTransactions,
  };
}

function rateFigure(name: string, result: LoadReport, limit: number, wanted: number): BenchFigure {
  const met = result.perSecond >= limit * wanted && result.perSecond >= MINIMUM;
  const text = `at least ${String(wanted)} of it, never under 1,000 a minute (p50 ${result.p50.toFixed(0)} ms, p99 ${result.p99.toFixed(0)} ms)`;
  return {
    name,
    value: result.perSecond,
    unit: 'serials/s',
    limit: { name: 'HSM alone', value: limit },
    goal: { text, met },
  };
}

/** A rate to compare with, that nobody asked for. */
function plainRate(name: string, { perSecond }: LoadReport, limit: number): BenchFigure {
  return { name, value: perSecond, unit: 'serials/s', limit: { name: 'HSM alone', value: limit } };
}

function cpuFigures({ cpu, inTransactions }: Measured): BenchFigure[] {
  const outside = cpu.service + cpu.temporal;
  return [
    {
      name: 'processor time outside the signing, 64 devices',
      value: outside,
      unit: 'ms/serial',
      goal: { text: 'at most 4.5 ms, Temporal included', met: outside <= 4.5 },
    },
    { name: 'of which: API and worker', value: cpu.service, unit: 'ms/serial' },
    { name: 'of which: Temporal', value: cpu.temporal, unit: 'ms/serial' },
    { name: 'in database transactions (both), 64 devices', value: inTransactions, unit: 'ms/serial' },
    { name: 'the signing itself (HSM child)', value: cpu.hsm, unit: 'ms/serial' },
  ];
}

async function aloneRate({ rig }: SerialStand, concurrency: number) {
  const [key] = await rig.hsm.listKeys();
  if (key === undefined) throw new Error('the token holds no key');
  return hsmAlone(rig.hsm, key.id, concurrency);
}

async function fill({ rig }: SerialStand, count: number): Promise<void> {
  const now = new Date().toISOString();
  const keyId = () => randomBytes(48).toString('base64url');
  for (let done = 0; done < count; done += 250) {
    const rows = Array.from({ length: 250 }, (_, index) => ({
      id: randomBytes(16).toString('hex'),
      brandId: rig.chain.brandId,
      modelName: `other-${String((done + index) % 10)}`,
      serial: `X-${String(done + index)}`,
      deviceKeyId: keyId(),
      authorityId: rig.chain.brandId,
      signKeyId: keyId(),
      hsmKeyId: 'none',
      headers: {},
      body: '',
      timestamp: now,
      apiKeyName: null,
      sourceAddress: null,
      batch: null,
      createdAt: now,
      signedAt: now,
      serialRequest: Buffer.alloc(200),
      serialAssertion: Buffer.alloc(200),
    }));
    await rig.database.queries.insertInto('SerialIntent').values(rows).execute();
  }
}
