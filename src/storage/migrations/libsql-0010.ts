import { Migration } from '@mikro-orm/migrations';

/** With whom a store is shared. */
export class LibSqlStoreShares extends Migration {
  override up(): void {
    this.addSql(
      'create table `store_share` (`id` integer not null primary key autoincrement, `store_id` text not null, `brand_id` text not null)',
    );
    this.addSql(
      'create unique index `store_share_store_id_brand_id_unique` on `store_share` (`store_id`, `brand_id`)',
    );
  }
}
