import { SocketReads } from './socket-reads.ts';

/** Bytes of an answer's head, at most. */
const HEAD_BYTES = 2 ** 16;
const LINE_END = '\r\n';
const HEAD_END = '\r\n\r\n';
const FIELD = /^([!#$%&'*+\-.^_`|~\w]+):[ \t]*(.*?)[ \t]*$/;

/** What came of a question. */
export type PlainAnswer =
  | {
      readonly kind: 'bytes';
      readonly status: 200 | 206;
      /** Each piece is good until the next is asked for. It throws where fewer come than were announced. */
      readonly body: AsyncIterable<Uint8Array>;
    }
  | { readonly kind: 'elsewhere'; readonly url: URL }
  /** What an HTTP client understands better: refusals, and bytes in other forms than so many announced ones. */
  | { readonly kind: 'other' };

/**
 * Asks for a file by HTTP/1.1 on a connection of its own, whose bytes come into the same memory again and again. An HTTP client
 * makes a buffer for every piece; to free those costs more of the processor than all else that a large download needs but its digest.
 * @throws Error the connection broke, or the signal was given
 */
export async function askPlainly(
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<PlainAnswer> {
  const reads = new SocketReads(url, signal);
  let answer: PlainAnswer = { kind: 'other' };
  try {
    reads.write(requestOf(url, headers));
    const { head, rest } = await headOf(reads);
    answer = answerOf(url, parseHead(head), (length) => bodyOf(reads, rest, length));
    return answer;
  } finally {
    if (answer.kind !== 'bytes') reads.close();
  }
}

function requestOf({ pathname, search, host }: URL, headers: Readonly<Record<string, string>>): string {
  const fields = { host, ...headers, 'accept-encoding': 'identity', connection: 'close' };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
  return [`GET ${pathname}${search} HTTP/1.1`, ...lines].join(LINE_END) + HEAD_END;
}

/** Everything before the empty line, and what came behind it already. */
async function headOf(reads: SocketReads): Promise<{ readonly head: string; readonly rest: Uint8Array }> {
  let bytes = Buffer.alloc(0);
  while (bytes.length <= HEAD_BYTES) {
    const piece = await reads.next();
    if (piece === undefined) throw new Error('the connection ended before an answer came');
    bytes = Buffer.concat([bytes, piece]);
    const end = bytes.indexOf(HEAD_END);
    if (end >= 0)
      return { head: bytes.toString('latin1', 0, end), rest: bytes.subarray(end + HEAD_END.length) };
  }
  throw new Error(`the head of the answer is longer than ${HEAD_BYTES} bytes`);
}

interface Head {
  readonly status: number;
  /** Values by names in lower case; all of those that come several times. */
  readonly fields: ReadonlyMap<string, readonly string[]>;
}

/** A head that is not one to the letter has the status 0. */
function parseHead(head: string): Head {
  const [first = '', ...lines] = head.split(LINE_END);
  const status = Number(/^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first)?.[1] ?? 0);
  const fields = new Map<string, string[]>();
  for (const line of lines) {
    const [, name, value = ''] = FIELD.exec(line) ?? [];
    if (name === undefined) return { status: 0, fields };
    const values = fields.get(name.toLowerCase()) ?? [];
    fields.set(name.toLowerCase(), [...values, value]);
  }
  return { status, fields };
}

function answerOf(
  asked: URL,
  { status, fields }: Head,
  body: (length: number) => AsyncIterable<Uint8Array>,
): PlainAnswer {
  const [location] = fields.get('location') ?? [];
  if (status >= 301 && status <= 308 && location !== undefined && URL.canParse(location, asked.href))
    return { kind: 'elsewhere', url: new URL(location, asked) };
  const [length = '', ...more] = fields.get('content-length') ?? [];
  const isCoded = fields.has('transfer-encoding') || fields.has('content-encoding');
  if ((status !== 200 && status !== 206) || isCoded || more.length > 0 || !/^\d{1,15}$/.test(length))
    return { kind: 'other' };
  return { kind: 'bytes', status, body: body(Number(length)) };
}

async function* bodyOf(reads: SocketReads, rest: Uint8Array, length: number): AsyncIterable<Uint8Array> {
  let missing = length;
  try {
    let piece: Uint8Array | undefined = rest;
    while (missing > 0) {
      if (piece === undefined) throw new Error(`the connection ended ${missing} bytes too early`);
      const wanted = piece.subarray(0, missing);
      missing -= wanted.byteLength;
      if (wanted.byteLength > 0) yield wanted;
      if (missing > 0) piece = await reads.next();
    }
  } finally {
    reads.close();
  }
}
