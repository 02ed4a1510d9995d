import { readFile } from 'node:fs/promises';
import { Device, DeviceError } from '../../test/support/device.ts';
import { command } from '../../test/support/programs.ts';
import { EXAMPLE, shown, type Stage } from './stage.ts';

/** Step 4: the brand admin makes a signing key on the HSM, has it registered, and carries its account-key in. */
export async function makeSigningKey(stage: Stage): Promise<void> {
  const { narrator } = stage;
  narrator.step("The brand's admin makes a signing key on the HSM and has it registered");
  const token = (await readFile(stage.need('tokenFile'), 'utf8')).trim();
  const login = await stage.admin(['login', '--offline', stage.need('airgap').url, EXAMPLE.admin], '', {
    STORE_ADMIN_TOKEN: token,
  });
  narrator.check(
    'the exported token logs the admin in',
    login.status === 0 &&
      login.stdout.includes('Exchanging store admin macaroon for a publisher gateway admin macaroon...'),
    shown(login),
  );
  const created = await stage.admin(['create', 'key', 'serials-1'], '', { BRAND_ACCOUNT_ID: EXAMPLE.brand });
  narrator.check(
    'create key prints what the documents show',
    created.stdout ===
      "Generating a signing keypair on the proxy's HSM. This may take some time.\nSigning key 'serials-1' created.\n",
    shown(created),
  );
  const keys = await stage.admin(['list', 'keys']);
  const keyId = /^serials-1\s+(\S{64})$/m.exec(keys.stdout)?.[1] ?? '';
  stage.props.serialKeyId = keyId;
  const table = `Name       SHA3-384\n---------  ${'-'.repeat(64)}\nserials-1  ${keyId}\n`;
  narrator.check('list keys prints the documented table', keys.stdout === table, shown(keys));
  narrator.say(keys.stdout);
}

/** Step 5: model, API key and serial policy; and that nothing is signed before the account-key is here. */
export async function configureModel(stage: Stage): Promise<void> {
  const { narrator } = stage;
  const { model, apiKey } = EXAMPLE;
  narrator.step('A model with its API key and serial policy');
  const keyId = stage.need('serialKeyId');
  const made = await stage.admin(['create', 'model', model], `${apiKey}\n`);
  narrator.check(
    'create model asks for the API key',
    made.stdout === `API key (alphanumeric, \`pwgen 40\` for options): ${`Model '${model}' created.\n`}`,
    shown(made),
  );
  const policyInput = `${model}\n${keyId}\n`;
  const early = await stage.admin(['create', 'serial-policy'], policyInput);
  narrator.check('a key that is not registered cannot be put in a policy', early.status !== 0, shown(early));
  narrator.say(early.stderr);
  await refusedSerial(stage, 'nor does a device get a serial yet', /polic|key|configured/i, {});
  await registerKey(stage, keyId);
  const policy = await stage.admin(['create', 'serial-policy'], policyInput);
  narrator.check(
    'create serial-policy says what it did',
    policy.status === 0 &&
      policy.stdout.includes(`Model '${model}' configured to sign serials with key '${keyId}'.`),
    shown(policy),
  );
  const models = await stage.admin(['list', 'models']);
  const table = [
    'Name         API key                                   Active serial signing key',
    '-----------  ----------------------------------------  ---------------------------',
    `${model}  ${apiKey}  serials-1`,
    '',
  ].join('\n');
  narrator.check('list models prints the documented table', models.stdout === table, shown(models));
  narrator.say(models.stdout);
}

async function registerKey(stage: Stage, keyId: string): Promise<void> {
  const { narrator } = stage;
  const request = stage.path('disk', 'serials-1.account-key-request');
  const written = await stage.admin(['register-key', keyId, '--request-out', request]);
  narrator.check(
    'register-key signs the request on the HSM, for a disk',
    written.status === 0,
    shown(written),
  );
  const accountKey = stage.path('disk', 'serials-1.assert');
  await stage.authority('register-key', request, '--output', accountKey);
  const pushed = await stage.operator('snap-store-proxy', 'push-account-keys', accountKey);
  narrator.check('the account-key is pushed to the isolated host', pushed.status === 0, shown(pushed));
  const listed = await command('airlock', ['authority', 'account-key', keyId], {
    env: { AIRLOCK_DATA: stage.authorityData },
  });
  narrator.check('the authority vouches for the key', listed.stdout.includes(keyId), shown(listed));
}

/** A device of the model whose request must be refused with a sentence that says why. */
export async function refusedSerial(
  stage: Stage,
  fact: string,
  reason: RegExp,
  change: { readonly apiKey?: string; readonly model?: 'otherModel' },
): Promise<void> {
  const model = stage.need(change.model ?? 'model');
  const device = await Device.make({
    store: stage.need('airgap').url,
    headers: { 'api-key': change.apiKey ?? EXAMPLE.apiKey },
    model,
    roots: stage.need('root'),
    seed: stage.need(change.model === undefined ? 'seed' : 'otherSeed'),
    keyBits: 2048,
  });
  const error: unknown = await device.requestSerial(10_000).catch((thrown: unknown) => thrown);
  const refused =
    error instanceof DeviceError && error.status >= 400 && error.status < 500 && reason.test(error.reason);
  stage.narrator.check(fact, refused, String(error));
  if (error instanceof DeviceError) stage.narrator.say(`${error.status}: ${error.reason}`);
}
