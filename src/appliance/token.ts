import { randomBytes } from 'node:crypto';
import { pinFromFile, Settings, systemdCredential } from '../config/index.ts';
import { AirlockError } from '../errors.ts';
import { createSoftHsmToken, openHsm, type Hsm, type HsmOptions } from '../hsm/index.ts';
import type { Foundation } from './foundation.ts';
import { signingSpans } from './signing-spans.ts';

const EMBEDDED_LABEL = 'airlock';
const EMBEDDED_PIN = 'embedded.hsm.pin';
const EMBEDDED_SO_PIN = 'embedded.hsm.so-pin';

/**
 * Opens the token that the settings name (seed 001: `proxy.hsm.token-label`, `proxy.hsm.token-pin`), behind the p11-kit
 * server of P11_KIT_SERVER_ADDRESS or through the module of AIRLOCK_PKCS11_MODULE. With no label set, the embedded
 * SoftHSM of the data folder, made at the first start with a random PIN that is kept sealed.
 */
export async function openToken(foundation: Foundation): Promise<Hsm> {
  const settings = new Settings(await foundation.settings.all());
  const label = settings.text('proxy.hsm.token-label');
  const patience = settings.number('internal.publishergw.snapmodels.read-timeout') * 1000;
  const deadlines = { generate: Math.max(120_000, patience) };
  const onSigned = signingSpans(foundation.tracing);
  if (label === undefined) return openHsm({ ...(await embeddedToken(foundation)), deadlines, onSigned });
  return openHsm({
    module: externalModule(foundation),
    tokenLabel: label,
    pin: () => configuredPin(foundation),
    deadlines,
    onSigned,
  });
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

function externalModule({ env }: Foundation): HsmOptions['module'] {
  const path = env['AIRLOCK_PKCS11_MODULE'];
  if (path) return { path, env: {} };
  const p11KitAddress = env['P11_KIT_SERVER_ADDRESS'];
  if (p11KitAddress) return { p11KitAddress };
  throw new AirlockError(
    'invalid',
    'hsm-address-missing',
    'cannot reach the HSM: proxy.hsm.token-label is set; set P11_KIT_SERVER_ADDRESS or AIRLOCK_PKCS11_MODULE too',
  );
}

/** Asked at each log-in, so that a corrected PIN needs no restart. AIRLOCK_HSM_PIN_FILE comes before the setting. */
async function configuredPin({ settings, env }: Foundation): Promise<string> {
  const file = env['AIRLOCK_HSM_PIN_FILE'] ?? systemdCredential('airlock-hsm-pin', env);
  if (file) return pinFromFile(file)();
  const pin = await settings.get('proxy.hsm.token-pin');
  if (pin !== undefined) return pin;
  throw new AirlockError(
    'invalid',
    'hsm-pin-missing',
    'cannot log in to the HSM: set proxy.hsm.token-pin, or name a file by AIRLOCK_HSM_PIN_FILE',
  );
}
