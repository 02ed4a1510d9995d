import { createHmac } from 'node:crypto';
import { Settings } from '../../config/index.ts';
import { AirlockError } from '../../errors.ts';
import {
  addThirdPartyCaveat,
  attenuationOf,
  checkChannel,
  checkInForce,
  checkPermission,
  checkSnap,
  formatCaveat,
  mintMacaroon,
  readDischarge,
  ssoCaveatId,
  verifyDischarged,
  type Attenuation,
} from '../../publishers/index.ts';
import type { SettingStore } from '../../storage/index.ts';

/** What it takes to know the admins of overrides. */
export interface StoreAdminDeps {
  readonly settings: SettingStore;
  readonly isOperator: (authorization: string | undefined) => boolean;
  readonly clock: () => Date;
  readonly random: (bytes: number) => Uint8Array;
}

/** Whoever may set overrides, and how far. */
export interface StoreAdmin {
  /** E-mail address, or `operator`. */
  readonly name: string;
  /** Undefined for the operator, whom nothing limits. */
  readonly attenuation: Attenuation | undefined;
}

const YEAR_MS = 365 * 24 * 3_600_000;
const ROOT = /\broot\s*=\s*"?([A-Za-z0-9_=-]+)"?/i;
const DISCHARGE = /\bdischarge\s*=\s*"?([A-Za-z0-9_=-]+)"?/i;

/**
 * Who may use the overrides' API (protocol/operators.md 1.5): users of the single-sign-on server whose address is in
 * `proxy.admin-emails`, by a macaroon of this host that the server discharged; and the operator, by the token that the commands use,
 * which is the way on hosts that reach no such server.
 */
export class StoreAdmins {
  readonly #deps: StoreAdminDeps;

  constructor(deps: StoreAdminDeps) {
    this.#deps = deps;
  }

  /**
   * A root macaroon with a caveat for the single-sign-on server.
   * @throws AirlockError `sso-not-configured`
   */
  async issue(location: string): Promise<string> {
    const { settings, clock, random } = this.#deps;
    const { host, publicKey } = ssoOf(new Settings(await settings.all()));
    const at = clock();
    const root = mintMacaroon({
      rootKey: await this.#rootKey(),
      identifier: `store-admin/${Buffer.from(random(16)).toString('hex')}`,
      location,
      caveats: [
        formatCaveat({ condition: 'acl', permissions: ['store_admin'] }),
        formatCaveat({ condition: 'valid_since', at }),
        formatCaveat({ condition: 'expires', at: new Date(at.getTime() + YEAR_MS) }),
      ],
    });
    const key = random(32);
    const party = { location: host, identifier: ssoCaveatId(publicKey, key), key };
    return addThirdPartyCaveat(root, party, random(12));
  }

  /**
   * Who asks. Asked on each request, so that whoever is taken from the list is out at once.
   * @throws PublisherError, AirlockError `macaroon-authorization-required`, `not-an-admin`
   */
  async admit(authorization: string | undefined): Promise<StoreAdmin> {
    if (this.#deps.isOperator(authorization)) return { name: 'operator', attenuation: undefined };
    const root = ROOT.exec(authorization ?? '')?.[1];
    const discharge = DISCHARGE.exec(authorization ?? '')?.[1];
    if (root === undefined || discharge === undefined)
      throw new AirlockError(
        'unauthenticated',
        'macaroon-authorization-required',
        'cannot tell who asks: send "Authorization: Macaroon root=…, discharge=…", or the operator\'s token',
      );
    const settings = new Settings(await this.#deps.settings.all());
    const now = this.#deps.clock();
    const said = verifyDischarged(root, discharge, await this.#rootKey());
    const attenuation = attenuationOf(said.caveats);
    checkInForce(attenuation, now);
    checkPermission(attenuation, 'store_admin');
    const { email, isVerified } = readDischarge(said.dischargeCaveats, ssoOf(settings).host, now);
    const isAdmin = settings
      .list('proxy.admin-emails')
      .some((one) => one.toLowerCase() === email.toLowerCase());
    if (!isAdmin || !isVerified)
      throw new AirlockError(
        'forbidden',
        'not-an-admin',
        'cannot do this for you: your address is not that of an admin; add-admin makes it one',
      );
    return { name: email, attenuation };
  }

  async #rootKey(): Promise<Uint8Array> {
    const { settings, random, clock } = this.#deps;
    const make = () => Buffer.from(random(32)).toString('hex');
    const secret = await settings.secretOnce('proxy.auth.secret', make, clock());
    return createHmac('sha256', secret).update('store-admin').digest();
  }
}

/** Refuses what the caveats of an admin's macaroon exclude: it can be narrowed to snaps and channels. */
export function checkReach({ attenuation }: StoreAdmin, snap: string, channel?: string): void {
  if (attenuation === undefined) return;
  checkSnap(attenuation, { name: snap, id: undefined });
  if (channel !== undefined) checkChannel(attenuation, channel);
}

function ssoOf(settings: Settings): { readonly host: string; readonly publicKey: string } {
  const publicKey = settings.text('proxy.sso.public.key') ?? '';
  const url = URL.parse(settings.text('proxy.sso.location') ?? '');
  if (url === null || !settings.isSet('proxy.sso.public.key'))
    throw new AirlockError(
      'unavailable',
      'sso-not-configured',
      "cannot use a single-sign-on server: set proxy.sso.location and, in PEM, proxy.sso.public.key; or use the operator's token",
    );
  return { host: url.host, publicKey };
}
