import { Command } from '@commander-js/extra-typings';
import { z } from 'zod';
import type { CliContext } from '../context.ts';
import { readDocument } from '../files.ts';
import { operatorClient } from '../operator.ts';
import { note, print, printJson } from '../terminal.ts';

const certificate = z.looseObject({ subject: z.string(), until: z.string() });
const counted = z.looseObject({ count: z.number() });

/** `import-certificate`: from standard input certificate, key and intermediates; or one that is made here. */
export function importCertificateCommand(context: CliContext) {
  return new Command('import-certificate')
    .description('serve HTTPS: reads certificate, private key and intermediates (PEM) from standard input')
    .option('--selfsigned', 'make a certificate that signs itself, for proxy.domain')
    .option('--json', 'print the result as JSON')
    .action(async (options) => {
      const json = options.selfsigned ? { selfSigned: true } : { pem: await readDocument(context, '-') };
      const client = await operatorClient(context);
      const imported = await client.request('/ops/v1/tls', certificate, { method: 'PUT', json });
      const { subject, until } = imported;
      if (options.json) return printJson(context.terminal, imported);
      print(context.terminal, `Certificate ${JSON.stringify(subject)} imported, valid until ${until}.`);
      note(
        context.terminal,
        'HTTP redirects to HTTPS from now on; devices learn by /v2/setup what to trust.',
      );
    });
}

/** `use-ca-certs`: the CAs that alone are trusted for connections to other hosts. */
export function useCaCertsCommand(context: CliContext) {
  return new Command('use-ca-certs')
    .description('trust only the CAs (PEM) of standard input when connecting to other hosts')
    .option('--json', 'print the result as JSON')
    .action(async (options) => {
      const body = await readDocument(context, '-');
      const client = await operatorClient(context);
      const used = await client.request('/ops/v1/ca-certs', counted, { method: 'PUT', body });
      if (options.json) return printJson(context.terminal, used);
      print(context.terminal, `${used.count} CA certificates are in use.`);
    });
}

/** `remove-ca-certs`: the usual CAs again. */
export function removeCaCertsCommand(context: CliContext) {
  return new Command('remove-ca-certs')
    .description('trust the usual CAs again when connecting to other hosts')
    .action(async () => {
      const client = await operatorClient(context);
      await client.perform('/ops/v1/ca-certs', { method: 'DELETE' });
      print(context.terminal, 'The usual CA certificates are in use.');
    });
}
