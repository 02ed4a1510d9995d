import { readFile, writeFile } from 'node:fs/promises';
import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import {
  decodeStream,
  encodeStream,
  formatTimestamp,
  signAssertion,
  softwareSigner,
  type Assertion,
  type Signer,
} from '../../src/assertions/index.ts';
import { packSnap, type SnapRecipe } from '../../test/support/snap-files.ts';
import { EXAMPLE, type Stage } from './stage.ts';

const generateKey = promisify(generateKeyPair);

interface Published {
  readonly recipe: SnapRecipe;
  readonly channels: string;
}

const MEGABYTE = 1024 * 1024;
const app = { name: 'acme-agent', type: 'app', base: 'core-acme' } as const;

/** What the authority publishes; `vendor-tool` is in the general store and not included by the brand. */
const REVISIONS: readonly Published[] = [
  { recipe: { name: 'snapd', version: '2.77', type: 'snapd' }, channels: 'latest/stable' },
  { recipe: { name: 'core-acme', version: '24', type: 'base', payload: 300_000 }, channels: 'latest/stable' },
  { recipe: { ...app, version: '1.0', payload: 100_000 }, channels: 'latest/stable' },
  { recipe: { ...app, version: '1.1', payload: 64 * MEGABYTE }, channels: 'latest/stable' },
  { recipe: { ...app, version: '2.0-rc1', payload: 120_000 }, channels: 'latest/edge' },
  {
    recipe: { name: 'vendor-tool', version: '5', type: 'app', base: 'core-acme' },
    channels: 'latest/stable',
  },
];
const OWNERS: Readonly<Record<string, { readonly publisher: string; readonly store?: string }>> = {
  snapd: { publisher: EXAMPLE.developer },
  'core-acme': { publisher: EXAMPLE.developer },
  'vendor-tool': { publisher: EXAMPLE.developer },
  'acme-agent': { publisher: EXAMPLE.brand, store: EXAMPLE.brandStore },
};

/** Step 1: an authority with a root of its own creates accounts and stores, and publishes real snaps. */
export async function foundAuthority(stage: Stage): Promise<void> {
  const { narrator } = stage;
  narrator.step('An authority with a root of trust of its own');
  const server = await stage.serve([
    'up',
    '--role',
    'authority',
    '--data',
    stage.authorityData,
    '--port',
    '0',
    '--temporal-port',
    '0',
    '--temporal-ui-port',
    '0',
  ]);
  stage.props.authority = server;
  narrator.say(`API ${server.url} · ${server.output.find((line) => line.includes('Temporal UI')) ?? ''}`);
  const made = await stage.authority('init', EXAMPLE.authority, '--display-name', 'Example Root');
  narrator.check('its root and store keys are made on its HSM', /Root key: \S{64}/.test(made), made);
  const rootFile = stage.path('root.assert');
  await stage.authority('root', '--output', rootFile);
  stage.props.root = decodeStream(await readFile(rootFile));
  await createAccounts(stage);
  await publishSnaps(stage);
}

async function createAccounts(stage: Stage): Promise<void> {
  const { brand, otherBrand, developer, admin, brandStore, deviceView, otherStore } = EXAMPLE;
  const account = (...args: string[]) => stage.authority('create', 'account', ...args);
  await Promise.all([
    account(brand, '--id', brand, '--email', 'brand@acme.example', '--validation', 'verified'),
    account(otherBrand, '--id', otherBrand, '--email', 'brand@umbra.example'),
    account(developer, '--email', 'deva@example.com', '--validation', 'starred'),
    account('acme-admin', '--email', admin),
  ]);
  await Promise.all([
    stage.authority('create', 'store', brandStore, '--brand', brand),
    stage.authority('create', 'store', otherStore, '--brand', otherBrand),
  ]);
  stage.narrator.say(
    `accounts ${brand}, ${otherBrand}, ${developer}, acme-admin; stores ${brandStore}, ${otherStore}`,
  );
  const keys = await Promise.all([
    registerBrandKey(stage, brand, 'models'),
    registerBrandKey(stage, otherBrand, 'models'),
  ]);
  const [own, other] = keys;
  stage.props.brandSigner = own.signer;
  stage.props.otherSigner = other.signer;
  stage.props.modelKeyId = own.signer.publicKey.keyId;
  stage.props.seed = own.chain;
  stage.props.otherSeed = other.chain;
  stage.props.model = await signModel(own.signer, brand, EXAMPLE.model, deviceView);
  stage.props.otherModel = await signModel(other.signer, otherBrand, EXAMPLE.otherModel, otherStore);
}

async function registerBrandKey(
  stage: Stage,
  account: string,
  name: string,
): Promise<{ signer: Signer; chain: readonly Assertion[] }> {
  const { privateKey } = await generateKey('rsa', { modulusLength: 4096 });
  const signer = softwareSigner(privateKey);
  const now = new Date();
  const headers = {
    'account-id': account,
    name,
    'public-key-sha3-384': signer.publicKey.keyId,
    since: formatTimestamp(now),
  };
  const request = await signAssertion(
    { type: 'account-key-request', headers, body: signer.publicKey.encoded },
    signer,
    now,
  );
  const file = stage.path(`${account}-${name}.account-key-request`);
  await writeFile(file, encodeStream([request]));
  await stage.authority('register-key', file, '--output', stage.path(`${account}-${name}.account-key`));
  const chain = await stage.authority('account-key', signer.publicKey.keyId);
  return { signer, chain: decodeStream(Buffer.from(chain)) };
}

function signModel(signer: Signer, brand: string, model: string, store: string): Promise<Assertion> {
  const now = new Date();
  const headers = {
    'authority-id': brand,
    series: '16',
    'brand-id': brand,
    model,
    store,
    classic: 'true',
    architecture: 'amd64',
    timestamp: formatTimestamp(now),
  };
  return signAssertion({ type: 'model', headers }, signer, now);
}

async function publishSnaps(stage: Stage): Promise<void> {
  const { narrator } = stage;
  const names = Object.entries(OWNERS).map(([name, { publisher, store }]) => {
    const place = store ? ['--store', store, '--private'] : [];
    return stage.authority('register', name, '--publisher', publisher, ...place);
  });
  const files = REVISIONS.map(async ({ recipe }, index) => {
    const file = stage.path('snaps', `${index}-${recipe.name}.snap`);
    await packSnap(recipe, file);
    return file;
  });
  await Promise.all([...names, ...files]);
  const { deviceView, brand, brandStore } = EXAMPLE;
  const includes = ['--include', brandStore, '--include', 'general=snapd,core-acme'];
  await stage.authority(
    'create',
    'store',
    deviceView,
    '--brand',
    brand,
    '--kind',
    'device-view',
    ...includes,
  );
  await stage.authority('grant', 'admin', EXAMPLE.admin, deviceView);
  // Revisions of one snap are numbered as they come in: one after the other.
  const bySnap = Object.keys(OWNERS).map(async (name) => {
    let approved = 0;
    for (const [index, { recipe, channels }] of REVISIONS.entries()) {
      if (recipe.name !== name) continue;
      const file = (await files[index]) ?? '';
      const said = await stage.authority('publish', file, '--snap', name, '--channel', channels, '--json');
      if (said.includes('"approved"')) approved += 1;
    }
    return approved;
  });
  const approved = (await Promise.all(bySnap)).reduce((sum, count) => sum + count, 0);
  narrator.check(
    `${REVISIONS.length} revisions of ${names.length} real snaps are signed and released`,
    approved === REVISIONS.length,
  );
}
