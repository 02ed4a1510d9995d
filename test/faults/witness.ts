/** A file of what a process did, a line for each act, on the disk before the process goes on: it outlives every way to die. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { decodeArmored } from '../../src/assertions/armor.ts';
import type { Assertion } from '../../src/assertions/index.ts';
import { readSignaturePacket } from '../../src/assertions/signature-packets.ts';

/** What was seen. */
export type Seen =
  /** The HSM made a signature of a digest; both in hexadecimal. */
  | { readonly act: 'sign'; readonly key: string; readonly digest: string; readonly signature: string }
  /** A workflow is about to be started. */
  | { readonly act: 'start'; readonly workflow: string };

/** Writes down what is seen. A signature that was seen already by this process is not written again. */
export function openWitness(file: string): (seen: Seen) => void {
  const descriptor = openSync(file, 'a');
  const known = new Set<string>();
  process.once('exit', () => closeSync(descriptor));
  return (seen) => {
    const line =
      seen.act === 'sign' ? `sign ${seen.key} ${seen.digest} ${seen.signature}` : `start ${seen.workflow}`;
    if (known.has(line)) return;
    writeSync(descriptor, `${line}\n`);
    fsyncSync(descriptor);
    known.add(line);
  };
}

/** All that was written down, each thing once. A line that a dying process did not end is nothing that it went on from. */
export function readWitness(file: string): Seen[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return [...new Set(lines)].flatMap((line): Seen[] => {
    const [act, key = '', digest = '', signature = ''] = line.split(' ');
    if (act === 'start') return [{ act, workflow: key }];
    return act === 'sign' ? [{ act, key, digest, signature }] : [];
  });
}

/** The raw signature of an RSA key of 4096 bits in hexadecimal, its leading zeros included. */
export function hexOf(signature: Uint8Array): string {
  return Buffer.from(signature).toString('hex').padStart(1024, '0');
}

/** The raw signature in an assertion, as {@link hexOf} writes it. */
export function signatureIn(assertion: Assertion): string {
  const armored = Buffer.from(assertion.signature).toString();
  return hexOf(readSignaturePacket(decodeArmored(armored, 'signature', 'signature-malformed')).signature);
}
