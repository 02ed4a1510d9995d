/** The whole set-up: looks at what is there, gets the rest. */
import { rmSync } from 'node:fs';
import { delimiter, dirname } from 'node:path';
import { whileLocked } from './lock.mjs';
import { findNode, getNode } from './node.mjs';
import { getPackages, packagesPresent } from './packages.mjs';
import { TEMPORAL } from './parts.mjs';
import { LOG_FILE, say, SetupError, since } from './report.mjs';
import { getSystemParts, missingSystemParts } from './system.mjs';
import { getTemporal, temporalPresent } from './temporal.mjs';

/**
 * Makes everything ready; quick and silent when all is there. Returns the Node to use and the PATH that has it and the
 * Temporal CLI in front. Parts that the product can do without are looked for only when something else is missing, or with `optional`. Throws SetupError with one line when something indispensable cannot be got.
 */
export async function setUp({ optional = false } = {}) {
  if (!complete(optional)) {
    const start = performance.now();
    await whileLocked(getMissing);
    say(`all is ready after ${since(start)}`);
  }
  const node = findNode();
  const path = [dirname(node), TEMPORAL.folder, process.env.PATH ?? ''].join(delimiter);
  return { node, path };
}

function complete(optional) {
  const unmet = missingSystemParts().filter(({ needed }) => needed || optional);
  return findNode() !== undefined && packagesPresent() && temporalPresent() && unmet.length === 0;
}

async function getMissing() {
  rmSync(LOG_FILE, { force: true });
  const failures = [];
  const part = async (name, present, get) => {
    if (present()) return;
    const start = performance.now();
    say(`getting ${name}`);
    try {
      const origin = await get();
      say(`${name} ready (${origin}), ${since(start)}`);
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      failures.push(error.message);
      say(error.message);
    }
  };
  await Promise.all([
    part('Node', () => findNode() !== undefined, getNode),
    part('the Temporal CLI', temporalPresent, getTemporal),
    part('system packages', () => missingSystemParts().length === 0, getSystemParts),
  ]);
  const node = findNode();
  if (node !== undefined) await part('npm packages', packagesPresent, () => getPackages(node));
  if (failures.length > 0) throw new SetupError(`${failures.length} of its parts are missing, see above`);
}
