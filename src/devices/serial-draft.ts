import type { HeaderValue } from '../assertions/index.ts';

/** Everything that a serial assertion will say, fixed before it is signed: signing it twice makes the same bytes. */
export interface SerialDraft {
  readonly type: 'serial';
  readonly headers: Record<string, HeaderValue>;
  readonly body: string;
  /** The `timestamp` header, which is the signature's own time as well. */
  readonly signedAt: Date;
}

/**
 * Drafts the serial of a device, with headers as protocol/devices.md 1.4 lists them. The body is the request's, byte for byte.
 * `revision` is above 0 only when a replaced board takes over a serial.
 */
export function draftSerial(of: {
  readonly authorityId: string;
  readonly brandId: string;
  readonly model: string;
  readonly serial: string;
  readonly revision: number;
  /** The request's `device-key` header, as it came. */
  readonly deviceKey: string;
  readonly deviceKeyId: string;
  readonly body: string;
  readonly now: Date;
}): SerialDraft {
  const timestamp = assertionTime(of.now);
  return {
    type: 'serial',
    headers: {
      'authority-id': of.authorityId,
      ...(of.revision > 0 && { revision: String(of.revision) }),
      'brand-id': of.brandId,
      model: of.model,
      serial: of.serial,
      'device-key': of.deviceKey,
      'device-key-sha3-384': of.deviceKeyId,
      timestamp,
    },
    body: of.body,
    signedAt: new Date(timestamp),
  };
}

/** A moment as assertions write it: RFC 3339, UTC, whole seconds. */
function assertionTime(moment: Date): string {
  return `${moment.toISOString().slice(0, 19)}Z`;
}
