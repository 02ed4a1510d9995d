import { parseDocument } from 'yaml';
import { z } from 'zod';
import { readAs } from '../read-as.ts';
import { SnapError } from './errors.ts';
import { isSnapName } from './names.ts';
import { SNAP_YAML_MAX, type SnapComponent } from './snap-yaml.ts';

const FULL_NAME = /^([^+]+)\+([^+]+)$/;

const document = z.looseObject({
  component: z.string().regex(FULL_NAME, 'not SNAP+COMPONENT'),
  type: z.enum(['standard', 'kernel-modules']),
  version: z.string().max(32).nullish(),
  provenance: z.string().nullish(),
});

/** What the store needs to know of a component.yaml. */
export interface ComponentYaml extends SnapComponent {
  /** The snap that it is a part of. */
  readonly snap: string;
  /** Absent where it has the snap's. */
  readonly version: string | undefined;
}

/** Reads a component.yaml. Throws `component-yaml-invalid`, which names the first field at fault. */
export function parseComponentYaml(text: string): ComponentYaml {
  if (text.length > SNAP_YAML_MAX) throw invalid(`it has more than ${SNAP_YAML_MAX} characters`);
  const parsed = readAs(document, load(text));
  if (!parsed.success) throw invalid(parsed.fault);
  const [, snap = '', name = ''] = FULL_NAME.exec(parsed.data.component) ?? [];
  if (!isSnapName(snap) || !isSnapName(name)) throw invalid('component: not SNAP+COMPONENT');
  return { snap, name, type: parsed.data.type, version: parsed.data.version ?? undefined };
}

function load(text: string): unknown {
  const tree = parseDocument(text, { logLevel: 'silent', schema: 'failsafe' });
  const [error] = tree.errors;
  if (error !== undefined) throw invalid('it is not valid YAML', error);
  const content: unknown = tree.toJS({ maxAliasCount: 50 });
  if (content === null || content === undefined) throw invalid('it is empty');
  return content;
}

function invalid(reason: string, cause?: unknown): SnapError {
  const sentence = `cannot use component.yaml: ${reason}`;
  return new SnapError('component-yaml-invalid', sentence, cause === undefined ? {} : { cause });
}
