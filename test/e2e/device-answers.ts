import { createHash } from 'node:crypto';
import { z } from 'zod';
import { hexToSnapSha3 } from '../../src/assertions/index.ts';
import { sessionTexts } from '../api/device/world.ts';
import type { AuthoritySnap, FactoryDevice } from './carried-authority.ts';

const session = z.object({ macaroon: z.string() });

/** What a store answers to a device of the brand and to a stranger, as texts that two hosts can be compared by. */
export async function deviceAnswers(
  url: string,
  who: FactoryDevice,
  snaps: readonly AuthoritySnap[],
): Promise<readonly string[]> {
  return answersIn(await openSession(url, who), url, snaps);
}

/** Opens a session of a device, as snapd does, and gives its token. */
export async function openSession(url: string, who: FactoryDevice): Promise<string> {
  const reply = await fetch(`${url}/api/v1/snaps/auth/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(await sessionTexts(url, { ...who, device: who.device })),
  });
  if (!reply.ok) throw new Error(`no session: ${reply.status} ${await reply.text()}`);
  return session.parse(await reply.json()).macaroon;
}

/** The same answers to a device whose session is open, and to a stranger. */
export async function answersIn(
  macaroon: string,
  url: string,
  snaps: readonly AuthoritySnap[],
): Promise<readonly string[]> {
  const answers: string[] = [];
  for (const [name, headers] of [
    ['stranger', {}],
    ['device', { 'snap-device-authorization': `Macaroon root="${macaroon}"` }],
  ] as const)
    for (const [what, path, body, more] of requestsAbout(snaps)) {
      const answer = await fetch(url + path, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { 'snap-device-series': '16', 'snap-device-architecture': 'amd64', ...headers, ...more },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      answers.push(`${name} ${what}: ${answer.status} ${shown(await answer.arrayBuffer(), url)}`);
    }
  return answers;
}

type Asked = readonly [string, string, unknown, Readonly<Record<string, string>>];

function requestsAbout(snaps: readonly AuthoritySnap[]): readonly Asked[] {
  const json = { 'content-type': 'application/json' };
  const fields = ['download', 'name', 'publisher', 'revision', 'snap-id', 'snap-yaml', 'type', 'version'];
  const asked: Asked[] = [];
  for (let from = 0; from < snaps.length; from += 20) {
    const actions = snaps.slice(from, from + 20).map(({ name }) => ({
      action: 'install',
      'instance-key': name,
      name,
      channel: 'latest/stable',
      epoch: null,
    }));
    asked.push([`installs from ${from}`, '/v2/snaps/refresh', { context: [], actions, fields }, json]);
  }
  for (const { name, snapId, digest, size } of snaps) {
    asked.push([
      `info ${name}`,
      `/v2/snaps/info/${name}?fields=download,revision,snap-yaml,version`,
      undefined,
      {},
    ]);
    const sha3 = hexToSnapSha3(digest);
    for (const path of [`snap-declaration/16/${snapId}`, `snap-revision/${sha3}`])
      asked.push([path, `/v2/assertions/${path}`, undefined, { accept: 'application/x.ubuntu.assertion' }]);
    const range = { range: `bytes=0-65535` };
    asked.push([`front of ${name}`, `/api/v1/snaps/download/${snapId}_1.snap`, undefined, range]);
    const tail = { range: `bytes=${size - 4096}-` };
    asked.push([`end of ${name}`, `/api/v1/snaps/download/${snapId}_1.snap`, undefined, tail]);
  }
  return asked;
}

/** Bytes as a digest; texts less the host's own address and the moment of its import. */
function shown(bytes: ArrayBuffer, url: string): string {
  const text = Buffer.from(bytes).toString('latin1');
  const plain = text.replaceAll(url, 'URL').replaceAll(/"released-at":"[^"]+"/g, '"released-at":""');
  return createHash('sha256').update(plain, 'latin1').digest('hex');
}
