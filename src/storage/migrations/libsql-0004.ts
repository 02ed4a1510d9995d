import { Migration } from '@mikro-orm/migrations';

/** Blobs that may be nobody's. */
export class LibSqlLooseBlobs extends Migration {
  override up(): void {
    this.addSql('create table `loose_blob` (`sha3_384` text not null primary key, `noted_at` text not null)');
    this.addSql('create index `loose_blob_noted_at_index` on `loose_blob` (`noted_at`)');
  }
}
