import { Migration } from '@mikro-orm/migrations';

/** Overrides know the snap by its id too: an online host has overrides of snaps that it has no row of. */
export class PostgreSqlOverrideSnapId extends Migration {
  override up(): void {
    this.addSql('alter table "channel_override" add column "snap_id" varchar(64) null');
    this.addSql(
      'update "channel_override" set "snap_id" = (select "snap_id" from "snap" where "snap"."name" = "channel_override"."snap_name")',
    );
  }
}
