import { execFileSync } from 'node:child_process';
import { randomBytes, X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startServer } from '../../../src/api/server.ts';
import {
  caCertificates,
  certificateAndKey,
  describeCertificate,
} from '../../../src/api/tls/certificate-chain.ts';
import { selfSigned } from '../../../src/api/tls/self-signed.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** Within the validity of what is made during the test. */
const NOW = new Date(Date.now() + 3_600_000);
const random = (size: number) => new Uint8Array(randomBytes(size));
const DAY_MS = 86_400_000;

/** A CA, an intermediate and a host's certificate, as openssl makes them. */
async function chainByOpenssl() {
  const folder = await temporaryFolder();
  const run = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' }).toString();
  const make = (name: string, subject: string, issuer: string | undefined, ca: boolean) => {
    run(
      'req',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-subj',
      `/CN=${subject}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
    );
    const signer =
      issuer === undefined ? ['-key', `${name}.key`] : ['-CA', `${issuer}.crt`, '-CAkey', `${issuer}.key`];
    run(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      ...signer,
      '-days',
      '30',
      '-extfile',
      ca ? 'ca.ext' : 'host.ext',
      '-out',
      `${name}.crt`,
    );
    return { cert: run('x509', '-in', `${name}.crt`), key: run('pkey', '-in', `${name}.key`) };
  };
  await writeFile(join(folder, 'ca.ext'), 'basicConstraints=critical,CA:TRUE\n');
  await writeFile(join(folder, 'host.ext'), 'subjectAltName=DNS:localhost\n');
  const root = make('root', 'root', undefined, true);
  const middle = make('middle', 'middle', 'root', true);
  return { root, middle, host: make('host', 'localhost', 'middle', false) };
}

test('a certificate that we make is a sound one, for its names and addresses, in the eyes of openssl too', async () => {
  const { cert, key } = await selfSigned(
    ['store.example.com', '192.0.2.7', '2001:db8::5', 'localhost'],
    NOW,
    random,
  );
  const made = new X509Certificate(cert);
  expect(made.subjectAltName).toBe(
    'DNS:store.example.com, IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:5, DNS:localhost',
  );
  expect(made.ca).toBe(true);
  expect(made.verify(made.publicKey)).toBe(true);
  expect(made.validToDate.getTime() - NOW.getTime()).toBeGreaterThan(3649 * DAY_MS);
  expect(certificateAndKey(cert + key, NOW)).toEqual({ cert: made.toString(), key });
  const file = join(await temporaryFolder(), 'cert.pem');
  await writeFile(file, cert);
  expect(
    execFileSync('openssl', ['verify', '-x509_strict', '-check_ss_sig', '-CAfile', file, file]).toString(),
  ).toContain('OK');
});

test('clients that trust it connect, and see another one as soon as it is shown', async () => {
  const first = await selfSigned(['localhost'], NOW, random);
  const second = await selfSigned(['localhost'], NOW, random);
  const server = await startServer({
    fetch: () => new Response('ok'),
    host: '127.0.0.1',
    port: 0,
    tls: first,
  });
  onTestFinished(() => server.close(0));
  const get = (ca: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      request(
        { host: '127.0.0.1', port: server.port, servername: 'localhost', ca, agent: false },
        (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        },
      )
        .on('error', reject)
        .end();
    });
  expect(server.url).toBe(`https://127.0.0.1:${server.port}`);
  await expect(get(first.cert)).resolves.toBe(200);
  await expect(get(second.cert)).rejects.toThrow();
  server.setCertificate(second);
  await expect(get(second.cert)).resolves.toBe(200);
  await expect(get(first.cert)).rejects.toThrow();
});

test('certificate, key and intermediates are taken in one text, and checked', async () => {
  const { root, middle, host } = await chainByOpenssl();
  const taken = certificateAndKey(host.cert + host.key + middle.cert + root.cert, NOW);
  expect(taken.cert.match(/BEGIN CERTIFICATE/g)).toHaveLength(3);
  expect(new X509Certificate(taken.cert).subject).toBe('CN=localhost');
  expect(describeCertificate(taken.cert).subject).toBe('CN=localhost');
  const refused = (pem: string, at = NOW) => {
    try {
      certificateAndKey(pem, at);
      return 'accepted';
    } catch (error) {
      return error instanceof Error && 'code' in error ? error.code : error;
    }
  };
  expect(refused(host.cert + middle.cert)).toBe('certificate-key-missing');
  expect(refused(host.cert + middle.key + middle.cert)).toBe('certificate-key-wrong');
  expect(refused(middle.cert + host.cert + host.key)).toBe('certificate-key-wrong');
  expect(refused(host.cert + host.key + root.cert)).toBe('certificate-chain-broken');
  expect(refused(host.cert + host.key, new Date(NOW.getTime() + 60 * DAY_MS))).toBe(
    'certificate-not-valid-now',
  );
  expect(refused(host.cert + host.key, new Date(NOW.getTime() - 60 * DAY_MS))).toBe(
    'certificate-not-valid-now',
  );
  expect(refused(host.key)).toBe('certificate-unreadable');
  expect(refused('')).toBe('certificate-unreadable');
});

test('CAs for the way out are CAs', async () => {
  const { root, host } = await chainByOpenssl();
  expect(caCertificates(root.cert, NOW)).toHaveLength(1);
  expect(() => caCertificates(host.cert, NOW)).toThrow(/not that of a CA/);
  expect(() => caCertificates('nothing', NOW)).toThrow(/there is none/);
});
