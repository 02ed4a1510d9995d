import { LibSqlFirst } from './libsql-0001.ts';
import { PostgreSqlFirst } from './postgresql-0001.ts';

/** In the order in which they are applied; a name, once released, never changes. */
export const LIBSQL_MIGRATIONS = [{ name: '0001', class: LibSqlFirst }];

/** The same steps for PostgreSQL. */
export const POSTGRESQL_MIGRATIONS = [{ name: '0001', class: PostgreSqlFirst }];
