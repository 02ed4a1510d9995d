import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import {
  createSoftHsmToken,
  openHsm,
  type Hsm,
  type HsmOptions,
  type TokenFinder,
} from '../../src/hsm/index.ts';

/** A SoftHSM token in a folder of its own. */
export interface TestToken {
  readonly directory: string;
  readonly label: string;
  readonly pin: string;
  readonly modulePath: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Makes a token under `folder`; a new one for each call. */
export async function makeTestToken(folder: string): Promise<TestToken> {
  const label = `airlock-${randomBytes(4).toString('hex')}`;
  const directory = join(folder, label);
  const pin = randomBytes(8).toString('hex');
  const made = await createSoftHsmToken({ directory, label, pin, soPin: randomBytes(8).toString('hex') });
  return { directory, label, pin, ...made };
}

/** Puts another token with the same label beside a test token, as a copied card is; gives its serial number. */
export async function makeTwin(token: TestToken): Promise<string> {
  const secrets = ['--pin', token.pin, '--so-pin', token.pin];
  const util = (...args: readonly string[]) =>
    promisify(execFile)('softhsm2-util', args, { env: { PATH: process.env['PATH'], ...token.env } });
  const before = serialsIn((await util('--show-slots')).stdout);
  await util('--init-token', '--free', '--label', token.label, ...secrets);
  const after = serialsIn((await util('--show-slots')).stdout);
  return after.find((serial) => !before.includes(serial)) ?? '';
}

function serialsIn(slots: string): string[] {
  return [...slots.matchAll(/Serial number:[ \t]*(\S+)/g)].map(([, serial = '']) => serial);
}

/** Opens a test token for one test; it is closed when the test ends. */
export async function openTestHsm(token: TestToken, options: Partial<HsmOptions> = {}): Promise<Hsm> {
  const hsm = await openHsm({
    module: { path: token.modulePath, env: token.env },
    tokenLabel: token.label,
    pin: async () => token.pin,
    probeEvery: 0,
    ...options,
  });
  onTestFinished(() => hsm.close());
  return hsm;
}

/** An appliance with one token, which holds every key. */
export function oneToken<Calls>(hsm: Calls): TokenFinder<Calls> {
  return { of: () => hsm };
}
