import { Hono } from 'hono';
import { z } from 'zod';
import { Settings } from '../../config/index.ts';
import { appendAct, EGRESS_CA_SETTING } from '../../storage/index.ts';
import { caCertificates, certificateAndKey, describeCertificate } from '../tls/certificate-chain.ts';
import { selfSigned } from '../tls/self-signed.ts';
import type { OpsDeps } from './deps.ts';
import { jsonBody, textBody } from './http.ts';

/** PUT /tls: one PEM text with certificate, key and intermediates, or a certificate that we make. */
const tlsRequest = z.union([
  z.strictObject({ pem: z.string().max(500_000) }),
  z.strictObject({ selfSigned: z.literal(true) }),
]);

/** The host's certificate, and the CAs that are trusted on the way out. */
export function tlsRoutes(deps: OpsDeps): Hono {
  const app = new Hono();

  app.put('/tls', async (context) => {
    const request = await jsonBody(context, tlsRequest);
    const now = deps.clock();
    const { cert, key } =
      'pem' in request
        ? certificateAndKey(request.pem, now)
        : await selfSigned(await namesOf(deps), now, deps.random);
    const changes = new Map([
      ['proxy.tls.cert', { value: cert, secret: false }],
      ['proxy.tls.key', { value: key, secret: true }],
    ]);
    await deps.settings.change(changes, now);
    const { subject, until } = describeCertificate(cert);
    await log(deps, 'tls.import', subject);
    return context.json({ subject, until });
  });

  app.get('/ca-certs', async (context) => {
    const pem = await deps.settings.get(EGRESS_CA_SETTING);
    return context.json({ pem: pem ?? null });
  });

  app.put('/ca-certs', async (context) => {
    const cas = caCertificates(await textBody(context), deps.clock());
    const change = { value: cas.join(''), secret: false };
    await deps.settings.change(new Map([[EGRESS_CA_SETTING, change]]), deps.clock());
    await log(deps, 'ca-certs.use', `${cas.length} certificates`);
    return context.json({ count: cas.length });
  });

  app.delete('/ca-certs', async (context) => {
    await deps.settings.change(new Map([[EGRESS_CA_SETTING, undefined]]), deps.clock());
    await log(deps, 'ca-certs.remove', 'all');
    return context.body(null, 204);
  });
  return app;
}

/** The names that devices may call this host by. */
async function namesOf(deps: OpsDeps): Promise<[string, ...string[]]> {
  const settings = new Settings(await deps.settings.all());
  const url = settings.text('internal.store.url');
  const domain = settings.text('proxy.domain') ?? 'localhost';
  const address = settings.text('proxy.ipaddress') ?? '[::]';
  const others = [
    ...(url === undefined ? [] : [new URL(url).hostname]),
    ...(/^(\[::\]|::|0\.0\.0\.0)$/.test(address) ? [] : [address]),
    'localhost',
    '127.0.0.1',
  ];
  return [domain, ...new Set(others.filter((name) => name !== domain))];
}

async function log(deps: OpsDeps, act: string, subject: string): Promise<void> {
  await appendAct(deps.database.queries, {
    at: deps.clock(),
    actor: 'operator',
    act,
    subject: subject.slice(0, 255),
  });
}
