import { isScalar, parseDocument } from 'yaml';
import { z } from 'zod';
import { readAs } from '../read-as.ts';
import { ANY_ARCHITECTURE } from './architecture.ts';
import { type Epoch, parseEpoch } from './epoch.ts';
import { SnapError } from './errors.ts';
import { isSnapName } from './names.ts';
import { isPlainText, NOT_PLAIN } from './plain-text.ts';

/** The kinds of snap; `os` is how stores name what snap.yaml calls `core` in some old snaps. */
const SNAP_TYPES = ['app', 'base', 'core', 'gadget', 'kernel', 'os', 'snapd'] as const;

/** Longest snap.yaml that is read, in characters. */
export const SNAP_YAML_MAX = 512 * 1024;

const APP_NAME = /^[a-zA-Z0-9](?:-?[a-zA-Z0-9])*$/;
const COUNT_MAX = 1000;
/** Longest kind of link, longest address, and how many of one kind. */
const [LINK_KIND_MAX, LINK_MAX, LINKS_MAX] = [64, 2000, 50];

/** Longest description of a snap. */
export const DESCRIPTION_MAX = 64 * 1024;

const attributes = z.record(z.string(), z.unknown());
const interfaceUse = z.union([z.string(), attributes, z.null()]);
const few = <Item extends z.ZodType>(item: Item) => z.array(item).max(COUNT_MAX);
const named = <Item extends z.ZodType>(item: Item) =>
  z
    .record(z.string(), item)
    .refine((map) => Object.keys(map).length <= COUNT_MAX, `more than ${COUNT_MAX} entries`);

/** Text that becomes a row, and goes out with a store's export. */
const plain = (longest: number) => z.string().max(longest).refine(isPlainText, NOT_PLAIN);

const app = z
  .looseObject({
    command: z.string().optional(),
    daemon: z.string().optional(),
    'common-id': z.string().optional(),
    aliases: few(z.string()).nullish(),
  })
  .nullable();

const component = z.looseObject({
  type: z.enum(['standard', 'kernel-modules']),
  summary: z.string().optional(),
  description: z.string().optional(),
});

const links = z.record(
  plain(LINK_KIND_MAX),
  z.union([plain(LINK_MAX).transform((one) => [one]), z.array(plain(LINK_MAX)).max(LINKS_MAX)]),
);

const document = z.looseObject({
  name: z.string().refine(isSnapName, 'not a snap name'),
  version: z.string('must be given').min(1).max(32).refine(isPlainText, NOT_PLAIN),
  type: z.enum(SNAP_TYPES).nullish(),
  base: plain(64).nullish(),
  title: plain(40).nullish(),
  summary: plain(512).nullish(),
  description: plain(DESCRIPTION_MAX).nullish(),
  license: plain(255).nullish(),
  confinement: z.enum(['strict', 'classic', 'devmode']).nullish(),
  grade: z.enum(['stable', 'devel']).nullish(),
  epoch: z.unknown().optional(),
  architectures: few(z.string()).nullish(),
  assumes: few(z.string()).nullish(),
  plugs: named(interfaceUse).nullish(),
  slots: named(interfaceUse).nullish(),
  apps: named(app).nullish(),
  components: named(component).nullish(),
  links: links.nullish(),
  provenance: z.string().regex(APP_NAME).nullish(),
});

