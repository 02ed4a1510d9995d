import type { Hono } from 'hono';
import { decide, parseChannel, parseSnapYaml } from '../../snaps/index.ts';
import type { CatalogRevision, CatalogSnap } from './catalog-snap.ts';
import type { Catalog } from './catalog.ts';
import type { Gate, Visit } from './gate.ts';
import { answer, architectureOf, type DeviceEnv, HAL_TYPE, jsonAnswer } from './http.ts';

/** The names by which snapd completes and suggests commands. */
interface NameEntry {
  readonly package_name: string;
  readonly version: string;
  readonly summary: string;
  readonly aliases: readonly { readonly name: string; readonly target: string }[];
  readonly apps: readonly string[];
}

/** Section that stores always have: snapd shows it first. */
const FEATURED = 'featured';

/** The lists that snapd reads once a day: names, sections and categories (protocol/devices.md 3.5). */
export function listRoutes(app: Hono<DeviceEnv>, gate: Gate): void {
  const entries = new WeakMap<CatalogRevision, NameEntry>();

  app.get('/api/v1/snaps/names', async (c) => {
    const visit = await gate.enter(c);
    const confinements = (c.req.query('confinement') ?? '').split(',').filter(Boolean);
    const names: NameEntry[] = [];
    for await (const snap of visit.catalog.inBatches(await visit.catalog.listed(visit.viewer))) {
      const revision = stable(visit, architectureOf(c), snap);
      if (revision === undefined) continue;
      if (confinements.length > 0 && !confinements.includes(revision.confinement)) continue;
      let entry = entries.get(revision);
      if (entry === undefined) entries.set(revision, (entry = nameEntry(snap, revision)));
      names.push(entry);
    }
    // snapd reads this as a stream of tokens: these two keys must come first, in this order.
    return answer(200, HAL_TYPE, `{"_embedded":{"clickindex:package":${JSON.stringify(names)}}}`);
  });

  app.get('/api/v1/snaps/sections', async (c) => {
    const visit = await gate.enter(c);
    const sections = (await categoriesOf(visit)).map((name) => ({ name }));
    return answer(200, HAL_TYPE, JSON.stringify({ _embedded: { 'clickindex:sections': sections } }));
  });

  app.get('/v2/snaps/categories', async (c) => {
    const visit = await gate.enter(c);
    const categories = (await categoriesOf(visit)).map((name) => ({ name }));
    return jsonAnswer(JSON.stringify({ categories }));
  });
}

async function categoriesOf({
  catalog,
  viewer,
}: {
  catalog: Catalog;
  viewer: Visit['viewer'];
}): Promise<string[]> {
  const names = new Set(
    (await catalog.listed(viewer)).flatMap((snap) => snap.categories.map(({ name }) => name)),
  );
  names.delete(FEATURED);
  return [FEATURED, ...[...names].sort()];
}

function stable(visit: Visit, architecture: string, snap: CatalogSnap): CatalogRevision | undefined {
  const decision = decide(snap, {
    action: 'install',
    architecture,
    channel: parseChannel('stable'),
    revision: undefined,
    installed: undefined,
    tracking: undefined,
    constraint: { kind: 'free' },
    followsDefaultTrack: true,
    identity: undefined,
    at: visit.now,
  });
  return decision.kind === 'revision' ? decision.revision : undefined;
}

function nameEntry(snap: CatalogSnap, revision: CatalogRevision): NameEntry {
  const base = { package_name: snap.name, version: revision.version, summary: snap.summary };
  try {
    const { aliases, apps } = parseSnapYaml(revision.snapYaml);
    return { ...base, aliases, apps };
  } catch {
    // A snap.yaml from elsewhere that we cannot read still has a name.
    return { ...base, aliases: [], apps: [] };
  }
}
