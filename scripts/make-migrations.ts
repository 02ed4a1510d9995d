/**
 * Writes the first migration of both databases from the entities: src/storage/migrations/{libsql,postgresql}-0001.ts.
 * Only before the first release; what comes after it is written by hand, numbered on, for both databases: a test compares the
 * tables with the entities. Run: node scripts/make-migrations.ts
 */
import { writeFile } from 'node:fs/promises';
import { MikroORM as LibSqlOrm } from '@mikro-orm/libsql';
import { MikroORM as PostgreSqlOrm } from '@mikro-orm/postgresql';
import { ENTITIES } from '../src/storage/entities/index.ts';

const folder = new URL('../src/storage/migrations/', import.meta.url);

function source(className: string, sql: string): string {
  const statements = sql
    .split(/;\s*\n/)
    .map((statement) => statement.trim().replace(/;$/, ''))
    .filter((statement) => statement !== '' && !/^(set names|pragma|set session)/i.test(statement));
  return [
    "import { Migration } from '@mikro-orm/migrations';",
    '',
    '/** The tables of the first release. Made by scripts/make-migrations.ts. */',
    `export class ${className} extends Migration {`,
    '  override up(): void {',
    ...statements.map((statement) => `    this.addSql(${JSON.stringify(statement)});`),
    '  }',
    '}',
    '',
  ].join('\n');
}

const libSql = await LibSqlOrm.init({ entities: [...ENTITIES], dbName: ':memory:' });
await writeFile(
  new URL('libsql-0001.ts', folder),
  source('LibSqlFirst', await libSql.schema.getCreateSchemaSQL()),
);
await libSql.close();
const postgreSql = new PostgreSqlOrm({ entities: [...ENTITIES], dbName: 'airlock' });
await writeFile(
  new URL('postgresql-0001.ts', folder),
  source('PostgreSqlFirst', await postgreSql.schema.getCreateSchemaSQL()),
);
await postgreSql.close();
