import { signAssertion, type HeaderMap, type PublicKey } from '../../src/assertions/index.ts';

/** The digest that the HSM is to sign for a serial with these headers, in hexadecimal. */
export async function serialDigest(headers: HeaderMap, publicKey: PublicKey, time: Date): Promise<string> {
  const asked: string[] = [];
  const signDigest = async (digest: Uint8Array) => {
    asked.push(Buffer.from(digest).toString('hex'));
    throw new Error('not signed here');
  };
  await signAssertion({ type: 'serial', headers }, { publicKey, signDigest }, time).catch(() => undefined);
  const [digest] = asked;
  if (digest === undefined) throw new Error('no such serial can be signed');
  return digest;
}