/** A plug or slot of a snap: its name, its interface and its other attributes. */
export interface InterfaceUse {
  readonly name: string;
  readonly interface: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** A part of a snap that devices fetch on its own. */
export interface SnapComponent {
  readonly name: string;
  readonly type: 'standard' | 'kernel-modules';
}

/** What the store needs to know of a snap.yaml, with every default filled in. */
export interface SnapYaml {
  readonly name: string;
  readonly version: string;
  readonly type: (typeof SNAP_TYPES)[number];
  readonly base: string | undefined;
  readonly title: string;
  readonly summary: string;
  readonly description: string;
  readonly license: string | undefined;
  readonly confinement: 'strict' | 'classic' | 'devmode';
  readonly grade: 'stable' | 'devel';
  readonly epoch: Epoch;
  readonly architectures: readonly string[];
  readonly assumes: readonly string[];
  readonly plugs: readonly InterfaceUse[];
  readonly slots: readonly InterfaceUse[];
  readonly apps: readonly string[];
  readonly aliases: readonly { readonly name: string; readonly target: string }[];
  readonly commonIds: readonly string[];
  readonly components: readonly SnapComponent[];
  readonly links: Readonly<Record<string, readonly string[]>>;
  readonly provenance: string;
}

/** Reads a snap.yaml. Throws `snap-yaml-too-large` and `snap-yaml-invalid`, which names the first field at fault. */
export function parseSnapYaml(text: string): SnapYaml {
  if (text.length > SNAP_YAML_MAX) {
    throw new SnapError(
      'snap-yaml-too-large',
      `cannot read snap.yaml: it has more than ${SNAP_YAML_MAX} characters`,
    );
  }
  const content = load(text);
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw invalid('it is not a map');
  const parsed = readAs(document, content);
  if (!parsed.success) throw invalid(parsed.fault);
  return complete(parsed.data);
}

function complete(data: z.output<typeof document>): SnapYaml {
  const apps = Object.entries(data.apps ?? {});
  for (const [name] of apps) if (!APP_NAME.test(name)) throw invalid(`apps: ${name} is not an app name`);
  return {
    name: data.name,
    version: data.version,
    type: data.type ?? 'app',
    base: data.base ?? undefined,
    title: data.title ?? data.name,
    summary: data.summary ?? '',
    description: data.description ?? '',
    license: data.license ?? undefined,
    confinement: data.confinement ?? 'strict',
    grade: data.grade ?? 'stable',
    epoch: parseEpoch(data.epoch),
    architectures: data.architectures?.length ? data.architectures : [ANY_ARCHITECTURE],
    assumes: data.assumes ?? [],
    plugs: uses(data.plugs),
    slots: uses(data.slots),
    apps: apps.map(([name]) => name),
    aliases: apps.flatMap(([target, each]) => (each?.aliases ?? []).map((name) => ({ name, target }))),
    commonIds: apps.flatMap(([, each]) => (each?.['common-id'] === undefined ? [] : [each['common-id']])),
    components: Object.entries(data.components ?? {}).map(([name, { type }]) => ({ name, type })),
    links: data.links ?? {},
    provenance: data.provenance ?? 'global-upload',
  };
}

function uses(map: z.output<typeof document>['plugs']): InterfaceUse[] {
  return Object.entries(map ?? {}).map(([name, use]) => {
    if (use === null) return { name, interface: name, attributes: {} };
    if (typeof use === 'string') return { name, interface: use, attributes: {} };
    const { interface: kind, ...rest } = use;
    return { name, interface: typeof kind === 'string' ? kind : name, attributes: rest };
  });
}

function load(text: string): unknown {
  try {
    const tree = parseDocument(text, { logLevel: 'silent' });
    const [error] = tree.errors;
    if (error !== undefined) throw error;
    // Aliases are how a small file becomes a huge tree; no real snap.yaml needs many.
    const content: unknown = tree.toJS({ maxAliasCount: 50 });
    const version = tree.get('version', true);
    // `version: 1.10` is a text to snapd, whatever number YAML makes of it.
    const written = isScalar(version) ? version.source : undefined;
    return written !== undefined && typeof content === 'object' ? { ...content, version: written } : content;
  } catch (cause) {
    throw new SnapError('snap-yaml-invalid', 'cannot read snap.yaml: it is not valid YAML', { cause });
  }
}

function invalid(reason: string): SnapError {
  return new SnapError('snap-yaml-invalid', `cannot use snap.yaml: ${reason}`);
}
