/** What a fetch is to bring: asked once, kept in its folder, and read by all of its steps. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { LRUCache } from 'lru-cache';
import { fileIdentity } from '../../bundles/index.ts';
import { writePrivateFile } from '../../config/index.ts';
import type { KnownSupports, UpstreamSnap } from '../../upstream/index.ts';
import type { FetchItem, RunningFetch } from '../../workflows/fetch-contract.ts';
import type { KnownThere } from '../exports/basis.ts';
import { fetchFolder, type FetchDeps } from './client.ts';
import { VerifiedFiles } from './verified-files.ts';

/** What fetches need, with what the activities of one process remember of a fetch. Nothing of it must survive: it only spares work. */
export interface FetchParts extends FetchDeps {
  /** Downloads that were digested here. */
  readonly verified: VerifiedFiles;
  /** Plans that were read: each step of a fetch looks into the same one. */
  readonly plans: PlanCache;
}

/** One place of a snap: what a channel gives to an architecture. */
export interface FetchedPlace {
  readonly channel: string;
  readonly architecture: string;
  readonly snap: UpstreamSnap;
}

/** A snap that another one needs, for the architecture that this one is fetched for. */
export interface NeededPlace {
  readonly name: string;
  readonly architecture: string;
}

/** What a fetch brings: where everything is, and what need not be downloaded. */
export interface FetchPlan {
  readonly places: readonly FetchedPlace[];
  /** Sentences about what is not as it was asked for: channels that hold nothing, snaps that are another brand's. */
  readonly warnings?: readonly string[];
  /** What was asked for because a snap of the plan needs it, whether the upstream has it or not. */
  readonly needed?: readonly NeededPlace[];
  /** Digests of files that are where the archives go to. */
  readonly leftOut: readonly string[];
  /** Names of snaps that are there in some revision: nobody misses them. */
  readonly there?: readonly string[];
  /** What says so. */
  readonly rest: KnownThere['rest'] | null;
}

/** One file to download. */
export interface PlannedDownload extends FetchItem {
  readonly digest: string;
  readonly url: string;
}

/** A plan as it was read, and what steps of its fetch share. */
export interface OpenPlan {
  readonly plan: FetchPlan;
  /** The places of each snap. */
  readonly snaps: ReadonlyMap<string, readonly FetchedPlace[]>;
  readonly files: readonly PlannedDownload[];
  readonly supports: KnownSupports;
}

/** Plans by the identity of their files. */
export type PlanCache = LRUCache<string, OpenPlan>;

/** Fetches that are under way at a time, and whose plans are held. */
const PLANS = 4;

/** Begins to remember. */
export function fetchParts(deps: FetchDeps): FetchParts {
  return { ...deps, verified: new VerifiedFiles(), plans: new LRUCache({ max: PLANS }) };
}

const PLAN_FILE = 'plan.json';
// Our own file, written from answers that were checked.
const planSchema = z.custom<FetchPlan>((value) => typeof value === 'object' && value !== null);

/** Keeps a plan whole or not at all: what is downloaded is found by its place in it. */
export function keepPlan(fetch: RunningFetch, plan: FetchPlan, deps: FetchDeps): Promise<void> {
  return writePrivateFile(join(fetchFolder(deps.blobs, fetch.fetchId), PLAN_FILE), JSON.stringify(plan));
}

/** The files of a plan as workflows know them. */
export function itemsOf(files: readonly PlannedDownload[]): readonly FetchItem[] {
  return files.map(({ name, revision, size, snaps, tellsNeeds }) => ({
    name,
    revision,
    size,
    snaps,
    tellsNeeds,
  }));
}

/** What `resolveAll` kept. */
export async function openPlan(fetch: RunningFetch, deps: FetchParts): Promise<OpenPlan> {
  const path = join(fetchFolder(deps.blobs, fetch.fetchId), PLAN_FILE);
  const identity = await fileIdentity(path);
  const known = deps.plans.get(identity);
  if (known !== undefined) return known;
  const plan = planSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  const snaps = Map.groupBy(plan.places, ({ snap }) => snap.name);
  const open = { plan, snaps, files: downloadsOf(plan), supports: new Map() };
  deps.plans.set(identity, open);
  return open;
}

/** Every file of the plan once, in the order in which downloads count them: several channels may hold the same revision. */
export function downloadsOf({ places, leftOut }: FetchPlan): readonly PlannedDownload[] {
  const left = new Set(leftOut);
  const found = new Map<string, PlannedDownload>();
  const add = (snap: UpstreamSnap, file: UpstreamSnap['download'], rest: Named) => {
    const { 'sha3-384': digest, size, url } = file;
    if (left.has(digest)) return;
    const known = found.get(digest);
    const snaps = [...new Set([...(known?.snaps ?? []), snap.name])];
    found.set(digest, known ? { ...known, snaps } : { ...rest, size, url, digest, snaps });
  };
  for (const { snap } of places) {
    const { name, revision, download, resources, 'snap-yaml': yaml } = snap;
    add(snap, download, { name, revision, tellsNeeds: !yaml });
    for (const part of resources ?? [])
      add(snap, part.download, {
        name: `${name}+${part.name}`,
        revision: part.revision,
        tellsNeeds: false,
      });
  }
  return [...found.values()];
}

type Named = Pick<PlannedDownload, 'name' | 'revision' | 'tellsNeeds'>;
