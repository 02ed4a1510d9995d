/** A one-use permission for another board to take a serial over, as far as choosing one goes. */
export interface ReplacementPermit {
  readonly serial: string;
  /** The only device key that may use it; null: whichever asks for the serial first. */
  readonly deviceKeyId: string | null;
  /** ISO 8601; null: it does not end by itself. */
  readonly expiresAt: string | null;
}

/**
 * Picks the permission that a device may use: one that is bound to its key, whatever it asks for, before one that is for the
 * serial number it asks for. Of two of a kind, the one for that number, then the first.
 */
export function pickPermit<Permit extends ReplacementPermit>(
  permits: readonly Permit[],
  device: { readonly deviceKeyId: string; readonly serial: string | undefined; readonly now: Date },
): Permit | undefined {
  const inForce = permits.filter(
    ({ expiresAt }) => expiresAt === null || device.now.getTime() < Date.parse(expiresAt),
  );
  const bound = inForce.filter(({ deviceKeyId }) => deviceKeyId === device.deviceKeyId);
  const wanted = ({ serial }: Permit) => serial === device.serial;
  return bound.find(wanted) ?? bound[0] ?? inForce.find((one) => one.deviceKeyId === null && wanted(one));
}
