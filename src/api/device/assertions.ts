import type { Hono } from 'hono';
import { encodeStream } from '../../assertions/index.ts';
import { AirlockError } from '../../errors.ts';
import { type AssertionQuestion, findVisible } from './assertion-finder.ts';
import { readStreamAddress } from './assertion-streams.ts';
import type { DeviceApiDeps } from './deps.ts';
import type { Gate } from './gate.ts';
import { answer, ASSERTION_TYPE, badRequest, type DeviceContext, type DeviceEnv } from './http.ts';

const PREFIX = '/v2/assertions/';

/** GET /v2/assertions/TYPE/KEY… and the streams that refresh answers point to (protocol/devices.md section 4). */
export function assertionRoutes(app: Hono<DeviceEnv>, deps: DeviceApiDeps, gate: Gate): void {
  const { queries } = deps.database;

  app.get('/v2/assertions/*', async (c) => {
    const visit = await gate.enter(c);
    const kept = await findVisible(queries, visit, questionOf(c));
    if (kept === undefined) throw absent();
    return answer(200, ASSERTION_TYPE, Uint8Array.from(kept.bytes));
  });

  app.get('/v2/assertion-streams/:address', async (c) => {
    const visit = await gate.enter(c);
    const found: { bytes: Uint8Array }[] = [];
    for (const question of readStreamAddress(c.req.param('address'))) {
      const kept = await findVisible(queries, visit, question);
      if (kept !== undefined) found.push(kept);
    }
    if (found.length === 0) throw absent();
    return answer(200, ASSERTION_TYPE, Uint8Array.from(encodeStream(found)));
  });
}

/** snapd knows an absent assertion by this very code. */
function absent(): AirlockError {
  return new AirlockError('not-found', 'not-found', 'cannot find that assertion');
}

function questionOf(c: DeviceContext): AssertionQuestion {
  const [type = '', ...key] = c.req.path.slice(PREFIX.length).split('/').map(decodePart);
  const maxFormat = numberOf(c, 'max-format');
  const sequence = c.req.query('sequence');
  if (sequence === undefined) return { type, primaryKey: key, maxFormat };
  if (sequence === 'latest') return { type, sequenceKey: key, sequence, maxFormat };
  const number = numberOf(c, 'sequence');
  return { type, sequenceKey: key, sequence: number ?? 'latest', maxFormat };
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    throw badRequest('cannot read the address: a part of it is not percent-encoded UTF-8', cause);
  }
}

function numberOf(c: DeviceContext, name: string): number | undefined {
  const text = c.req.query(name);
  if (text === undefined) return undefined;
  if (!/^[0-9]{1,9}$/.test(text)) throw badRequest(`cannot read the address: ${name} must be a number`);
  return Number(text);
}
