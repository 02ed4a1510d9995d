import { Hono } from 'hono';
import { z } from 'zod';

import { decodeStream, sourceOf, text, verifyChain, type Assertion } from '../../assertions/index.ts';
import { checkHardwareKey } from '../../devices/index.ts';
import { AirlockError, sentenceOf } from '../../errors.ts';
import { addAssertions, assertionSource, trustedRoots } from '../../storage/index.ts';
import { addVoucher, listVouchers } from '../../storage/model-service/index.ts';
import { naive } from '../naive-time.ts';
import {
  cursorOf,
  pageSize,
  queryOf,
  readCursor,
  textBody,
  view,
  type AdminApiDeps,
  type AdminApp,
  type AdminContext,
  type AdminEnv,
} from './gateway.ts';
import { change } from './model-lookup.ts';

/** Most refused vouchers of one import that the answer names. */
const MAX_TOLD = 20;

const listQuery = z.object({ 'page-size': pageSize, cursor: z.string().max(128).optional() });

/**
 * `/v1/brand/{brand}/vouchers`: the hardware identities that the brand accepts, imported as a stream of hardware-identity
 * assertions (protocol/devices.md 7). Each is verified down to a trusted root; all or nothing.
 */
export function voucherRoutes(deps: AdminApiDeps): AdminApp {
  const app = new Hono<AdminEnv>();

  app.get('/', view('list_vouchers'), async (c) => {
    const query = queryOf(c, listQuery);
    const after = query.cursor === undefined ? 0 : readCursor(query.cursor, z.int());
    const rows = await listVouchers(deps.database.queries, c.req.param('brand') ?? '', {
      after,
      limit: query['page-size'] + 1,
    });
    const page = rows.slice(0, query['page-size']);
    const last = rows.length > page.length ? page.at(-1) : undefined;
    return c.json({
      items: page.map((row) => ({
        'hardware-id-key-sha3-384': row.hardwareKeyId,
        'issuer-id': row.issuerId,
        'hardware-id': row.hardwareId,
        'hardware-name': row.hardwareName,
        'imported-at': naive(row.importedAt),
        'used-by-device-key-sha3-384': row.usedBy,
        'used-at': naive(row.usedAt),
      })),
      'next-cursor': last === undefined ? null : cursorOf(last.id),
    });
  });

  app.post('/', view('import_vouchers'), (c) => importVouchers(deps, c));
  return app;
}

async function importVouchers(deps: AdminApiDeps, c: AdminContext): Promise<Response> {
  const brandId = c.req.param('brand') ?? '';
  const stream = decodeStream(await textBody(c)).filter(({ type }) => type === 'hardware-identity');
  if (stream.length === 0) {
    const sentence = 'cannot import vouchers: there is no hardware-identity assertion among what was sent';
    throw new AirlockError('invalid', 'vouchers-missing', sentence);
  }
  const { queries } = deps.database;
  const trust = {
    source: assertionSource(queries),
    trusted: sourceOf(await trustedRoots(queries)),
    now: deps.clock(),
    sourceIsVerified: true,
  };
  const good: Assertion[] = [];
  const refused: string[] = [];
  for (const assertion of stream) {
    try {
      await verifyChain(assertion, trust);
      checkHardwareKey(text(assertion, 'hardware-id-key'));
      good.push(assertion);
    } catch (error) {
      if (!(error instanceof AirlockError)) throw error;
      const hardware = `${text(assertion, 'hardware-name')}/${text(assertion, 'hardware-id')}`;
      refused.push(`cannot accept the voucher of ${hardware}: ${sentenceOf(error)}`);
    }
  }
  if (refused.length > 0) {
    const errors = refused.slice(0, MAX_TOLD).map((message) => ({ code: 'voucher-refused', message }));
    return c.json({ 'error-list': errors }, 400);
  }
  const added = await change(
    deps,
    c,
    { act: 'vouchers.import', subject: brandId, details: { count: good.length } },
    async (tx, at) => {
      await addAssertions(tx, good, { at });
      let count = 0;
      for (const assertion of good) {
        const isNew = await addVoucher(tx, brandId, {
          hardwareKeyId: text(assertion, 'hardware-id-key-sha3-384'),
          issuerId: text(assertion, 'issuer-id'),
          hardwareId: text(assertion, 'hardware-id'),
          hardwareName: text(assertion, 'hardware-name'),
          publicKey: text(assertion, 'hardware-id-key'),
          importedAt: at.toISOString(),
          importedBy: c.get('actor'),
        });
        if (isNew) count += 1;
      }
      return count;
    },
  );
  return c.json({ added, unchanged: good.length - added }, 201);
}
