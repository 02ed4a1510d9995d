import { Hono } from 'hono';

import { crashPoint } from '../../activities/crash-point.ts';
import { DeviceError, MAX_SERIAL_REQUEST_BYTES } from '../../devices/index.ts';
import { limitedBytes } from '../../limited-bytes.ts';
import { clientAddress } from '../client-address.ts';
import { clientError, ERROR_CONTENT_TYPE, serialErrorBody, type ClientError } from '../errors.ts';
import {
  answer,
  ASSERTION_TYPE,
  jsonAnswer,
  nothingHere,
  type DeviceContext,
  type DeviceEnv,
} from './http.ts';
import type { SerialService } from './serial-service.ts';

/** What the routes work with. */
export interface SerialRoutesDeps {
  readonly service: Pick<SerialService, 'requestId' | 'serial'>;
  /** Where the direct paths are besides `/v1/`, such as `/vault/v1`; without a slash at the end. */
  readonly servicePrefixes?: readonly string[];
  /** Addresses and networks of front servers whose `X-Forwarded-For` is believed (`proxy.trust-forwarded-for`). */
  readonly fronts?: () => Promise<readonly string[]>;
  /** Called with what is our own mistake or a failing part, so that it is logged; answers never tell. */
  readonly report: (error: unknown) => void;
}

/** Below these paths snapd asks through a proxy store (protocol/devices.md 1.2). */
const PROXY = { requestId: '/api/v1/snaps/auth/request-id', serial: '/api/v1/snaps/auth/devices' };

/**
 * The two requests of a device that has no serial: through a proxy store, and directly as Serial Vault offers them, so that
 * gadgets in the field keep working.
 */
export function createSerialRoutes(deps: SerialRoutesDeps): Hono<DeviceEnv> {
  const app = new Hono<DeviceEnv>();
  app.post(PROXY.requestId, () => requestId(deps, false));
  app.post(PROXY.serial, (c) => serial(deps, c, false));
  for (const prefix of ['/v1', ...(deps.servicePrefixes ?? [])]) {
    app.post(`${prefix}/request-id`, () => requestId(deps, true));
    app.post(`${prefix}/serial`, (c) => serial(deps, c, true));
  }
  app.notFound((c) => nothingHere(app, c, serialErrorBody));
  return app;
}

function requestId(deps: SerialRoutesDeps, direct: boolean): Response {
  const made = { 'request-id': deps.service.requestId() };
  return jsonAnswer(JSON.stringify(direct ? { ...made, success: true, message: '' } : made));
}

async function serial(deps: SerialRoutesDeps, c: DeviceContext, direct: boolean): Promise<Response> {
  try {
    const stream = await deps.service.serial({
      stream: await readBody(c),
      apiKey: c.req.header('api-key'),
      claimCode: c.req.header('claim-code'),
      address: await addressOf(deps, c),
    });
    crashPoint('serial-before-answer');
    // snapd sends the same request again after a minute.
    if (stream === undefined)
      return answer(202, ERROR_CONTENT_TYPE, '{"message":"the serial is not ready; ask again"}');
    return answer(200, ASSERTION_TYPE, new Uint8Array(stream));
  } catch (error) {
    return refuse(deps, error, direct);
  }
}

async function addressOf(deps: SerialRoutesDeps, c: DeviceContext): Promise<string | undefined> {
  const peer = c.env?.incoming?.socket.remoteAddress;
  const forwardedFor = c.req.header('x-forwarded-for');
  if (forwardedFor === undefined || deps.fronts === undefined) return peer;
  return clientAddress({ peer, forwardedFor, fronts: await deps.fronts() });
}

/**
 * An error in snapd's own envelope; on the direct paths with Serial Vault's fields as well. Never 500: a device would not ask
 * again for minutes to hours, after 503 it does in a minute.
 */
function refuse(deps: SerialRoutesDeps, error: unknown, direct: boolean): Response {
  const seen = clientError(error);
  if (seen.status >= 500) deps.report(error);
  const shown: ClientError =
    seen.status === 500
      ? {
          status: 503,
          code: 'try-again',
          message: 'cannot answer now: a part of the service fails; ask again',
        }
      : seen;
  const body = direct
    ? JSON.stringify({
        success: false,
        error_code: shown.code,
        error_subcode: '',
        message: shown.message,
        error_list: [{ code: shown.code, message: shown.message }],
      })
    : serialErrorBody(shown);
  return answer(shown.status, ERROR_CONTENT_TYPE, body);
}

async function readBody(c: DeviceContext): Promise<Uint8Array> {
  const announced = c.req.header('content-length');
  if (announced !== undefined && !(Number(announced) <= MAX_SERIAL_REQUEST_BYTES)) throw tooLarge();
  if (announced !== undefined) return new Uint8Array(await c.req.arrayBuffer());
  return limitedBytes(c.req.raw.body, MAX_SERIAL_REQUEST_BYTES, tooLarge);
}

function tooLarge(): DeviceError {
  return new DeviceError(
    'request-too-large',
    `cannot read the serial-request: it has more than ${String(MAX_SERIAL_REQUEST_BYTES)} bytes; send a shorter registration body or model`,
  );
}
