import { generateKeyPair, randomBytes, randomUUID, sign } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createSoftHsmToken, openHsm, parseHsmKeyId, type Hsm } from '../../src/hsm/index.ts';
import type { BenchFigure, BenchReport } from '../../scripts/bench-report.ts';

const SECONDS = 3;
const LABEL = 'bench';

/** How often a call can be made in a second, with so many under way at once, and how long the middle one takes. */
export async function rateOf(
  concurrency: number,
  seconds: number,
  call: () => Promise<unknown>,
): Promise<Rate> {
  const times: number[] = [];
  const start = performance.now();
  const end = start + seconds * 1000;
  const worker = async () => {
    while (performance.now() < end) {
      const from = performance.now();
      await call();
      times.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  const perSecond = (times.length * 1000) / (performance.now() - start);
  return {
    perSecond,
    median: times.toSorted((one, other) => one - other)[Math.floor(times.length / 2)] ?? 0,
  };
}

export interface Rate {
  readonly perSecond: number;
  /** Milliseconds. */
  readonly median: number;
}

/** What the HSM child alone signs in a second, RSA 4096 on SoftHSM: the limit that other benches compare with. */
export async function hsmAlone(hsm: Hsm, id: Parameters<Hsm['sign']>[0], concurrency: number): Promise<Rate> {
  await hsm.sign(id, randomBytes(64));
  return rateOf(concurrency, SECONDS, () => hsm.sign(id, randomBytes(64)));
}

/** Signing through the HSM child against signing with node:crypto in this process, same key size, same run. */
export async function run(): Promise<BenchReport> {
  const folder = await mkdtemp(join(tmpdir(), 'airlock-bench-'));
  const pin = randomUUID();
  const token = await createSoftHsmToken({
    directory: join(folder, 'softhsm'),
    label: LABEL,
    pin,
    soPin: randomUUID(),
  });
  const module = { path: token.modulePath, env: token.env };
  const hsm = await openHsm({ module, tokenLabel: LABEL, pin: async () => pin, probeEvery: 0 });
  try {
    const id = parseHsmKeyId(randomUUID());
    await hsm.generateKey(id, 'bench');
    const perSecond = await rawSigning();
    const figures: BenchFigure[] = [];
    for (const concurrency of [1, 8, 64]) {
      const rate = await hsmAlone(hsm, id, concurrency);
      const limit = { name: 'node:crypto with no token, 4 at once', value: perSecond };
      const name = `HSM child, ${concurrency} at once`;
      figures.push({ name, value: rate.perSecond, unit: 'signatures/s', limit });
      figures.push({ name: `${name}, median`, value: rate.median, unit: 'ms' });
    }
    return {
      subject: 'Signing',
      method: `RSA 4096, SHA-512, SoftHSM in one child process with four sessions; every signature verified; ${SECONDS} s each.`,
      figures,
    };
  } finally {
    await hsm.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The most that this machine's processors sign with the same kind of key and no token at all. */
async function rawSigning(): Promise<number> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 4096 });
  const message = randomBytes(64);
  const signInPool = () => {
    return new Promise((resolve, reject) => {
      sign('sha512', message, privateKey, (error, signature) => (error ? reject(error) : resolve(signature)));
    });
  };
  return (await rateOf(4, SECONDS, signInPool)).perSecond;
}
