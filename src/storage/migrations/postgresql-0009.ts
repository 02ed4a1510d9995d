import { Migration } from '@mikro-orm/migrations';

/** The secrets of a model can be rotated. */
export class PostgreSqlModelSecrets extends Migration {
  override up(): void {
    this.addSql(
      'create table "model_secret" ("id" serial primary key, "brand_id" varchar(64) not null, "model_name" varchar(128) not null, "kind" varchar(16) not null, "salt" varchar(64) not null, "rotated_at" varchar(24) not null, "rotated_by" varchar(64) not null)',
    );
    this.addSql(
      'alter table "model_secret" add constraint "model_secret_brand_id_model_name_kind_unique" unique ("brand_id", "model_name", "kind")',
    );
  }
}
