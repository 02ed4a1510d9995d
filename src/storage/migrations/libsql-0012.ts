import { Migration } from '@mikro-orm/migrations';

/** Which store a sub-store stands below. */
export class LibSqlStoreParents extends Migration {
  override up(): void {
    this.addSql('alter table `store` add column `parent_id` text null');
  }
}
