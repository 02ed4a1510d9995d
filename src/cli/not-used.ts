/** Commands and options of the documents that mean nothing here, and why: one sentence is better than "unknown". */
const COMMANDS: ReadonlyMap<string, string> = new Map([
  ['register', 'there is no registration with a store elsewhere; "config proxy.domain=NAME" names this host'],
  [
    'reregister',
    'there is no registration with a store elsewhere; "config proxy.domain=NAME" names this host',
  ],
  ['generate-keys', 'Airlock makes its keys itself at its first start'],
  ['create-database', 'Airlock makes its database itself at its first start'],
  ['push-charms', 'Airlock keeps snaps, not charms'],
  ['push-charm-bundle', 'Airlock keeps snaps, not charms'],
  [
    'bundle',
    'its bundles are of charms, and Airlock keeps snaps; account-keys go along with "export store STORE --key KEY"',
  ],
  ['charms', 'Airlock keeps snaps, not charms'],
]);
const OPTIONS: ReadonlyMap<string, string> = new Map([
  ['--revision-authority-key', "a brand's private key never comes to Airlock as a file; its HSM signs"],
  ['--revision-authority-key-id', "a brand's private key never comes to Airlock as a file; its HSM signs"],
  ['--password', "who may call the operator's commands is told by the operator's token"],
]);

/**
 * The sentence for a documented command or option that Airlock has no use for; undefined when it is simply unknown.
 *
 * @param complaint what the parser says of it
 */
export function notUsed(complaint: string): string | undefined {
  const [, what, name = ''] = /unknown (command|option) '([^'= ]+)/.exec(complaint) ?? [];
  const because = (what === 'command' ? COMMANDS : OPTIONS).get(name);
  return because && `cannot do ${name}: it is not used by Airlock, because ${because}`;
}
