import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { answering, runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** A host that answers what it is asked with these. */
async function host(answers: Readonly<Record<string, unknown>> = {}) {
  const server = await answering(answers);
  const env = { AIRLOCK_URL: server.url, AIRLOCK_OPERATOR_TOKEN: 'operator' };
  return { env, seen: server.seen };
}

describe('what cannot be meant is refused before anything is asked', () => {
  test.each([
    [
      'snap-store-proxy',
      ['fetch-snaps', 'jq', '--arch', 'amd64,x86'],
      'cannot use the architecture "x86": it is one of amd64, ',
    ],
    [
      'store-admin',
      ['export', 'snaps', 'jq', '--arch', 'x86'],
      'cannot use the architecture "x86": it is one of amd64, ',
    ],
    [
      'store-admin',
      ['export', 'store', 's', '--arch', 'x86'],
      'cannot use the architecture "x86": it is one of amd64, ',
    ],
    [
      'snap-store-proxy',
      ['fetch-account-keys', 'acme', 'abc'],
      'cannot use the key "abc": write its SHA3-384, 64 characters long',
    ],
    [
      'snap-store-proxy',
      ['fetch-snaps', 'jq', '--channel='],
      'cannot use "" as a list of channels: name one or more, with commas between them',
    ],
    [
      'store-admin',
      ['export', 'store', 's', '--channel', ' ,'],
      'cannot use " ," as a list of channels: name one or more, with commas between them',
    ],
    [
      'store-admin',
      ['export', 'snaps', 'jq', '--arch', ''],
      'cannot use "" as a list of architectures: name one or more, with commas between them',
    ],
    [
      'store-admin',
      ['export', 'store', 's', '--key', 'K'.repeat(64), '--key', ''],
      'cannot use "" as a list of keys: name one or more, with commas between them',
    ],
    [
      'store-admin',
      ['export', 'store', 's', '--key', 'abc'],
      'cannot use the key "abc": write its SHA3-384, 64 characters long',
    ],
    [
      'snap-store-proxy',
      ['fetch-snaps', 'jq', '--export-dir', ''],
      'cannot write to "": name a folder by --export-dir',
    ],
    [
      'store-admin',
      ['export', 'snaps', 'jq', '--export-dir='],
      'cannot write to "": name a folder by --export-dir',
    ],
    [
      'snap-store-proxy',
      ['fetch-snaps', 'jq', 'jq=6'],
      'cannot use the snap name "jq=6": names have at most 40 lower-case letters, digits and single hyphens',
    ],
    ['store-admin', ['export', 'snaps', 'JQ'], 'cannot use the snap name "JQ": '],
    [
      'snap-store-proxy',
      ['push-snap', 'jq-20260101T000000.tar.gz', '--channel', 'edge'],
      'cannot use --channel for an archive: it says itself which channels hold its snap; --channel is for a NAME.snap',
    ],
    [
      'snap-store-proxy',
      ['push-snap', 'jq_6.snap', 'jq_6.assert', '--channel', ''],
      'cannot use "" as a list of channels: ',
    ],
    [
      'snap-store-proxy',
      ['push-snap', 'jq_6.snap', 'jq_7.snap', 'jq_8.assert'],
      'cannot tell which snap jq_8.assert is for: name one like it, or push them one by one',
    ],
    [
      'snap-store-proxy',
      ['push-snap', 'jq-20260101T000000.tar.gz', 'jq_6.assert'],
      'cannot tell which snap jq_6.assert is for',
    ],
    [
      'snap-store-proxy',
      ['push-snap', 'jq_6.snap', 'jq_6.assert', 'jq_7.assert'],
      'cannot tell which snap jq_7.assert is for',
    ],
    [
      'snap-store-proxy',
      ['push-snap', 'jq_6.snap', '--push-channel-map'],
      'cannot use --push-channel-map for a NAME.snap, which comes with no channel map: say by --channel what is to hold it',
    ],
  ] as const)('%s %j', async (program, args, sentence) => {
    const { env, seen } = await host();
    const { status, stdout, stderr } = await runCli(program, args, { env });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^error: [^\n]+\n$/);
    expect(stderr).toContain(sentence);
    expect(seen).toEqual([]);
  });

  test.each([
    ['packages: *x', 'it is no YAML'],
    ['', 'an object is needed'],
    ['packages: [{ name: jq, revision: "11" }]', 'packages.0.revision: '],
    [
      'packages: [{ name: jq, revision: 11, push_chanel: edge }]',
      'packages.0: there is no field "push_chanel"',
    ],
  ])('export snaps --from-yaml of %j', async (text, fault) => {
    const { env, seen } = await host();
    const file = join(await temporaryFolder(), 'list.yaml');
    await writeFile(file, text);
    const { status, stderr } = await runCli('store-admin', ['export', 'snaps', '--from-yaml', file], { env });
    expect(status).toBe(2);
    expect(stderr).toContain(`error: cannot read ${file}: ${fault}`);
    expect(stderr).toMatch(/; a list "packages" of name, revision and push_channel is needed\n$/);
    expect(seen).toEqual([]);
  });

  test('trust add of a snap, whose bytes nobody wants to see', async () => {
    const { env, seen } = await host();
    const file = join(await temporaryFolder(), 'jq.snap');
    await writeFile(file, Buffer.concat([Buffer.from('hsqs'), Buffer.alloc(4096, 0xfe)]));
    expect(await runCli('airlock', ['trust', 'add', file], { env })).toEqual({
      status: 2,
      stdout: '',
      stderr: `error: cannot read ${file}: it holds no assertions; take what "airlock authority root" wrote there\n`,
    });
    expect(seen).toEqual([]);
  });
});

test.each([
  ['0', 'A new secret is in force; all sessions under the old one have ended.\n'],
  ['2', 'A new secret is in force; sessions under the old one are good until 2026-01-01T02:00:00.000Z.\n'],
])('rotate-device-secret --grace %s says what becomes of sessions', async (grace, words) => {
  const { env } = await host({
    'POST /ops/v1/rotations/device-secret': { until: '2026-01-01T02:00:00.000Z' },
  });
  const { status, stdout } = await runCli('snap-store-proxy', ['rotate-device-secret', '--grace', grace], {
    env,
  });
  expect({ status, stdout }).toEqual({ status: 0, stdout: words });
});

test('import-certificate --json tells the subject as it is in the certificate', async () => {
  const { env } = await host({ 'PUT /ops/v1/tls': { subject: 'CN=store.example', until: '2027' } });
  const run = async (...more: readonly string[]) =>
    (await runCli('snap-store-proxy', ['import-certificate', '--selfsigned', ...more], { env })).stdout;
  expect(JSON.parse(await run('--json'))).toEqual({ subject: 'CN=store.example', until: '2027' });
  expect(await run()).toBe('Certificate "CN=store.example" imported, valid until 2027.\n');
});
