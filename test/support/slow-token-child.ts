/**
 * Stands in for a token with a processor of its own: keys in memory, one signature after another at a fixed rate, and next
 * to no work for this machine (the key has four primes, so a signature costs a quarter). Speaks the HSM child's protocol.
 */
import { constants, createPrivateKey, createPublicKey, privateEncrypt, type KeyObject } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { requestSchema, signsOf, type ControlRequest, type SignItem } from '../../src/hsm/protocol.ts';

const perSecond = Number(process.env['SLOW_TOKEN_PER_SECOND']);
const key = createPrivateKey(process.env['SLOW_TOKEN_KEY'] ?? '');
const labels = new Map<string, string>();
/** The token does one thing after another: this is when the last of what it was given will be done. */
let queue: Promise<void> = Promise.resolve();
let freeAt = performance.now();

process.on('message', (message: unknown) => {
  const signs = signsOf(message);
  if (signs) for (const item of signs) sign(item);
  else answer(requestSchema.parse(message));
});
process.on('disconnect', () => process.exit(0));
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);

function sign({ call, key: id, digest }: SignItem): void {
  freeAt = Math.max(freeAt, performance.now()) + 1000 / perSecond;
  const doneAt = freeAt;
  const signature = signDigest(key, digest);
  const fault = { kind: 'key-missing', reason: `the token holds no private key with the id ${id}` };
  queue = queue.then(async () => {
    await sleep(Math.max(0, doneAt - performance.now()));
    process.send?.(
      labels.has(id) ? { signed: [{ call, signature, milliseconds: 1000 / perSecond }] } : { call, fault },
    );
  });
}

function answer(request: ControlRequest): void {
  process.send?.({ call: request.call, value: valueOf(request) });
}

function valueOf(request: ControlRequest): unknown {
  switch (request.op) {
    case 'open':
      // Keys outlive a process on a real token; here the parent says which there are.
      for (const id of (process.env['SLOW_TOKEN_KEYS'] ?? '').split(' ')) labels.set(id, 'key');
      return {
        label: request.tokenLabel,
        manufacturer: 'Airlock tests',
        model: `${perSecond}/s`,
        serial: '1',
      };
    case 'find':
      return labels.has(request.key) ? publicKey() : null;
    case 'list':
      return [...labels].map(([id, label]) => ({ id, label, publicKey: publicKey() }));
    case 'generate':
    case 'delete':
      throw new Error('the slow token has the keys that it was given');
    case 'ping':
    case 'close':
      return undefined;
  }
}

function publicKey(): { n: Buffer; e: Buffer } {
  const { n = '', e = '' } = createPublicKey(key).export({ format: 'jwk' });
  return { n: Buffer.from(n, 'base64url'), e: Buffer.from(e, 'base64url') };
}

/** RSASSA-PKCS1-v1_5 of a digest that is made already, RFC 8017 section 9.2. */
function signDigest(privateKey: KeyObject, digest: Uint8Array): Buffer {
  const info = Buffer.concat([Buffer.from('3051300d060960864801650304020305000440', 'hex'), digest]);
  return privateEncrypt({ key: privateKey, padding: constants.RSA_PKCS1_PADDING }, info);
}
