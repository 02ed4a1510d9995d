import { GENERAL_STORE } from '../../brands/index.ts';
import { readMetadataText } from '../../bundles/index.ts';
import {
  NEEDS_CHANNEL,
  NEEDS_MAX,
  isSnapName,
  needsOf,
  parseSnapYaml,
  type SnapYaml,
} from '../../snaps/index.ts';
import { UpstreamError, type StoreClient, type UpstreamSnap } from '../../upstream/index.ts';
import type { FetchItem, FetchSnapsInput } from '../../workflows/fetch-contract.ts';
import { crashPoint } from '../crash-point.ts';
import { tooManyWarning, unseenWarning } from '../exports/dependencies.ts';
import { makeExportFolder } from '../exports/folder.ts';
import { otherBrandWarning } from '../exports/visible-snaps.ts';
import { fetchFolder, upstreamClient } from './client.ts';
import {
  downloadsOf,
  itemsOf,
  keepPlan,
  openPlan,
  type FetchParts,
  type FetchPlan,
  type FetchedPlace,
  type NeededPlace,
} from './plan.ts';
import { heldBy, leftOutOf, requireRoom } from './resolving.ts';
import { stagedFile } from './staging.ts';
import { readSnapMetadata } from '../snap-file.ts';

/**
 * Adds what the snaps of a plan need and what that needs in turn, each from the channel that devices take it from, for the
 * architecture of the one that needs it. A snap that the command named is fetched as it said, and not again. What the
 * upstream does not give stays absent. A repeat finds what it asked for, and asks for the rest.
 * @param downloaded how many files of the plan are here
 * @returns the files of the whole plan: new ones come after those that were in it
 * @throws UpstreamError; BundleError `disk-full`
 */
export async function addDependencies(
  input: FetchSnapsInput,
  downloaded: number,
  deps: FetchParts,
  signal: AbortSignal,
): Promise<readonly FetchItem[]> {
  const { plan, files: planned } = await openPlan(input, deps);
  const here = new Set(planned.slice(0, downloaded).map(({ digest }) => digest));
  const yamlOf = async ({ snap }: FetchedPlace): Promise<SnapYaml | undefined> => {
    if (snap['snap-yaml']) return parseSnapYaml(snap['snap-yaml']);
    const digest = snap.download['sha3-384'];
    return here.has(digest)
      ? (await readSnapMetadata(stagedFile(input, digest, deps), signal)).yaml
      : undefined;
  };
  const ask = asking(input, await askersOf(input, deps), signal);
  const found = await neededPlaces(input, plan, yamlOf, ask);
  if (found.needed.length === 0 && found.warnings.length === 0) return itemsOf(planned);
  // A file that is in the plan stays in it, so that all that come after it stay where they are.
  const { leftOut } = await leftOutOf(input, found.places, deps);
  const coming = new Set(planned.map(({ digest }) => digest));
  const grown: FetchPlan = {
    ...plan,
    places: [...plan.places, ...found.places],
    warnings: [...(plan.warnings ?? []), ...found.warnings],
    needed: [...(plan.needed ?? []), ...found.needed],
    leftOut: [...plan.leftOut, ...leftOut.filter((digest) => !coming.has(digest))],
  };
  const files = downloadsOf(grown);
  const archives = await makeExportFolder(input.exportDir, deps.exportFolder);
  const downloads = fetchFolder(deps.blobs, input.fetchId);
  await requireRoom(input, { downloads, archives }, files.slice(downloaded), files);
  crashPoint('fetch-before-needs');
  await keepPlan(input, grown, deps);
  crashPoint('fetch-after-needs');
  return itemsOf(files);
}

/** The snaps that came along because others need them. */
export function broughtAlong({ places, needed = [] }: FetchPlan): readonly string[] {
  const present = new Set(places.map(({ snap }) => snap.name));
  return [...new Set(needed.map(({ name }) => name))].filter((name) => present.has(name)).toSorted();
}

