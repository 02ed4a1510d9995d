import { LibSqlFirst } from './libsql-0001.ts';
import { LibSqlOverrideSnapId } from './libsql-0002.ts';
import { PostgreSqlFirst } from './postgresql-0001.ts';
import { PostgreSqlOverrideSnapId } from './postgresql-0002.ts';

/** In the order in which they are applied; a name, once released, never changes. */
export const LIBSQL_MIGRATIONS = [
  { name: '0001', class: LibSqlFirst },
  { name: '0002', class: LibSqlOverrideSnapId },
];

/** The same steps for PostgreSQL. */
export const POSTGRESQL_MIGRATIONS = [
  { name: '0001', class: PostgreSqlFirst },
  { name: '0002', class: PostgreSqlOverrideSnapId },
];
