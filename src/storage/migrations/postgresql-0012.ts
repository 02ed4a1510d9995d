import { Migration } from '@mikro-orm/migrations';

/** Which store a sub-store stands below. */
export class PostgreSqlStoreParents extends Migration {
  override up(): void {
    this.addSql('alter table "store" add column "parent_id" varchar(64) null');
  }
}
