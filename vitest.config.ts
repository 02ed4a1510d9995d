import { defineConfig } from 'vitest/config';

const full = process.env['AIRLOCK_TEST_FULL'] === '1';

/** Tests of some minutes are named `*.full.test.ts` and run only with `npm run test:full`. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: full ? [] : ['test/**/*.full.test.ts'],
    globalSetup: ['test/support/temporal-service.ts', 'test/support/postgresql-service.ts'],
    pool: 'forks',
    // Tests wait for timers, disks and children for a good part of their time: three of them fill two cores.
    maxWorkers: full ? 2 : 3,
    testTimeout: full ? 600_000 : 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 20_000,
    restoreMocks: true,
  },
});
