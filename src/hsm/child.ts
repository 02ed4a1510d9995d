/**
 * The only process that loads a PKCS#11 module. It talks to its parent over IPC alone, is silent otherwise, and ends with it.
 * A module that crashes or hangs takes this process with it and nothing else; the parent starts another.
 */
import { faultOf } from './fault.ts';
import { requestSchema, signsOf, type ControlRequest, type SignItem, type SignedItem } from './protocol.ts';
import type { Token } from './token.ts';

let token: Token | undefined;
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
    const signature = await opened().sign(key, digest);
    // Several sessions often finish in one turn of the loop: one message carries all of them.
    if (signed.length === 0) setImmediate(flushSigned);
    signed.push({ call, signature });
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
      token = Token.open(request);
      return token.description;
    }
    case 'find':
      return opened().keys.find(request.key);
    case 'list':
      return opened().keys.list();
    case 'generate':
      return opened().keys.generate(request.key, request.label, request.bits);
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

function opened(): Token {
  if (!token) throw new Error('the token is not open');
  return token;
}

function reply(message: object): void {
  // The parent may have gone between the call and its answer; "disconnect" ends this process then.
  process.send?.(message, undefined, undefined, () => undefined);
}