/** What of the needs is not in the plan yet and was not asked for, as far as the upstream has it. */
async function neededPlaces(
  input: FetchSnapsInput,
  plan: FetchPlan,
  yamlOf: (place: FetchedPlace) => Promise<SnapYaml | undefined>,
  ask: Ask,
) {
  const warnings = new Set<string>();
  const needed: NeededPlace[] = [];
  const names = new Set((plan.needed ?? []).map(({ name }) => name));
  const named = new Set(input.names);
  const settled = new Set((plan.needed ?? []).map(keyOf));
  for (const { snap, channel, architecture } of plan.places)
    if (channel === NEEDS_CHANNEL) settled.add(keyOf({ name: snap.name, architecture }));
  const places = [...plan.places];
  // It grows while it is read: what comes along has needs as well, and a circle ends at what is settled.
  for (const place of places)
    for (const { name } of needsOf((await yamlOf(place)) ?? NO_NEEDS)) {
      const wanted = { name, architecture: place.architecture };
      if (named.has(name) || settled.has(keyOf(wanted)) || !isSnapName(name)) continue;
      if (!names.has(name) && names.size >= NEEDS_MAX) {
        warnings.add(tooManyWarning());
        continue;
      }
      settled.add(keyOf(wanted));
      names.add(name);
      needed.push(wanted);
      const { snap, warning } = await ask(wanted);
      if (warning !== undefined) warnings.add(warning);
      if (snap === undefined) continue;
      places.push({ channel: heldBy(snap, NEEDS_CHANNEL), architecture: wanted.architecture, snap });
    }
  return { places: places.slice(plan.places.length), needed, warnings: [...warnings] };
}

const NO_NEEDS = { type: 'base', base: undefined, plugs: [] } as const;

function keyOf({ name, architecture }: NeededPlace): string {
  return `${name} ${architecture}`;
}

/** Whom to ask. */
interface Asker {
  readonly client: StoreClient;
  /** The store whose devices do not see what this one alone gives. */
  readonly unseenIn: string | undefined;
}

/** The store of the fetch first; then the general store, as anybody sees it. */
async function askersOf(input: FetchSnapsInput, deps: FetchParts): Promise<readonly Asker[]> {
  const own = { client: await upstreamClient(deps, input), unseenIn: undefined };
  if (input.store === null) return [own];
  const general = await upstreamClient(deps, { credentials: null, store: null });
  return [own, { client: general, unseenIn: input.store }];
}

/** What is given for a need, and what is to be said of it. */
type Ask = (
  wanted: NeededPlace,
) => Promise<{ readonly snap?: UpstreamSnap | undefined; readonly warning?: string | undefined }>;

function asking(input: FetchSnapsInput, askers: readonly Asker[], signal: AbortSignal): Ask {
  let described: ReadonlySet<string> | undefined;
  /** An archive of a whole store takes no snap of a store that it does not describe: another brand's. */
  const isForeign = async ({ client }: Asker, { store: kept = GENERAL_STORE }: UpstreamSnap) => {
    if (input.whole === undefined || kept === GENERAL_STORE) return false;
    const store = input.store ?? '';
    described ??= new Set(
      (await readMetadataText(await client.metadata(store, signal), store)).head.manifest.stores.map(
        ({ id }) => id,
      ),
    );
    return !described.has(kept);
  };
  return async ({ name, architecture }) => {
    for (const asker of askers) {
      const wish = { name, channel: NEEDS_CHANNEL, architecture };
      const snap = await asker.client.resolve(wish, signal).catch((error: unknown) => {
        if (error instanceof UpstreamError && REFUSALS.has(error.code)) return undefined;
        throw error;
      });
      if (snap === undefined) continue;
      if (await isForeign(asker, snap)) return { warning: otherBrandWarning(snap.store ?? '') };
      const { unseenIn } = asker;
      return { snap, warning: unseenIn === undefined ? undefined : unseenWarning(name, unseenIn) };
    }
    return {};
  };
}

/** How an upstream says that it does not give a snap, and never would. */
const REFUSALS: ReadonlySet<string> = new Set(['snap-not-upstream', 'role-missing', 'upstream-refused']);
