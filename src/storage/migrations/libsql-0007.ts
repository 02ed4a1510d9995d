import { Migration } from '@mikro-orm/migrations';

/** What removals took away can be brought back: their blobs stay until they are pruned. */
export class LibSqlUndoBlobs extends Migration {
  override up(): void {
    this.addSql(
      'create table `undo_blob` (`id` integer not null primary key autoincrement, `import_id` integer not null, `sha3_384` text not null, `size` bigint not null, `subject` text not null)',
    );
    this.addSql('create index `undo_blob_sha3_384_index` on `undo_blob` (`sha3_384`)');
    this.addSql(
      'create unique index `undo_blob_import_id_sha3_384_unique` on `undo_blob` (`import_id`, `sha3_384`)',
    );
    this.addSql('alter table `import_record` add column `undone_by` text null');
  }
}
