import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { answering, operationAt, runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const plan = { undone: [], items: [], applied: false, moreItems: 0, removedBlobs: 0 };

/** Runs a command before which somebody sits who types nothing, and interrupts it once it waits for that. */
async function interrupt(
  program: 'snap-store-proxy' | 'store-admin',
  args: readonly string[],
  answers: Readonly<Record<string, unknown>> = {},
) {
  const server = await answering(answers);
  const interruption = new AbortController();
  // That somebody reads from it says that the command waits.
  const keyboard = new Readable({ read: () => void setImmediate(() => interruption.abort()) });
  const env = {
    AIRLOCK_URL: server.url,
    AIRLOCK_OPERATOR_TOKEN: 'operator',
    AIRLOCK_HOME: await temporaryFolder(),
  };
  const outcome = await runCli(program, args, { env, keyboard, signal: interruption.signal });
  return { ...outcome, seen: server.seen };
}

describe('Ctrl-C ends a command that waits', () => {
  test.each([
    ['for a certificate', ['import-certificate']],
    ['for settings', ['config', '--import-yaml']],
    ['for CAs', ['use-ca-certs']],
    ['for the value of a setting', ['config', 'proxy.tls.key=-']],
    ['for the values of two', ['config', 'proxy.domain=-', 'proxy.hsm.token-pin=-']],
  ])('%s', async (_, args) => {
    const { status, stdout, stderr, seen } = await interrupt('snap-store-proxy', args);
    expect({ status, stdout: stdout.trim(), stderr }).toEqual({
      status: 130,
      stdout: '',
      stderr: 'error: cannot go on: interrupted\n',
    });
    expect(seen).toEqual([]);
  });

  test('for a yes, and nothing happens', async () => {
    const { status, stdout, stderr, seen } = await interrupt(
      'snap-store-proxy',
      ['roll-back'],
      operationAt('POST /ops/v1/imports/roll-back', plan),
    );
    expect({ status, stdout, stderr }).toMatchObject({
      status: 130,
      stdout: expect.stringMatching(/ \[y\/N\]: \n$/),
      stderr: expect.stringMatching(/error: cannot go on: interrupted\n$/),
    });
    expect(seen.filter(({ method }) => method === 'POST')).toHaveLength(1);
  });

  test('for a host that does not answer', async () => {
    const interruption = new AbortController();
    const silent = await answering({
      'GET /ops/v1/config': () => {
        interruption.abort();
        return { settings: [] };
      },
    });
    const env = { AIRLOCK_URL: silent.url, AIRLOCK_OPERATOR_TOKEN: 'operator' };
    expect(await runCli('snap-store-proxy', ['config'], { env, signal: interruption.signal })).toEqual({
      status: 130,
      stdout: '',
      stderr: 'error: cannot go on: interrupted\n',
    });
  });
});
