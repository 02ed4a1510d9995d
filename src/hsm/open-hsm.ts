import type { Hsm, HsmOptions } from './hsm.ts';
import { findP11KitClient } from './module-path.ts';
import { SoftHsmFiles } from './softhsm-files.ts';
import { TokenHsm, type TokenHsmOptions } from './token-hsm.ts';

/**
 * What PKCS#11 modules look for in the environment, by their makers' manuals: passed on to the child, and nothing else,
 * because our environment may hold secrets that native code has no business with.
 */
const INHERITED = [
  ...['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'XDG_RUNTIME_DIR', 'LD_LIBRARY_PATH'],
  ...['SOFTHSM2_CONF', 'OPENSC_CONF', 'YUBIHSM_PKCS11_CONF', 'TPM2_PKCS11_STORE', 'KRYOPTIC_CONF'],
  ...[
    'ChrystokiConfigurationPath',
    'CS_PKCS11_R3_CFG',
    'CS_PKCS11_R2_CFG',
    'NFAST_HOME',
    'CKNFAST_LOADSHARING',
  ],
];

/**
 * Connects to a token and keeps the connection: a lost one is replaced by itself. Resolves after the first attempt, also
 * when the HSM is down, because a server must start without it; `status()` tells. Throws `HsmError` `hsm-module-missing`
 * when p11-kit's client module is not installed.
 */
export async function openHsm(options: HsmOptions): Promise<Hsm> {
  const hsm = connectHsm(options);
  await hsm.firstAttempt;
  return hsm;
}

/** {@link openHsm} without waiting for the first attempt. */
export function connectHsm(options: HsmOptions): TokenHsm {
  return new TokenHsm(withDefaults(options, new URL('./child.ts', import.meta.url)));
}

/** The options with everything filled in. `script` is what the child processes run. */
export function withDefaults(options: HsmOptions, script: URL): TokenHsmOptions {
  const target = targetOf(options.module);
  return {
    connection: {
      script,
      module: target.path,
      env: { ...inherited(), ...target.env },
      tokenLabel: options.tokenLabel,
      tokenSerial: options.tokenSerial,
      sessions: options.sessions ?? (target.remote ? 2 : 4),
      deadlines: {
        open: options.deadlines?.open ?? 10_000,
        sign: options.deadlines?.sign ?? 2000,
        generate: options.deadlines?.generate ?? 120_000,
      },
    },
    pin: options.pin,
    children: options.children ?? (target.remote ? 2 : 1),
    queue: options.queue ?? 4096,
    patience: options.patience ?? 10_000,
    settleGeneration: options.settleGeneration ?? (target.inProcess ? 0 : 30_000),
    heartbeat: options.heartbeat ?? 5000,
    probeEvery: options.probeEvery ?? 60_000,
    keysInUse: options.keysInUse ?? (async () => []),
    onSigned: options.onSigned,
    files: target.inProcess ? SoftHsmFiles.of(target.env) : undefined,
  };
}

interface Target {
  readonly path: string;
  readonly env: Readonly<Record<string, string>>;
  /** Behind a p11-kit server. */
  readonly remote: boolean;
  /** The token is code in our child, so it ends with it. */
  readonly inProcess: boolean;
}

function targetOf(module: HsmOptions['module']): Target {
  if ('path' in module) {
    const inProcess = module.path.includes('softhsm');
    return { path: module.path, env: module.env ?? {}, remote: false, inProcess };
  }
  const path = module.clientPath ?? findP11KitClient();
  return { path, env: { P11_KIT_SERVER_ADDRESS: module.p11KitAddress }, remote: true, inProcess: false };
}

function inherited(): Record<string, string> {
  const env: Record<string, string> = {};
  for (const name of INHERITED) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}
