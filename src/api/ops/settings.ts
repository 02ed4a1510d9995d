import { Hono } from 'hono';
import {
  ROLE_SETTING,
  Settings,
  checkHsmTokens,
  isSecretValue,
  isWriteOnlySetting,
  normalSetting,
  settingKey,
  type SettingKey,
} from '../../config/index.ts';
import { AirlockError } from '../../errors.ts';
import { appendAct } from '../../storage/index.ts';
import { parseLogin } from '../../upstream/index.ts';
import { isKeyOf } from '../tls/certificate-chain.ts';
import { configChange } from './host-contract.ts';
import type { OpsDeps } from './deps.ts';
import { jsonBody } from './http.ts';

/** The documented settings: secrets are named in lists, and told only when asked for by name. */
export function settingRoutes(deps: OpsDeps): Hono {
  const app = new Hono();
  const current = async () => new Settings(await deps.settings.all());

  app.get('/config', async (context) => {
    const listed = (await current()).listed();
    const settings = listed.map(({ key, shown }) => ({
      key,
      value: shown,
      readable: !isWriteOnlySetting(key),
    }));
    return context.json({ settings });
  });

  app.get('/config/:key', async (context) => {
    const key = settingKey(context.req.param('key'));
    if (isWriteOnlySetting(key)) throw neverShown(key);
    const value = (await current()).text(key);
    if (isSecretValue(key, value ?? '')) await log(deps, 'setting.reveal', [key]);
    return context.json({ key, value: value ?? 'None' });
  });

  app.patch('/config', async (context) => {
    const { set, unset } = await jsonBody(context, configChange);
    const changes = new Map<SettingKey, { value: string; secret: boolean } | undefined>();
    for (const [name, written] of Object.entries(set)) {
      const key = settingKey(name);
      const value = normalSetting(key, written);
      if (key === 'airlock.authority.login' && value !== undefined) requireLogin(key, value);
      changes.set(key, value === undefined ? undefined : { value, secret: isSecretValue(key, value) });
    }
    for (const name of unset) changes.set(settingKey(name), undefined);
    const before = await current();
    for (const [key, change] of changes) requireKept(before, key, change?.value);
    await requireStoreHere(deps, changes.get('internal.store.id')?.value);
    if (changes.get('proxy.airgap')?.value === 'True') await requireNoAuthority(deps);
    const after = changed(await deps.settings.all(), changes);
    checkHsmTokens(after);
    if (changes.has('proxy.tls.cert') || changes.has('proxy.tls.key')) requireOwnKey(after);
    await deps.settings.change(changes, deps.clock());
    await log(deps, 'setting.change', [...changes.keys()]);
    if (changes.get('proxy.airgap')?.value === 'True') await makeSessionSecret(deps);
    return context.body(null, 204);
  });
  return app;
}

/** A log-in that nobody can read; the sentence names the setting, for it may be one of many lines. */
function requireLogin(key: SettingKey, value: string): void {
  try {
    parseLogin(value);
  } catch (cause) {
    throw new AirlockError(
      'invalid',
      'login-file-malformed',
      `cannot use this value of ${key}: it is neither what "snapcraft export-login" nor what "store-admin export token" writes; export it again`,
      { cause },
    );
  }
}

/** What devices and credentials rest on goes by commands of its own, never by the way. */
function requireKept(settings: Settings, key: SettingKey, value: string | undefined): void {
  const lost = KEPT.has(key)
    ? value === undefined
    : key === 'proxy.airgap' && value !== 'True' && settings.flag(key);
  if (!lost || !settings.isSet(key)) return;
  const how =
    key === 'proxy.airgap'
      ? 'devices here have no other store; set up a new host to leave air-gapped mode'
      : 'what it signed would end at once; rotate-device-secret replaces the one of sessions';
  throw new AirlockError('conflict', 'setting-kept', `cannot unset ${key}: ${how}`);
}

const KEPT: ReadonlySet<SettingKey> = new Set(['proxy.auth.secret', 'proxy.device-auth.secret']);

function neverShown(key: SettingKey): AirlockError {
  return new AirlockError(
    'forbidden',
    'setting-never-shown',
    `cannot show ${key}: a PIN is never shown; set it again if it is lost`,
  );
}

/** An authority serves publishers, from its own key: nothing of an air-gapped host could be there. */
async function requireNoAuthority({ settings }: OpsDeps): Promise<void> {
  if ((await settings.get(ROLE_SETTING)) !== 'authority') return;
  throw new AirlockError(
    'conflict',
    'host-is-authority',
    'cannot enable air-gapped mode here: this host is an authority; set up another with --role airgap, and push there what is exported here',
  );
}

/** HTTPS would end with a certificate that has another key; which of them was there before makes no difference. */
function requireOwnKey(set: ReadonlyMap<string, string>): void {
  const [cert, key] = [set.get('proxy.tls.cert'), set.get('proxy.tls.key')];
  if (cert === undefined || key === undefined || isKeyOf(cert, key)) return;
  throw new AirlockError(
    'invalid',
    'certificate-key-wrong',
    'cannot use proxy.tls.cert and proxy.tls.key together: the key is not that of the first certificate; set both in one command, or use import-certificate',
  );
}

/** The id of a store that is not here would leave clients without the assertion that they are told to fetch. */
async function requireStoreHere({ database }: OpsDeps, id: string | undefined): Promise<void> {
  if (id === undefined) return;
  const row = await database.queries.selectFrom('Store').select('id').where('id', '=', id).executeTakeFirst();
  if (row !== undefined) return;
  throw new AirlockError(
    'not-found',
    'store-unknown',
    `cannot set internal.store.id to "${id.slice(0, 80)}": that store is not here; push it first, or unset it, and the store that was pushed first counts`,
  );
}

function changed(
  set: ReadonlyMap<string, string>,
  changes: ReadonlyMap<string, { readonly value: string } | undefined>,
): ReadonlyMap<string, string> {
  const after = new Map(set);
  for (const [key, change] of changes) {
    if (change === undefined) after.delete(key);
    else after.set(key, change.value);
  }
  return after;
}

/** Air-gapped mode signs device sessions with a secret that is made once (seed 000). */
async function makeSessionSecret(deps: OpsDeps): Promise<void> {
  const make = () => Buffer.from(deps.random(32)).toString('hex');
  await deps.settings.secretOnce('proxy.device-auth.secret', make, deps.clock());
}

async function log(deps: OpsDeps, act: string, keys: readonly string[]): Promise<void> {
  const subject = keys.join(', ').slice(0, 255);
  await appendAct(deps.database.queries, { at: deps.clock(), actor: 'operator', act, subject });
}
