/** The documented settings: what each does here. docs/reference/settings.md is made from them and from src/config. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SETTING_RULES, SETTING_KEYS, type DocumentedKey } from '../../src/config/setting-keys.ts';
import { unusedReason } from '../../src/config/unused-settings.ts';

/** What the settings do that Airlock reads; a test compares the list with the code. */
export const USED: Readonly<Partial<Record<DocumentedKey, string>>> = {
  'proxy.domain': 'the name in the address that `status` shows where `internal.store.url` is not set',
  'proxy.airgap':
    'whether the store is in air-gapped mode; set by the role or `enable-airgap-mode`, at once and for good',
  'proxy.upstream': 'the store that an online host fetches from',
  'proxy.dashboard.location': 'asked by `check-connections`',
  'proxy.sso.location':
    "the single-sign-on server that refreshes log-ins of fetches and vouches for admins of the overrides' HTTP interface; asked by `check-connections`",
  'proxy.sso.public.key': 'its RSA public key, PEM; without one the interface takes the operator alone',
  'proxy.https.proxy':
    'proxy for all that goes out by HTTPS, at once; NO_PROXY of the environment and this machine are excepted. A password in it is sealed, and not listed',
  'proxy.admin-emails':
    "who may use the overrides' HTTP interface with a discharge of the single-sign-on server; `add-admin`",
  'proxy.trust-forwarded-for':
    "front servers, as addresses or networks: a device's address is then what they write into `X-Forwarded-For`",
  'proxy.trust-forwarded-proto': 'believe `X-Forwarded-Proto` of a front server: links are then https',
  'proxy.auth.secret': "the root of this host's own credentials; made at the first start",
  'proxy.device-auth.secret': 'signs device sessions; made when air-gapped mode is activated',
  'proxy.hsm.token-label': 'label of the HSM token; without one the embedded SoftHSM is used',
  'proxy.hsm.token-pin': 'its PIN',
  'proxy.tls.cert': 'the certificate of `import-certificate`, which `/v2/setup/ca.crt` gives to devices too',
  'proxy.tls.key': 'its key',
  'proxy.ipaddress': 'an address that a self-signed certificate is good for',
  'proxy.cache.size': 'how much an online host keeps of what it forwarded, in MB',
  'proxy.device-auth.allowed-device-service-urls':
    'device services that an online host forwards serial requests to',
  'proxy.storage.backend': 'where new files of snaps go: `local`, the folder `blobs`, or `s3`',
  'proxy.storage.s3.region': 'the region of the bucket',
  'proxy.storage.s3.server-url': "address of the S3 server; without one Amazon's in the region",
  'proxy.storage.s3.use-path-style': "whether the bucket's name is in the path, and not in the host's name",
  'proxy.storage.s3.access-key-id':
    'access key of the bucket; with its secret, files that lie there are found',
  'proxy.storage.s3.secret-access-key': 'its secret',
  'proxy.storage.s3.scanned-container-name': 'the bucket with the files of snaps',
  'internal.store.id': 'the store id of this host; when unset, the store that was pushed first',
  'internal.store.url': 'the address at which devices reach this host',
  'internal.publishergw.snapmodels.read-timeout': 'how long the gateway waits for the HSM, in seconds',
};

function unused(key: DocumentedKey): string {
  const reason = unusedReason(key)?.replaceAll(/"([^"]+)"|\b(AIRLOCK_\w+)/g, '`$1$2`');
  return reason === undefined ? 'not used by Airlock' : `not used by Airlock: ${reason}`;
}

/** Where settings are named without being used. */
const DEFINITIONS = ['setting-keys.ts', 'unused-settings.ts'].map((name) => join('config', name));

/** The settings that any file of `src` but their definition names. */
export async function settingsNamedIn(src: string): Promise<ReadonlySet<string>> {
  const named = new Set<string>();
  for (const file of await readdir(src, { recursive: true })) {
    if (!file.endsWith('.ts') || DEFINITIONS.includes(file)) continue;
    const source = await readFile(join(src, file), 'utf8');
    for (const key of SETTING_KEYS) if (source.includes(`'${key}'`)) named.add(key);
  }
  return named;
}

/** docs/reference/settings.md. */
export function settingsReference(): string {
  return [
    PREFACE,
    '| setting | kind | default | what it does here |',
    '|---|---|---|---|',
    ...SETTING_KEYS.map(row),
    '',
    HSM_TOKENS,
  ].join('\n');
}

function row(key: DocumentedKey): string {
  const { kind, default: value } = SETTING_RULES[key];
  const shown = value === undefined ? 'None' : typeof value === 'object' ? JSON.stringify(value) : `${value}`;
  return `| \`${key}\` | ${kind.replace('whole-number', 'number')} | ${shown} | ${USED[key] ?? unused(key)} |`;
}

const PREFACE = `# Settings

What \`snap-store-proxy config\` lists, sets and exports. The names and defaults are the documented ones, so that an exported
configuration can be read back; what has no meaning here is kept and marked, and \`config\` says why when it is set. Values are checked when
they are set; where one is wrong, nothing is changed.
Made from the code; \`AIRLOCK_WRITE_REFERENCE=1 npm test -- test/scripts/reference.test.ts\` writes it anew.

Secrets are sealed at rest, listed by name alone, and shown when asked for by name or with \`--export-yaml\`; PINs are never shown.
\`KEY=-\` reads the value from standard input, where no list of processes shows it.
What has to do with Temporal is in \`temporal.yaml\`, and the rest in the [environment](environment.md).
`;

const HSM_TOKENS = `## The store that registers keys

Settings of Airlock's own, listed once they are set, for hosts with a route to the outside store: \`store-admin register-key\` is then
answered by the host itself.

| setting | kind | what it does |
|---|---|---|
| \`airlock.authority.url\` | text | address of the store that vouches for the brand's keys |
| \`airlock.authority.login\` | secret | log-in of an account of the brand there: a login file, or a token of an authority |

## Further HSM tokens

Settings of Airlock's own, one set for each token; NAME has up to 32 lower-case letters, digits and hyphens. \`default\` is the token
of \`proxy.hsm.token-label\`: it has its label and PIN there, and the rest here. A change counts within seconds.

| setting | kind | what it does |
|---|---|---|
| \`airlock.hsm.NAME.token-label\` | text | the token's label; with it the token is there |
| \`airlock.hsm.NAME.token-pin\` | secret | its PIN |
| \`airlock.hsm.NAME.pin-file\` | text | a file with the PIN, read at each log-in; so is systemd's credential \`airlock-hsm-pin-NAME\` |
| \`airlock.hsm.NAME.token-serial\` | text | its serial number, where two tokens carry the label |
| \`airlock.hsm.NAME.module\` | text | the PKCS#11 module that reaches it |
| \`airlock.hsm.NAME.p11-kit-address\` | text | or the address of the p11-kit server; with neither, as the environment says |
`;
