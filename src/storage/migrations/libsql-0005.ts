import { Migration } from '@mikro-orm/migrations';

/** Serials are found by device key in all models of a brand; permissions may end; other services' revisions are known. */
export class LibSqlDeviceIdentities extends Migration {
  override up(): void {
    this.addSql(
      'create index `serial_intent_brand_id_device_key_id_index` on `serial_intent` (`brand_id`, `device_key_id`)',
    );
    this.addSql('alter table `serial_history` add column `revision` integer null');
    this.addSql(
      'create index `serial_history_brand_id_device_key_id_index` on `serial_history` (`brand_id`, `device_key_id`)',
    );
    this.addSql('alter table `replacement_permit` add column `expires_at` text null');
  }
}
