import type { Queries } from './database.ts';

/** `catalog`: what devices may see. `revocations`: blocks, revoked tokens, rotated secrets. `settings`: the configuration. */
export type GenerationName = 'catalog' | 'revocations' | 'settings';

/** The present value; 0 before the first change. A process that holds things in memory compares it before it trusts them. */
export async function generation(queries: Queries, name: GenerationName): Promise<number> {
  const row = await queries
    .selectFrom('Generation')
    .select('value')
    .where('name', '=', name)
    .executeTakeFirst();
  return row?.value ?? 0;
}

/** Raises a generation. Call it in the transaction that made the change. */
export async function raiseGeneration(queries: Queries, name: GenerationName): Promise<void> {
  await queries
    .insertInto('Generation')
    .values({ name, value: 1 })
    .onConflict((conflict) =>
      conflict.column('name').doUpdateSet((eb) => ({ value: eb('Generation.value', '+', 1) })),
    )
    .execute();
}
