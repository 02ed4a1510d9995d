import { Migration } from '@mikro-orm/migrations';

/** A signature that gave up its place is in the serial log as it was: when it was signed, who asked, and with what. */
export class PostgreSqlFormerSignatures extends Migration {
  override up(): void {
    this.addSql(
      'alter table "serial_history" add column "draft_id" varchar(36) null, add column "signed_at" varchar(24) null, add column "api_key_name" varchar(128) null, add column "source_address" varchar(64) null, add column "serial_request" bytea null',
    );
    // Of a former release there is the moment of the promise alone.
    this.addSql(
      'update "serial_history" set "draft_id" = \'former-\' || "id", "signed_at" = "created_at" where "serial_assertion" is not null',
    );
    this.addSql('drop index "serial_history_brand_id_model_name_serial_index"');
    this.addSql(
      'create index "serial_history_of_serial_index" on "serial_history" ("brand_id", "model_name", "serial", "signed_at", "draft_id")',
    );
    this.addSql(
      'create index "serial_history_brand_id_model_name_signed_at_draft_id_index" on "serial_history" ("brand_id", "model_name", "signed_at", "draft_id")',
    );
    this.addSql(
      'create index "serial_intent_brand_id_model_name_signed_at_id_index" on "serial_intent" ("brand_id", "model_name", "signed_at", "id")',
    );
  }
}
