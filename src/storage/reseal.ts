import type { Database } from './database.ts';
import { raiseGeneration } from './generations.ts';

/**
 * Seals every secret of the database anew: settings, and the API keys that are shown to admins. One transaction, so that
 * after a crash all are as before.
 * @param reseal the same secret under the newest key; its first argument is the name that it is bound to
 * @param apiKeyName the name that a model's API key is bound to
 * @returns how many texts there were
 */
export async function resealAll(
  database: Database,
  reseal: (name: string, sealed: string) => string,
  apiKeyName: (brandId: string, modelName: string) => string,
): Promise<number> {
  return database.transaction(async (queries) => {
    const settings = await queries
      .selectFrom('Setting')
      .select(['key', 'value'])
      .where('sealed', '=', true)
      .execute();
    for (const { key, value } of settings)
      await queries
        .updateTable('Setting')
        .set({ value: reseal(key, value) })
        .where('key', '=', key)
        .execute();
    const apiKeys = await queries
      .selectFrom('ApiKey')
      .select(['id', 'brandId', 'modelName', 'sealed'])
      .where('sealed', 'is not', null)
      .execute();
    for (const { id, brandId, modelName, sealed } of apiKeys) {
      if (sealed === null) continue;
      const fresh = reseal(apiKeyName(brandId, modelName), sealed);
      await queries.updateTable('ApiKey').set({ sealed: fresh }).where('id', '=', id).execute();
    }
    await raiseGeneration(queries, 'settings');
    return settings.length + apiKeys.length;
  });
}
