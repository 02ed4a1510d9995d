/** What a device must be told to use this store. */
export interface SetupFacts {
  /** The address of the store, without a slash at the end. */
  readonly url: string;
  /** Undefined when the store has no assertion; devices are then pointed at it by their service's environment. */
  readonly storeId: string | undefined;
  /** PEM; undefined when devices need none. */
  readonly caCertificate: string | undefined;
}

const DROP_IN = '/etc/systemd/system/snapd.service.d/airlock-store.conf';

/**
 * The commands for a running device, classic or Ubuntu Core, as a shell script. The CA is written into the script:
 * a device that does not trust the host yet could not fetch it in any safe way.
 */
export function setupScript(facts: SetupFacts): string {
  return [
    '#!/bin/sh',
    '# Points this device at the store at ' + facts.url,
    'set -eu',
    ...commands(facts),
    '',
  ].join('\n');
}

/** The same as cloud-init user data. */
export function cloudInit(facts: SetupFacts): string {
  const script = setupScript(facts)
    .split('\n')
    .map((line) => (line === '' ? '' : `      ${line}`));
  return [
    '#cloud-config',
    'write_files:',
    '  - path: /run/airlock-setup.sh',
    "    permissions: '0700'",
    '    content: |',
    ...script,
    'runcmd:',
    '  - [/run/airlock-setup.sh]',
    '',
  ].join('\n');
}

function commands({ url, storeId, caCertificate }: SetupFacts): string[] {
  const trust =
    caCertificate === undefined
      ? []
      : [
          `snap set system store-certs.airlock="$(cat <<'CERTIFICATE'`,
          caCertificate.trim(),
          'CERTIFICATE',
          ')"',
        ];
  if (storeId !== undefined) {
    return [
      ...trust,
      `curl --fail --silent --show-error ${curlTrust(caCertificate)}${url}/v2/auth/store/assertions | snap ack /dev/stdin`,
      `snap set core proxy.store=${storeId}`,
    ];
  }
  return [
    ...trust,
    `mkdir -p ${DROP_IN.slice(0, DROP_IN.lastIndexOf('/'))}`,
    `printf '[Service]\\nEnvironment=SNAPPY_FORCE_API_URL=%s/\\n' '${url}' > ${DROP_IN}`,
    'systemctl daemon-reload',
    'systemctl restart snapd.service',
  ];
}

/** The assertions are signed, so that fetching them needs no trusted connection: snapd checks them. */
function curlTrust(caCertificate: string | undefined): string {
  return caCertificate === undefined ? '' : '--insecure ';
}
