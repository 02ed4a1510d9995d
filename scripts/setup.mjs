/** `npm run setup`: gets all that the project needs on this machine, with nothing but Node 20 or newer and npm. Idempotent. */
import { SetupError, say, since } from './setup/report.mjs';
import { setUp } from './setup/setup.mjs';

const start = performance.now();
try {
  await setUp({ optional: true });
  say(`done, ${since(start)}`);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(`not finished: ${error.message}`);
  process.exitCode = 1;
}
