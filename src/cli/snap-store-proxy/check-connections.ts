import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';

import { sendThroughProxy, trustOnly } from '../../config/index.ts';
import { isUntrustedCertificate } from '../../untrusted-certificate.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { operatorClient } from '../operator.ts';
import { print, printJson } from '../terminal.ts';
import { configList } from './contract.ts';

/** In the documented order. */
const ADDRESSES = ['proxy.dashboard.location', 'proxy.sso.location', 'proxy.upstream'];
const DEADLINE_MS = 10_000;

const trusted = z.looseObject({ pem: z.string().nullable() });

/**
 * `check-connections`: whether this machine reaches what the online role needs, by the proxy and with the CAs that the host uses
 * (protocol/operators.md, section 1.2).
 */
export function checkConnectionsCommand(context: CliContext) {
  return new Command('check-connections')
    .description('check that the outside store can be reached from this machine')
    .option('--json', 'print the findings as JSON')
    .action(async (options) => {
      const client = await operatorClient(context);
      const { settings } = await client.request('/ops/v1/config', configList);
      const addresses = ADDRESSES.flatMap((name) =>
        settings.filter(({ key, value }) => key === name && value !== 'None'),
      );
      const proxy = settings.find(({ key }) => key === 'proxy.https.proxy')?.value ?? 'None';
      const { pem } = await client.request('/ops/v1/ca-certs', trusted);
      const restore = [
        ...(proxy === 'None' ? [] : [sendThroughProxy(proxy, context.terminal.env)]),
        ...(pem === null ? [] : [trustOnly(pem)]),
      ];
      const findings = await Promise.all(
        addresses.map(async ({ value }) => ({ address: value, failure: await failureOf(value) })),
      ).finally(() => restore.forEach((undo) => undo()));
      if (options.json) printJson(context.terminal, findings);
      else
        for (const { address, failure } of findings)
          print(context.terminal, `http: ${address}: ${failure ?? 'OK'}`);
      const allReached = findings.every(({ failure }) => failure === undefined);
      if (!options.json) {
        print(
          context.terminal,
          allReached ? 'All connections appear to be accessible' : 'Not all connections are accessible',
        );
      }
      if (!allReached) {
        const sentence = 'cannot reach everything: check name service, routes and proxy.https.proxy';
        throw new CliError('unavailable', 'server-unreachable', sentence);
      }
    });
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
  if (isUntrustedCertificate(error)) return 'certificate of a CA that is not trusted';
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'dns lookup error';
  return code === 'ECONNREFUSED' ? 'connection refused' : 'cannot connect';
}
