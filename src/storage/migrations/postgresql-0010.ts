import { Migration } from '@mikro-orm/migrations';

/** With whom a store is shared. */
export class PostgreSqlStoreShares extends Migration {
  override up(): void {
    this.addSql(
      'create table "store_share" ("id" serial primary key, "store_id" varchar(64) not null, "brand_id" varchar(64) not null)',
    );
    this.addSql(
      'alter table "store_share" add constraint "store_share_store_id_brand_id_unique" unique ("store_id", "brand_id")',
    );
  }
}
