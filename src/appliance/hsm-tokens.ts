import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import {
  DEFAULT_TOKEN,
  hsmTokens,
  pinFromFile,
  Settings,
  systemdCredential,
  type HsmTokenSettings,
} from '../config/index.ts';
import { AirlockError } from '../errors.ts';
import {
  createSoftHsmToken,
  HsmTokens,
  parseHsmKeyId,
  type HsmKeyId,
  type HsmOptions,
  type TokenPlan,
} from '../hsm/index.ts';
import { keysInForce } from '../storage/model-service/index.ts';
import type { Foundation } from './foundation.ts';
import { signingSpans } from './signing-spans.ts';
import { followSettings } from './settings-watch.ts';

const EMBEDDED_LABEL = 'airlock';
const EMBEDDED_PIN = 'embedded.hsm.pin';
const EMBEDDED_SO_PIN = 'embedded.hsm.so-pin';
/** A start waits so long for tokens to answer, so that the first `status` tells how they are. */
const FIRST_ATTEMPTS_MS = 3000;
/** Where no way to a token is known, one is looked for again after so long. */
const LOOK_AGAIN_MS = 5000;
/** Where seed 001 has the socket of the p11-kit server, by the name of that snap; inside any snap it is $SNAP_COMMON. */
const DOCUMENTED_COMMON = '/var/snap/snap-store-proxy/common';

/**
 * Opens the tokens that the settings name: the documented one (seed 001: `proxy.hsm.token-label`, `proxy.hsm.token-pin`),
 * called `default`, and those of `airlock.hsm.NAME`. Where the documented one has no label, `default` is the embedded SoftHSM
 * of the data folder, made at the first start with a random PIN that is kept sealed. Follows the settings from then on. A token
 * that cannot be reached keeps nothing from starting, because settings can only be mended while the host runs; its status tells.
 */
export async function openTokens(
  foundation: Foundation,
): Promise<{ readonly tokens: HsmTokens; readonly close: () => Promise<void> }> {
  const tokens = new HsmTokens();
  const usual = (await plansOf(foundation)).find(({ name }) => name === DEFAULT_TOKEN);
  // An embedded token is made before anybody asks for it, however long that takes; why it cannot be is told by its status.
  let made = usual && { fingerprint: usual.fingerprint, options: usual.options() };
  await made?.options.catch(() => undefined);
  let lastLook = performance.now();
  const look = async () => {
    lastLook = performance.now();
    const plans = await plansOf(foundation);
    const { fingerprint, options } = made ?? {};
    made = undefined;
    await tokens.apply(
      plans.map((plan) =>
        options && plan.fingerprint === fingerprint ? { ...plan, options: () => options } : plan,
      ),
    );
  };
  const unfollow = await followSettings(
    foundation,
    look,
    () => tokens.failed && performance.now() - lastLook >= LOOK_AGAIN_MS,
  );
  await tokens.firstAttempts(FIRST_ATTEMPTS_MS);
  for (const { name, failure } of tokens.status())
    if (failure !== undefined) foundation.log.warn({ hsm: name, failure }, 'an HSM token cannot sign yet');
  return {
    tokens,
    async close() {
      await unfollow();
      await tokens.close();
    },
  };
}

/** What a read-timeout of 15 s allows for one signature, in milliseconds; a longer one more, in proportion. */
const SIGN_MS = 2000;
const SIGN_SHARE = SIGN_MS / 15_000;

/** How long a token may take, in milliseconds, when requests wait so many seconds for the HSM. */
export function deadlinesOf(readTimeout: number): { readonly sign: number; readonly generate: number } {
  const patience = readTimeout * 1000;
  return {
    sign: Math.max(SIGN_MS, Math.round(patience * SIGN_SHARE)),
    generate: Math.max(120_000, patience),
  };
}

