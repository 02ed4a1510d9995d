import { Migration } from '@mikro-orm/migrations';

/** What removals took away can be brought back: their blobs stay until they are pruned. */
export class PostgreSqlUndoBlobs extends Migration {
  override up(): void {
    this.addSql(
      'create table "undo_blob" ("id" serial primary key, "import_id" int not null, "sha3_384" varchar(96) not null, "size" bigint not null, "subject" varchar(160) not null)',
    );
    this.addSql('create index "undo_blob_sha3_384_index" on "undo_blob" ("sha3_384")');
    this.addSql(
      'alter table "undo_blob" add constraint "undo_blob_import_id_sha3_384_unique" unique ("import_id", "sha3_384")',
    );
    this.addSql('alter table "import_record" add column "undone_by" varchar(64) null');
  }
}
