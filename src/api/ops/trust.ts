import { Hono } from 'hono';
import {
  decodeStream,
  optionalText,
  publicKeyOf,
  publicRoot,
  text,
  verifySignature,
  type Assertion,
} from '../../assertions/index.ts';
import { AirlockError } from '../../errors.ts';
import { addAssertions, appendAct, raiseGeneration, trustedRoots } from '../../storage/index.ts';
import type { OpsDeps } from './deps.ts';
import { textBody } from './http.ts';

/** The trusted set: only an operator adds to it, and only whole, self-consistent roots. */
export function trustRoutes(deps: OpsDeps): Hono {
  const app = new Hono();
  const list = async () => {
    const roots = [...publicRoot(), ...(await trustedRoots(deps.database.queries))];
    return roots.filter(({ type }) => type === 'account-key').map(describe);
  };

  app.get('/trust/roots', async (context) => context.json({ roots: await list(), added: 0 }));

  app.post('/trust/roots', async (context) => {
    const roots = requireRoots(decodeStream(await textBody(context)));
    const present = new Set((await trustedRoots(deps.database.queries)).map(nameOf));
    const added = roots.filter((root) => !present.has(nameOf(root)));
    await trust(deps, added);
    const keys = added.filter(({ type }) => type === 'account-key').length;
    return context.json({ roots: await list(), added: keys });
  });
  return app;
}

async function trust(deps: OpsDeps, roots: readonly Assertion[]): Promise<void> {
  if (roots.length === 0) return;
  const at = deps.clock();
  await deps.database.transaction(async (queries) => {
    await addAssertions(queries, roots, { at, trusted: true });
    for (const { type, primaryKey, revision } of roots)
      await queries
        .updateTable('StoredAssertion')
        .set({ trusted: true })
        .where('type', '=', type)
        .where('primaryKey', '=', primaryKey.join('/'))
        .where('revision', '=', revision)
        .execute();
    await raiseGeneration(queries, 'catalog');
    for (const root of roots)
      await appendAct(queries, {
        at,
        actor: 'operator',
        act: 'root.trust',
        subject: nameOf(root).slice(0, 255),
      });
  });
}

/** A root is an account and its self-signed account-key; nothing else can be trusted by itself. */
function requireRoots(assertions: readonly Assertion[]): readonly Assertion[] {
  const keys = assertions.filter(({ type }) => type === 'account-key');
  if (keys.length === 0) throw notRoot('there is no account-key in it');
  for (const key of keys) {
    const publicKey = publicKeyOf(key);
    if (key.signKeyId !== publicKey.keyId)
      throw notRoot(`the account-key ${publicKey.keyId} is not signed by itself`);
    verifySignature(key, publicKey);
    const account = assertions.find(
      (one) => one.type === 'account' && text(one, 'account-id') === text(key, 'account-id'),
    );
    if (account === undefined) throw notRoot(`the account ${text(key, 'account-id')} is missing`);
    if (account.signKeyId !== publicKey.keyId)
      throw notRoot(`the account ${text(key, 'account-id')} is not signed by its root key`);
    verifySignature(account, publicKey);
  }
  const accounts = new Set(keys.map((key) => text(key, 'account-id')));
  for (const one of assertions)
    if (one.type !== 'account-key' && (one.type !== 'account' || !accounts.has(text(one, 'account-id'))))
      throw notRoot(`it holds a ${one.type} that is no root`);
  return assertions;
}

function notRoot(why: string): AirlockError {
  return new AirlockError(
    'invalid',
    'root-invalid',
    `cannot trust this: ${why}; a root is an account and its self-signed account-key, as "airlock authority root" writes them`,
  );
}

function nameOf({ type, primaryKey, revision }: Assertion): string {
  return `${type} ${primaryKey.join('/')} ${revision}`;
}

function describe(key: Assertion) {
  return {
    accountId: text(key, 'account-id'),
    keyId: text(key, 'public-key-sha3-384'),
    name: optionalText(key, 'name') ?? '',
    since: text(key, 'since'),
    until: optionalText(key, 'until') ?? null,
  };
}