async function plansOf(foundation: Foundation): Promise<readonly TokenPlan[]> {
  const set = await foundation.settings.all();
  const deadlines = deadlinesOf(new Settings(set).number('internal.publishergw.snapmodels.read-timeout'));
  const onSigned = signingSpans(foundation.tracing);
  const common = (token: string) => ({ deadlines, onSigned, keysInUse: () => keysInUse(foundation, token) });
  const configured = hsmTokens(set).map((token) => ({
    name: token.name,
    fingerprint: JSON.stringify([token, deadlines]),
    options: async () => ({ ...externalToken(foundation, token), ...common(token.name) }),
  }));
  if (configured.some(({ name }) => name === DEFAULT_TOKEN)) return configured;
  const embedded = {
    name: DEFAULT_TOKEN,
    fingerprint: JSON.stringify([EMBEDDED_LABEL, deadlines]),
    options: async () => ({ ...(await embeddedToken(foundation)), ...common(DEFAULT_TOKEN) }),
  };
  return [embedded, ...configured];
}

/** The keys of ours that the token should hold, because policies in force name them. */
async function keysInUse({ database }: Foundation, token: string): Promise<HsmKeyId[]> {
  const keys = await keysInForce(database.queries);
  return keys.filter((key) => key.token === token).map(({ hsmKeyId }) => parseHsmKeyId(hsmKeyId));
}

async function embeddedToken({ dataFolder, settings, clock }: Foundation): Promise<HsmOptions> {
  const digits = () => randomBytes(16).toString('hex');
  const pin = await settings.secretOnce(EMBEDDED_PIN, digits, clock());
  const soPin = await settings.secretOnce(EMBEDDED_SO_PIN, digits, clock());
  const { modulePath, env } = await createSoftHsmToken({
    directory: dataFolder.softHsm,
    label: EMBEDDED_LABEL,
    pin,
    soPin,
  });
  return { module: { path: modulePath, env }, tokenLabel: EMBEDDED_LABEL, pin: async () => pin };
}

function externalToken(foundation: Foundation, token: HsmTokenSettings): HsmOptions {
  return {
    module: moduleOf(foundation, token),
    tokenLabel: token.label,
    ...(token.serial !== undefined && { tokenSerial: token.serial }),
    pin: () => configuredPin(foundation, token),
  };
}

/** The token's own setting, else AIRLOCK_PKCS11_MODULE, else P11_KIT_SERVER_ADDRESS, else the documented socket where there is one. */
function moduleOf({ env }: Foundation, token: HsmTokenSettings): HsmOptions['module'] {
  if (token.module !== undefined) return { path: token.module, env: {} };
  if (token.p11KitAddress !== undefined) return { p11KitAddress: token.p11KitAddress };
  const path = env['AIRLOCK_PKCS11_MODULE'];
  if (path) return { path, env: {} };
  const p11KitAddress = env['P11_KIT_SERVER_ADDRESS'];
  if (p11KitAddress) return { p11KitAddress };
  const socket = join(env['SNAP_COMMON'] || DOCUMENTED_COMMON, 'pkcs11');
  if (statSync(socket, { throwIfNoEntry: false })?.isSocket())
    return { p11KitAddress: `unix:path=${socket}` };
  const { name } = token;
  const set = name === DEFAULT_TOKEN ? 'proxy.hsm.token-label' : `airlock.hsm.${name}.token-label`;
  throw new AirlockError(
    'invalid',
    'hsm-address-missing',
    `cannot reach the HSM: ${set} is set, and no p11-kit server listens at ${socket}; start one there, or set airlock.hsm.${name}.p11-kit-address or airlock.hsm.${name}.module, or restart Airlock with P11_KIT_SERVER_ADDRESS or AIRLOCK_PKCS11_MODULE for all tokens`,
  );
}

/** Asked at each log-in, so that a corrected PIN needs no restart. A file or a credential comes before the setting. */
async function configuredPin({ settings, env }: Foundation, token: HsmTokenSettings): Promise<string> {
  const isDefault = token.name === DEFAULT_TOKEN;
  const file =
    token.pinFile ??
    (isDefault ? env['AIRLOCK_HSM_PIN_FILE'] : undefined) ??
    systemdCredential(isDefault ? 'airlock-hsm-pin' : `airlock-hsm-pin-${token.name}`, env);
  if (file) return pinFromFile(file)();
  const pin = await settings.get(token.pinKey);
  if (pin !== undefined) return pin;
  throw new AirlockError(
    'invalid',
    'hsm-pin-missing',
    `cannot log in to the HSM: set ${token.pinKey}, or name a file by ${isDefault ? 'AIRLOCK_HSM_PIN_FILE' : `airlock.hsm.${token.name}.pin-file`}`,
  );
}
