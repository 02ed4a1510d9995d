import { LibSqlFirst } from './libsql-0001.ts';
import { LibSqlOverrideSnapId } from './libsql-0002.ts';
import { LibSqlTokens } from './libsql-0003.ts';
import { LibSqlLooseBlobs } from './libsql-0004.ts';
import { LibSqlDeviceIdentities } from './libsql-0005.ts';
import { LibSqlClosedPromises } from './libsql-0006.ts';
import { LibSqlUndoBlobs } from './libsql-0007.ts';
import { LibSqlKeyBounds } from './libsql-0008.ts';
import { LibSqlModelSecrets } from './libsql-0009.ts';
import { LibSqlStoreShares } from './libsql-0010.ts';
import { LibSqlFormerSignatures } from './libsql-0011.ts';
import { LibSqlStoreParents } from './libsql-0012.ts';
import { PostgreSqlFirst } from './postgresql-0001.ts';
import { PostgreSqlOverrideSnapId } from './postgresql-0002.ts';
import { PostgreSqlTokens } from './postgresql-0003.ts';
import { PostgreSqlLooseBlobs } from './postgresql-0004.ts';
import { PostgreSqlDeviceIdentities } from './postgresql-0005.ts';
import { PostgreSqlClosedPromises } from './postgresql-0006.ts';
import { PostgreSqlUndoBlobs } from './postgresql-0007.ts';
import { PostgreSqlKeyBounds } from './postgresql-0008.ts';
import { PostgreSqlModelSecrets } from './postgresql-0009.ts';
import { PostgreSqlStoreShares } from './postgresql-0010.ts';
import { PostgreSqlFormerSignatures } from './postgresql-0011.ts';
import { PostgreSqlStoreParents } from './postgresql-0012.ts';

/** In the order in which they are applied; a name, once released, never changes. */
export const LIBSQL_MIGRATIONS = [
  { name: '0001', class: LibSqlFirst },
  { name: '0002', class: LibSqlOverrideSnapId },
  { name: '0003', class: LibSqlTokens },
  { name: '0004', class: LibSqlLooseBlobs },
  { name: '0005', class: LibSqlDeviceIdentities },
  { name: '0006', class: LibSqlClosedPromises },
  { name: '0007', class: LibSqlUndoBlobs },
  { name: '0008', class: LibSqlKeyBounds },
  { name: '0009', class: LibSqlModelSecrets },
  { name: '0010', class: LibSqlStoreShares },
  { name: '0011', class: LibSqlFormerSignatures },
  { name: '0012', class: LibSqlStoreParents },
];

/** The same steps for PostgreSQL. */
export const POSTGRESQL_MIGRATIONS = [
  { name: '0001', class: PostgreSqlFirst },
  { name: '0002', class: PostgreSqlOverrideSnapId },
  { name: '0003', class: PostgreSqlTokens },
  { name: '0004', class: PostgreSqlLooseBlobs },
  { name: '0005', class: PostgreSqlDeviceIdentities },
  { name: '0006', class: PostgreSqlClosedPromises },
  { name: '0007', class: PostgreSqlUndoBlobs },
  { name: '0008', class: PostgreSqlKeyBounds },
  { name: '0009', class: PostgreSqlModelSecrets },
  { name: '0010', class: PostgreSqlStoreShares },
  { name: '0011', class: PostgreSqlFormerSignatures },
  { name: '0012', class: PostgreSqlStoreParents },
];
