import { gunzipSync, gzipSync } from 'node:zlib';
import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { extract, pack } from 'tar-stream';
import { decodeStream, encodeStream, signAssertion, type Signer } from '../../src/assertions/index.ts';

/**
 * The archive with one snap-revision signed again by a key that has no business to. The manifest is left as it is: what is
 * tested is that somebody with the disk in hands gets nowhere.
 */
export async function forgeArchive(archive: Buffer, signer: Signer): Promise<Buffer> {
  const tar = pack();
  const forged = buffer(tar);
  const source = extract();
  let done = false;
  Readable.from([gunzipSync(archive)]).pipe(source);
  for await (const entry of source) {
    let content = await buffer(entry);
    if (!done && /acme-agent_\d+\.assert$/.test(entry.header.name)) {
      content = Buffer.from(await resigned(content, signer));
      done = true;
    }
    tar.entry({ ...entry.header, size: content.length }, content);
  }
  tar.finalize();
  return gzipSync(await forged, { level: 0 });
}

async function resigned(stream: Buffer, signer: Signer): Promise<Buffer> {
  const assertions = await Promise.all(
    decodeStream(stream).map(async (assertion) => {
      if (assertion.type !== 'snap-revision') return assertion;
      const { 'sign-key-sha3-384': _key, ...headers } = assertion.headers;
      return signAssertion({ type: 'snap-revision', headers, body: assertion.body }, signer, new Date());
    }),
  );
  return Buffer.from(encodeStream(assertions));
}
