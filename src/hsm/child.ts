/**
 * The only process that loads a PKCS#11 module. It talks to its parent over IPC alone, is silent otherwise, and ends with it.
 * A module that crashes or hangs takes this process with it and nothing else; the parent starts another.
 */
import { TokenFault, faultOf } from './fault.ts';
import type { RsaPublicKey } from './key-store.ts';
import { requestSchema, signsOf, type ControlRequest, type SignItem, type SignedItem } from './protocol.ts';
import type { Token } from './token.ts';

/** How many times a generation that met another one starts over. */
const TWIN_ATTEMPTS = 6;
const REOPEN_ATTEMPTS = 20;

let token: Token | undefined;
let open: () => Token = () => opened();
let signed: SignedItem[] = [];

process.on('message', (message: unknown) => {
  const signs = signsOf(message);
  if (signs) {
    for (const item of signs) void sign(item);
    return;
  }
  const request = requestSchema.parse(message);
  perform(request).then(
    (value) => reply({ call: request.call, value }),
    (error: unknown) => reply({ call: request.call, fault: faultOf(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
// A terminal's Ctrl-C and a service manager's stop reach the whole group; the parent decides when signing ends.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);

async function sign({ call, key, digest }: SignItem): Promise<void> {
  try {
    const made = await opened().sign(key, digest);
    // Several sessions often finish in one turn of the loop: one message carries all of them.
    if (signed.length === 0) setImmediate(flushSigned);
    signed.push({ call, ...made });
  } catch (error) {
    reply({ call, fault: faultOf(error) });
  }
}

function flushSigned(): void {
  reply({ signed });
  signed = [];
}

async function perform(request: ControlRequest): Promise<unknown> {
  switch (request.op) {
    case 'open': {
      // Loaded here, so that a missing native binding is an answer and not a crash.
      const { Token } = await import('./token.ts');
      open = () => Token.open(request);
      token = open();
      return token.description;
    }
    case 'find':
      return opened().keys.find(request.key);
    case 'list':
      return opened().keys.list();
    case 'generate':
      return generate(request);
    case 'delete':
      return opened().keys.delete(request.key);
    case 'ping':
      return opened().ping();
    case 'close':
      token?.close();
      token = undefined;
      return undefined;
  }
}

/**
 * The pair with this id, made unless it is there. Looks again afterwards, because another process may have made one at the
 * same time; two that met both start over. Looks with the library freshly initialised: SoftHSM does not notice objects that
 * others made just before it made its own. Nothing else may be under way here.
 */
async function generate({
  key,
  label,
  bits,
}: Extract<ControlRequest, { op: 'generate' }>): Promise<RsaPublicKey> {
  for (let attempt = 0; attempt < TWIN_ATTEMPTS; attempt++) {
    const there = opened().keys.find(key);
    if (there) return there;
    const made = await opened().keys.generate(key, label, bits);
    if ((await reopened()).keys.settleTwins(key, made)) return made;
    await pause(500 * 2 ** attempt);
    await reopened();
  }
  throw new TokenFault('refused', `other processes keep making keys with the id ${key}`);
}

/** SoftHSM shows no token while another process logs in, so one failure says little; a new key must not be left unsettled. */
async function reopened(): Promise<Token> {
  opened().close();
  for (let attempt = 1; ; attempt++) {
    try {
      token = open();
      return token;
    } catch (error) {
      const { kind } = faultOf(error);
      if (attempt === REOPEN_ATTEMPTS || (kind !== 'no-token' && kind !== 'connection')) throw error;
      await pause(100 * attempt);
    }
  }
}

/** Waits for a random part of so many milliseconds. */
function pause(atMost: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * atMost));
}

function opened(): Token {
  if (!token) throw new Error('the token is not open');
  return token;
}

function reply(message: object): void {
  // The parent may have gone between the call and its answer; "disconnect" ends this process then.
  process.send?.(message, undefined, undefined, () => undefined);
}
