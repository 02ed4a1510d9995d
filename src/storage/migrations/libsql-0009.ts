import { Migration } from '@mikro-orm/migrations';

/** The secrets of a model can be rotated. */
export class LibSqlModelSecrets extends Migration {
  override up(): void {
    this.addSql(
      'create table `model_secret` (`id` integer not null primary key autoincrement, `brand_id` text not null, `model_name` text not null, `kind` text not null, `salt` text not null, `rotated_at` text not null, `rotated_by` text not null)',
    );
    this.addSql(
      'create unique index `model_secret_brand_id_model_name_kind_unique` on `model_secret` (`brand_id`, `model_name`, `kind`)',
    );
  }
}
