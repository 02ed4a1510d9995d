import { createHmac } from 'node:crypto';
import { z } from 'zod';

import { DeviceError } from './errors.ts';
import { isSerialNumber, type SerialNumber } from './names.ts';

/** What the brand's decision service is told about a device that wants to enrol. */
export interface DecisionQuestion {
  readonly brandId: string;
  readonly model: string;
  readonly deviceKeyId: string;
  readonly proposedSerial: string | undefined;
  readonly address: string | undefined;
  readonly apiKeyName: string | undefined;
  readonly body: string;
  readonly requestId: string;
}

/** The JSON body of the question, with the field names that the rest of the API uses. */
export function questionBody(question: DecisionQuestion): string {
  return JSON.stringify({
    'brand-id': question.brandId,
    model: question.model,
    'device-key-sha3-384': question.deviceKeyId,
    'proposed-serial': question.proposedSerial ?? null,
    'source-address': question.address ?? null,
    'api-key-name': question.apiKeyName ?? null,
    'registration-body': question.body,
    'request-id': question.requestId,
  });
}

/**
 * The value of the `Airlock-Signature` header: `t=<unix seconds>,v1=<hex>`, an HMAC-SHA256 over "<t>.<body>" with the
 * model's webhook secret, so that the receiver can tell a genuine and fresh question.
 */
export function signQuestion(body: string, secret: Uint8Array, now: Date): string {
  const at = String(Math.floor(now.getTime() / 1000));
  return `t=${at},v1=${createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')}`;
}

/** What the decision service answers. */
export interface Decision {
  readonly allow: boolean;
  /** A serial number of its choice. */
  readonly serial: SerialNumber | undefined;
}

const answerSchema = z.object({ allow: z.boolean(), serial: z.string().refine(isSerialNumber).optional() });

/**
 * Reads the answer: JSON `{"allow": true|false[, "serial": "…"]}`. Whatever is not plainly that counts as no answer.
 * Throws {@link DeviceError} `enrolment-webhook-unavailable`.
 */
export function readAnswer(text: string): Decision {
  try {
    const answer = answerSchema.parse(JSON.parse(text));
    const serial = answer.serial !== undefined && isSerialNumber(answer.serial) ? answer.serial : undefined;
    return { allow: answer.allow, serial };
  } catch (cause) {
    throw webhookUnavailable(cause);
  }
}

/** The error of a decision service that gives no answer: nothing is granted, and the device asks again. */
export function webhookUnavailable(cause: unknown): DeviceError {
  return new DeviceError(
    'enrolment-webhook-unavailable',
    "cannot enrol now: the brand's decision service gives no valid answer",
    { cause },
  );
}
