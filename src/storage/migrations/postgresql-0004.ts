import { Migration } from '@mikro-orm/migrations';

/** Blobs that may be nobody's. */
export class PostgreSqlLooseBlobs extends Migration {
  override up(): void {
    this.addSql(
      'create table "loose_blob" ("sha3_384" varchar(96) not null, "noted_at" varchar(24) not null, primary key ("sha3_384"))',
    );
    this.addSql('create index "loose_blob_noted_at_index" on "loose_blob" ("noted_at")');
  }
}
