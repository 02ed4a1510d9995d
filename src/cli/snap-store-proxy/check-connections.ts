import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import { REDACTED, sendThroughProxy, trustOnly } from '../../config/index.ts';
import { certificateFault, type CertificateFault } from '../../certificate-fault.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import type { HttpClient } from '../http-client.ts';
import { operatorClient } from '../operator.ts';
import { note, print, printJson } from '../terminal.ts';
import { configList } from './contract.ts';
import { settingValue } from './setting-value.ts';

/** In the documented order. */
const ADDRESSES = ['proxy.dashboard.location', 'proxy.sso.location', 'proxy.upstream'];
const PROXY = 'proxy.https.proxy';
const DEADLINE_MS = 10_000;

const trusted = z.looseObject({ pem: z.string().nullable() });
const databaseState = z.looseObject({
  database: z.enum(['ok', 'read-only', 'unavailable']),
  databaseServer: z.string().nullish(),
});
/** What is said of a database that is not well. */
const DATABASE_FAILURES = { 'read-only': 'takes no changes', unavailable: 'no answer' } as const;

const CERTIFICATE_FAULTS: Readonly<Record<CertificateFault, string>> = {
  untrusted: 'certificate of a CA that is not trusted',
  expired: 'certificate has expired',
  'not-yet-valid': 'certificate is not valid yet',
  'other-name': 'certificate is for another name',
};

/** Node's codes, as they are told. */
const REASONS: ReadonlyMap<unknown, string> = new Map([
  ['ENOTFOUND', 'dns lookup error'],
  ['EAI_AGAIN', 'dns lookup error'],
  ['ECONNREFUSED', 'connection refused'],
]);

/** What was asked, and why it could not be reached. */
interface Finding {
  readonly kind: 'http' | 'postgres';
  readonly address: string;
  readonly failure: string | undefined;
}

/**
 * `check-connections`: whether this machine reaches what the online role needs, by the proxy and with the CAs that the host uses, and
 * whether the host reaches its PostgreSQL server where it has one (protocol/operators.md, section 1.2).
 */
export function checkConnectionsCommand(context: CliContext) {
  return new Command('check-connections')
    .description(
      'check that the outside store can be reached from this machine, and the database from its host',
    )
    .option('--json', 'print the findings as JSON')
    .action(async (options) => {
      const client = await operatorClient(context);
      const found = await client.request('/ops/v1/status', databaseState);
      const postgres = databaseFindings(found);
      const isAway = postgres.length > 0 && found.database === 'unavailable';
      if (isAway)
        note(
          context.terminal,
          'Nothing else was tried: the settings that say where it is are in the database.',
        );
      const findings = [...(isAway ? [] : await outsideFindings(context, client)), ...postgres];
      if (options.json) printJson(context.terminal, findings);
      else
        for (const { kind, address, failure } of findings)
          print(context.terminal, `${kind}: ${address}: ${failure ?? 'OK'}`);
      const allReached = findings.every(({ failure }) => failure === undefined);
      if (!options.json) {
        print(
          context.terminal,
          allReached ? 'All connections appear to be accessible' : 'Not all connections are accessible',
        );
      }
      if (!allReached) {
        const sentence = isAway
          ? 'cannot reach the database: check that PostgreSQL runs, and AIRLOCK_DATABASE_URL of the host'
          : postgres.some(({ failure }) => failure !== undefined)
            ? 'cannot change the database: check that PostgreSQL is the primary server and writable'
            : 'cannot reach everything: check name service, routes, proxy.https.proxy and use-ca-certs';
        throw new CliError('unavailable', 'server-unreachable', sentence);
      }
    });
}

/** What the host says of its PostgreSQL server: only the host has the address, and the password that may be in it. */
function databaseFindings({ database, databaseServer }: z.output<typeof databaseState>): readonly Finding[] {
  if (typeof databaseServer !== 'string') return [];
  const failure = database === 'ok' ? undefined : `FAILED (${databaseServer}) ${DATABASE_FAILURES[database]}`;
  return [{ kind: 'postgres', address: databaseServer, failure }];
}

async function outsideFindings(context: CliContext, client: HttpClient): Promise<readonly Finding[]> {
  const { settings } = await client.request('/ops/v1/config', configList);
  const addresses = ADDRESSES.flatMap((name) =>
    settings.filter(({ key, value }) => key === name && value !== 'None'),
  );
  const proxy = await proxyOf(client, settings);
  const { pem } = await client.request('/ops/v1/ca-certs', trusted);
  const restore = [
    ...(proxy === 'None' ? [] : [sendThroughProxy(proxy, context.terminal.env)]),
    ...(pem === null ? [] : [trustOnly(pem)]),
  ];
  return Promise.all(
    addresses.map(async ({ value }) => ({
      kind: 'http' as const,
      address: value,
      failure: await failureOf(value),
    })),
  ).finally(() => restore.forEach((undo) => undo()));
}

/** The list leaves out the password that may be in it. */
async function proxyOf(
  client: HttpClient,
  settings: z.infer<typeof configList>['settings'],
): Promise<string> {
  const listed = settings.find(({ key }) => key === PROXY)?.value ?? 'None';
  if (!listed.includes(REDACTED)) return listed;
  return settingValue(client, PROXY);
}

/** Undefined when anything answers at all: which answer it is does not matter here. */
async function failureOf(address: string): Promise<string | undefined> {
  try {
    await fetch(address, { method: 'HEAD', signal: AbortSignal.timeout(DEADLINE_MS), redirect: 'manual' });
    return undefined;
  } catch (error) {
    const { host, port, protocol } = new URL(address);
    const where = port === '' ? `${host}:${protocol === 'http:' ? 80 : 443}` : host;
    return `FAILED (${where}) ${reasonOf(error)}`;
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return 'no answer in time';
  const fault = certificateFault(error);
  if (fault !== undefined) return CERTIFICATE_FAULTS[fault];
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return REASONS.get(code) ?? 'cannot connect';
}
