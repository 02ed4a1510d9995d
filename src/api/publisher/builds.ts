import { Hono } from 'hono';
import { z } from 'zod';

import { decodeAssertion, snapSha3ToHex, text, verifyChain, sourceOf } from '../../assertions/index.ts';
import { PublisherError } from '../../publishers/index.ts';
import { heldUploads } from '../../storage/authority/index.ts';
import { addAssertions, appendAct, assertionSource, trustedRoots } from '../../storage/index.ts';
import { callerOf } from './caller.ts';
import type { PublisherApiDeps } from './deps.ts';
import { documentLimit, jsonBody } from './http.ts';
import { ownSnap } from './own-snap.ts';

const buildSchema = z.object({ assertion: z.string() });

/**
 * POST /dev/api/snaps/ID/builds takes a snap-build (protocol/publishers.md, section 6.4). Uploads of that very file which
 * waited for it are looked at again.
 */
export function buildRoutes(deps: PublisherApiDeps): Hono {
  const routes = new Hono();
  routes.post('/dev/api/snaps/:snapId/builds', documentLimit, async (context) => {
    const caller = await callerOf(deps, context);
    const snap = await ownSnap(deps, caller, context.req.param('snapId'), 'package_push');
    const build = decodeAssertion((await jsonBody(context, buildSchema)).assertion);
    if (
      build.type !== 'snap-build' ||
      text(build, 'snap-id') !== snap.snapId ||
      build.authorityId !== caller.accountId
    ) {
      const sentence = 'cannot accept the snap-build: it must be for this snap and signed by this account';
      throw new PublisherError('invalid', 'build-refused', sentence);
    }
    const { queries } = deps.database;
    const now = deps.clock();
    const trusted = sourceOf(await trustedRoots(queries));
    await verifyChain(build, { source: assertionSource(queries), trusted, now });
    const digest = snapSha3ToHex(text(build, 'snap-sha3-384'));
    await deps.database.transaction(async (transaction) => {
      await addAssertions(transaction, [build], { at: now });
      const act = {
        at: now,
        actor: caller.accountId,
        act: 'snap-build.add',
        subject: snap.snapId,
        details: { digest },
      };
      await appendAct(transaction, act);
    });
    for (const { id } of await heldUploads(queries, snap.snapId, digest))
      await deps.processes.startPublishing(id);
    return context.json({ ...build.headers }, 201);
  });
  return routes;
}
